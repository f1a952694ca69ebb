"""Read docker/compose.yml as `docker compose config` does, and run its services as plain processes."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml
from distributed import Security

REPO = Path(__file__).parents[1]
DOCKER = REPO / "docker"
BIN = REPO / ".venv" / "bin"
VARIABLE = re.compile(r"\$\{(\w+)(?::?-([^}]*))?\}")
TAKES_PLACE = ("command", "entrypoint", "test")
"""Lists that an override file replaces; to all others it adds."""
PORTS = ("8080", "8786", "8787", "8788", "8974", "5432")
HOSTS = re.compile(r"\b(api-server|dask-scheduler|postgres)(?=:\d)")


def merged(*names: str, given: dict[str, str] | None = None) -> dict[str, Any]:
    """Merge compose files of docker/ as the engine does: variables filled in, `extends` followed, lists joined."""
    whole: dict[str, Any] = {}
    for name in names:
        text = VARIABLE.sub(lambda found: (given or {}).get(found[1], found[2] or ""), (DOCKER / name).read_text())
        whole = _joined(whole, yaml.safe_load(text))
    for name, own in whole["services"].items():
        if base := own.pop("extends", None):
            below = merged(base["file"], given=given)["services"][base["service"]]
            whole["services"][name] = _joined(below, own)
    return {key: value for key, value in whole.items() if not key.startswith("x-")}


def image_environment(dockerfile: str) -> dict[str, str]:
    """Read what the last stage of a Dockerfile sets by ENV."""
    last = (DOCKER / dockerfile).read_text().replace("\\\n", " ").rpartition("\nFROM ")[2]
    settings = [line.removeprefix("ENV ") for line in last.splitlines() if line.startswith("ENV ")]
    return dict(each.split("=", 1) for line in settings for each in shlex.split(line))


@dataclass
class Stack:
    """A folder and free ports that stand for what the containers have."""

    folder: Path
    """Holds secrets/, lake/, logs/ and tmp/."""
    compose: dict[str, Any]
    ports: dict[str, int] = field(default_factory=lambda: {port: _free_port() for port in PORTS})

    @contextmanager
    def running(self, *names: str) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
        """Start services and end them, by SIGINT first: Airflow's daemons leave no orphans then."""
        started = {name: self.start(name) for name in names}
        try:
            yield started
        finally:
            for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                alive = [each for each in started.values() if each.poll() is None]
                for each in alive:
                    each.send_signal(ending)
                deadline = time.monotonic() + 20
                while any(each.poll() is None for each in alive) and time.monotonic() < deadline:
                    time.sleep(0.1)

    @contextmanager
    def database(self) -> Iterator[None]:
        """Run Postgres with the service's settings where this machine has it; else let Airflow use SQLite."""
        url = self.folder / "secrets" / "airflow_database_url"
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        if not programs:
            url.write_text(f"sqlite:///{self.folder}/tmp/airflow.db")
            yield
            return
        url.write_text(self.here(url.read_text()))
        settings, home = self.environment("postgres"), self.folder / "database"
        home.mkdir()
        if os.geteuid() == 0:  # Postgres refuses to run as root
            shutil.chown(home, "nobody", "nogroup")
            shutil.chown(self.folder / "secrets" / "postgres_password", "nobody")
            for folder in (self.folder, self.folder / "secrets"):
                folder.chmod(0o711)
        made = [
            "initdb",
            "-D",
            str(home),
            "-U",
            settings["POSTGRES_USER"],
            f"--pwfile={settings['POSTGRES_PASSWORD_FILE']}",
        ]
        subprocess.run(
            _nobody(programs[-1], [*made, *settings["POSTGRES_INITDB_ARGS"].split()]), check=True, capture_output=True
        )
        port = str(self.ports["5432"])
        serve = ["postgres", "-D", str(home), "-h", "127.0.0.1", "-p", port, "-k", str(home)]
        with subprocess.Popen(_nobody(programs[-1], serve), stderr=subprocess.DEVNULL) as server:
            try:
                assert self.becomes_well("postgres", within_s=30)
                password = Path(settings["POSTGRES_PASSWORD_FILE"]).read_text().strip()
                create = [programs[-1] / "createdb", "-h", "127.0.0.1", "-p", port, "-U", "airflow", "airflow"]
                subprocess.run(create, check=True, env={"PGPASSWORD": password})
                yield
            finally:
                server.send_signal(signal.SIGQUIT)

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a service's command in the background; what it says is kept in logs/<service>.txt."""
        command, environment = self.command(self._service(name)["command"]), self.environment(name)
        with (self.folder / "logs" / f"{name}.txt").open("ab") as said:
            return subprocess.Popen(
                command, env=environment, cwd=self.folder / "tmp", stdout=said, stderr=said, start_new_session=True
            )

    def said(self, name: str) -> str:
        """Return what a service has said."""
        return (self.folder / "logs" / f"{name}.txt").read_text(errors="replace")

    def is_well(self, name: str) -> bool:
        """Run a service's health check once."""
        test = self._service(name)["healthcheck"]["test"]
        assert test[0] == "CMD"
        done = subprocess.run(
            self.command(test[1:]),
            env=self.environment(name),
            cwd=self.folder / "tmp",
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def becomes_well(self, name: str, within_s: float = 90) -> bool:
        """Run a service's health check until it passes."""
        deadline = time.monotonic() + within_s
        while not (well := self.is_well(name)) and time.monotonic() < deadline:
            time.sleep(0.5)
        return well

    def security(self) -> Security:
        """Return what Dask's own configuration would find in a container."""
        secrets = {
            f"tls_{role}_{kind}": str(self.folder / "secrets" / f"dask_{kind}")
            for role in ("client",)
            for kind in ("cert", "key")
        }
        return Security(tls_ca_file=str(self.folder / "secrets" / "dask_ca"), require_encryption=True, **secrets)

    def token(self, user: str, password: str) -> str:
        """Log in to Airflow."""
        asked = json.dumps({"username": user, "password": password}).encode()
        url = f"http://127.0.0.1:{self.ports['8080']}/auth/token"
        with urlopen(Request(url, asked, {"Content-Type": "application/json"}), timeout=30) as answer:
            said: str = json.load(answer)["access_token"]
            return said

    def ask(self, path: str, body: dict[str, Any] | None = None, method: str | None = None) -> Any:
        """Ask Airflow's REST interface as the operator."""
        token = self.token("operator", (self.folder / "secrets" / "airflow_admin_password").read_text().strip())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.ports['8080']}{path}", sent, headers, method=method)
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def command(self, words: list[str]) -> list[str]:
        """Return a command with this machine's paths and ports."""
        return [self.here(word) for word in words]

    def environment(self, name: str) -> dict[str, str]:
        """Return what a service's container would have in its environment, and nothing of ours."""
        service = self._service(name)
        image = image_environment(Path(service["build"]["dockerfile"]).name) if "build" in service else {}
        settings = {key: self.here(str(value)) for key, value in (image | service["environment"]).items()}
        settings["PATH"] = f"{BIN}:{os.environ['PATH']}"
        return settings | {"AIRFLOW__API__HOST": "127.0.0.1", "PGPORT": str(self.ports["5432"])}

    def here(self, text: str) -> str:
        """Put this machine's paths, ports and loopback in place of the containers'."""
        for there, path in self._paths().items():
            text = re.sub(rf"(?<![\w.]){there}(?=/|$)", str(path), text)
        text = HOSTS.sub("127.0.0.1", text)
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", str(free), text)
        return text

    def _paths(self) -> dict[str, Path]:
        return {
            "/tmp": self.folder / "tmp",
            "/run/secrets": self.folder / "secrets",
            "/opt/thoroughfare/dags": REPO / "dags",
            "/opt/thoroughfare": DOCKER,
            "/var/log/airflow": self.folder / "logs",
            "/etc/thoroughfare": self.folder,
            "/lake": self.folder / "lake",
        }

    def _service(self, name: str) -> dict[str, Any]:
        service: dict[str, Any] = self.compose["services"][name]
        return service


def _joined(below: Any, above: Any, key: str = "") -> Any:
    """Merge two values: mappings by key, lists one after the other, the rest by the later one."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {name: _joined(below.get(name), value, name) for name, value in above.items()}
    if isinstance(below, list) and isinstance(above, list) and key not in TAKES_PLACE:
        return below + [each for each in above if each not in below]
    return above


def _nobody(programs: Path, words: list[str]) -> list[str]:
    """Run a program of Postgres as nobody where this is root."""
    command = [str(programs / words[0]), *words[1:]]
    return (
        ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command] if os.geteuid() == 0 else command
    )


def _free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
