"""Say what is locked: `python -m tests.supply_chain audit|sbom` finds known vulnerabilities, and writes bills of materials.

Both read `uv.lock` and nothing that is installed, so they tell of every way to install, on every machine.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK, OUT = ROOT / "uv.lock", ROOT / "out"
SERVICE = "https://api.osv.dev/v1/query"
"""Open Source Vulnerabilities: the advisories of PyPA, GitHub and others. Another that speaks as it does: --service."""
INSTALLS = {
    "run": ("--no-default-groups", "--extra", "cpu", "--extra", "airflow"),
    "gpu": ("--no-default-groups", "--extra", "gpu"),
    "development": ("--all-groups", "--extra", "airflow"),
}
"""A bill each, for no one environment can hold all that is locked."""
CLEAN, VULNERABLE, UNASKED = 0, 1, 2
"""Exit codes; nothing is called clean that could not be asked."""


def locked(lock: Path = LOCK) -> list[tuple[str, str]]:
    """List name and version of every package of others in a lock file."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    return sorted((each["name"], each["version"]) for each in packages if "editable" not in each["source"])


def audit(lock: Path = LOCK, service: str = SERVICE, out: Path = OUT) -> int:
    """Ask a service for what is known against each locked package; write `audit.json`, return the exit code."""
    names = locked(lock)
    found: list[dict[str, Any]] = []
    for only in _one_version_each(names):
        answer = _asked(only, service)
        if answer is None:
            sys.stderr.write(
                f"make audit: {service} did not answer for all of {len(names)} packages, so nothing is said of any; "
                "it needs a network: try again, or name a service that you reach by --service\n"
            )
            return UNASKED
        found += answer
    out.mkdir(parents=True, exist_ok=True)
    (out / "audit.json").write_text(json.dumps({"service": service, "packages": found}, indent=1) + "\n")
    guilty = [each for each in found if each["vulns"]]
    for each in guilty:
        for one in each["vulns"]:
            mended = ", ".join(one["fix_versions"]) or "no version yet"
            sys.stdout.write(f"{each['name']} {each['version']}: {one['id']}, mended in {mended}\n")
    sys.stdout.write(f"{len(found)} packages of {lock.name}, {len(guilty)} with a known vulnerability ({service})\n")
    return VULNERABLE if guilty else CLEAN


def bills(out: Path = OUT / "sbom") -> list[Path]:
    """Write a bill of materials in CycloneDX 1.5 for each way to install; return where they lie."""
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for name, options in INSTALLS.items():
        path = out / f"{name}.cdx.json"
        asked = [_uv(), "export", "--frozen", "--offline", "--quiet", "--format", "cyclonedx1.5", *options]
        # uv says where it writes, too, on standard output
        told = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        path.write_text(told, encoding="utf-8")
        made.append(path)
    return made


def _one_version_each(names: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Part a list so that no part names a package twice: a lock file may hold one version for each Python."""
    parts: list[dict[str, str]] = []
    for name, version in names:
        part = next((each for each in parts if name not in each), None)
        if part is None:
            parts.append(part := {})
        part[name] = version
    return [sorted(each.items()) for each in parts]


def _asked(names: list[tuple[str, str]], service: str) -> list[dict[str, Any]] | None:
    """Have pip-audit ask for each of some packages; None unless all were answered."""
    with tempfile.TemporaryDirectory(prefix="thoroughfare-audit-") as aside:
        wanted, told = Path(aside) / "locked.txt", Path(aside) / "told.json"
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in names))
        asked = [sys.executable, "-m", "pip_audit", "--requirement", wanted, "--disable-pip", "--no-deps", "--strict"]
        asked += ["--vulnerability-service", "osv", "--osv-url", service, "--cache-dir", aside, "--desc", "off"]
        asked += ["--progress-spinner", "off", "--format", "json", "--output", told]
        subprocess.run(asked, capture_output=True, check=False)
        answered = json.loads(told.read_text())["dependencies"] if told.exists() else []
    return answered if {(each["name"], each.get("version")) for each in answered} == set(names) else None


def _uv() -> str:
    """Return where uv is: the one below this folder, else the one of the machine."""
    found = shutil.which("uv", path=f"{ROOT / '.uv/bin'}:{os.environ['PATH']}")
    assert found, "uv is absent; `make` installs it"
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["audit", "sbom"])
    parser.add_argument("--service", default=SERVICE)
    chosen = parser.parse_args()
    if chosen.what == "audit":
        sys.exit(audit(service=chosen.service))
    for made in bills():
        sys.stdout.write(f"{made.relative_to(ROOT)}\n")
