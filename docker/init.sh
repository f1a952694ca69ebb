#!/bin/sh
# Bring Airflow's database up to date, make the DAGs' pools and the one account; a second run changes nothing.
set -eu
airflow db migrate

pools=$(mktemp)
python "$AIRFLOW__CORE__DAGS_FOLDER/pools.py" --slots "$THOROUGHFARE_STAGES" >"$pools"
airflow pools import "$pools"

password=$(cat "$THOROUGHFARE_ADMIN_PASSWORD_FILE")
# by standard input: arguments can be read by every process of the container
printf '%s\n%s\n' "$password" "$password" | airflow users create --role Admin \
    --username "$THOROUGHFARE_ADMIN" --firstname Thoroughfare --lastname Operator --email "$THOROUGHFARE_ADMIN@localhost"
