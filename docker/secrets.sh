#!/bin/sh
# Make every secret of compose.yml in docker/secrets (0600): passwords, keys, Dask's certificates; overwrites nothing.
set -eu
umask 077
cd "$(dirname "$0")"
days=${THOROUGHFARE_CERTIFICATE_DAYS:-397}
# containers run as the secrets' owner, never as root
uid=$(id -u) gid=$(id -g)
if [ "$uid" = 0 ]; then uid=10001 gid=10001; fi

if [ -e secrets ] || [ -e .env ]; then
    echo "secrets.sh: docker/secrets or docker/.env is there already; move both away first to make new ones" >&2
    exit 1
fi
for tool in openssl mktemp; do
    command -v "$tool" >/dev/null || { echo "secrets.sh: $tool is missing; install it" >&2; exit 1; }
done

made=$(mktemp -d ./.secrets.XXXXXX)
trap 'rm -rf "$made"' EXIT

# without a newline at the end: Airflow takes a file's every byte
word() { openssl rand -hex 32 | tr -d '\n'; }

word >"$made/postgres_password"
printf 'postgresql+psycopg2://airflow:%s@postgres:5432/airflow' "$(cat "$made/postgres_password")" >"$made/airflow_database_url"
openssl rand -base64 32 | tr '+/' '-_' | tr -d '\n' >"$made/airflow_fernet_key"
word >"$made/airflow_jwt_secret"
word >"$made/airflow_secret_key"
word >"$made/airflow_admin_password"

# one authority that signs one certificate and is then forgotten: who holds dask_key may use the cluster
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days "$days" -subj "/CN=thoroughfare dask authority" \
    -addext "keyUsage=critical,keyCertSign" -keyout "$made/authority_key" -out "$made/dask_ca" 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -subj "/CN=thoroughfare dask" \
    -keyout "$made/dask_key" -out "$made/request" 2>/dev/null
printf '%s\n' "keyUsage=critical,digitalSignature" "extendedKeyUsage=serverAuth,clientAuth" \
    "subjectAltName=DNS:dask-scheduler" "authorityKeyIdentifier=keyid" >"$made/extensions"
openssl x509 -req -in "$made/request" -CA "$made/dask_ca" -CAkey "$made/authority_key" -days "$days" \
    -extfile "$made/extensions" -out "$made/dask_cert" 2>/dev/null
rm "$made/authority_key" "$made/request" "$made/extensions"

# for a lake in a bucket: AWS_ACCESS_KEY_ID and the like, a line each
: >"$made/s3.env"

chmod 600 "$made"/*
if [ "$(id -u)" = 0 ]; then chown -R "$uid:$gid" "$made"; fi
mv "$made" secrets
trap - EXIT
printf 'THOROUGHFARE_UID=%s\nTHOROUGHFARE_GID=%s\n' "$uid" "$gid" >.env
echo "made docker/secrets and docker/.env; the account is 'operator', its password stands in docker/secrets/airflow_admin_password"
