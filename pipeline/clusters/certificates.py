"""Make the certificates of a Dask cluster: one authority, and one certificate each for scheduler, workers and runs.

Each side shows its certificate and asks for the other's, so whoever holds none signed here is not answered. The
authority's key is never written: nobody can add a certificate later; to add or revoke one, make all anew.
"""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.errors import SettingsError

ROLES = ("scheduler", "worker", "client")
"""Dask's own names of the three sides."""
VALID_DAYS = 365


def make(folder: Path, now: datetime | None = None) -> list[Path]:
    """Write `<folder>/<role>/` with ca.pem, cert.pem, key.pem (mode 0600) and dask.yaml for each role.

    `DASK_CONFIG=<folder>/<role>` is all that `dask scheduler`, `dask worker` or a run then needs.

    Raises:
        SettingsError: there are certificates in the folder already.
    """
    begins = (now or datetime.now(UTC)) - timedelta(minutes=5)
    if taken := [str(folder / role) for role in ROLES if (folder / role).exists()]:
        raise SettingsError(f"{taken[0]}: there already; delete it, or pass another folder")
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("authority")
    ca = _signed(issuer, issuer, authority, authority, begins, is_authority=True)
    made = []
    for role in ROLES:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _signed(_name(role), issuer, key, authority, begins, is_authority=False)
        made.append(_write(folder / role, role, ca, certificate, key))
    return made


def _name(role: str) -> x509.Name:
    """Name the holder of a certificate."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"thoroughfare {role}")])


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    authority: ec.EllipticCurvePrivateKey,
    begins: datetime,
    *,
    is_authority: bool,
) -> x509.Certificate:
    """Build and sign a certificate."""
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(begins).not_valid_after(begins + timedelta(days=VALID_DAYS))
    builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    return builder.sign(authority, hashes.SHA256())


def _write(
    folder: Path, role: str, ca: x509.Certificate, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> Path:
    """Write what one role needs, readable by its owner alone."""
    folder.mkdir(parents=True, mode=0o700)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    here = {name: str((folder / f"{name}.pem").resolve()) for name in ("ca", "cert", "key")}
    tls = {"ca-file": here["ca"], role: {"cert": here["cert"], "key": here["key"]}}
    # a job's answer is a few names: memory that is short is not won back by waiting, so a worker never pauses
    memory = {"target": False, "spill": False, "pause": False}
    config = {"distributed": {"comm": {"require-encryption": True, "tls": tls}, "worker": {"memory": memory}}}
    _private(folder / "ca.pem", ca.public_bytes(pem))
    _private(folder / "cert.pem", certificate.public_bytes(pem))
    _private(folder / "key.pem", key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    # JSON is YAML too
    _private(folder / "dask.yaml", (json.dumps(config, indent=1) + "\n").encode())
    return folder


def _private(path: Path, content: bytes) -> None:
    """Write a file that nobody else may read, not even for a moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
