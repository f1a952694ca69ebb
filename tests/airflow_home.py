"""Keep an Airflow of its own in a folder: its settings and secrets, its four daemons on loopback, and words with its API."""

import ctypes
import json
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import closing, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PR_SET_CHILD_SUBREAPER = 36
"""Of <linux/prctl.h>."""
BUSY_S = 120
"""How long SQLite waits for another writer; no answer is waited for less."""
DAEMONS = {
    "api-server": ["--host", "127.0.0.1", "--workers", "1"],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}
"""What runs, and how: with one shared folder of logs no log server is needed, and those would listen on every address."""


class AirflowHome:
    """One Airflow with SQLite below a folder, which its processes name in their environment."""

    def __init__(self, folder: Path, settings: Path, lake: Path, **more: str) -> None:
        """Write secrets and make the environment; nothing runs yet."""
        self.folder, self.lake, self.daemons, self.token = folder, lake, {}, ""
        folder.mkdir(parents=True)
        self.port = _free_port()
        self.env = os.environ | _environment(folder, self.port) | more
        self.env |= {"THOROUGHFARE_SETTINGS": str(settings), "THOROUGHFARE_LAKE": str(lake)}

    def airflow(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one Airflow command to its end."""
        return self.run(str(BIN / "airflow"), *words, **more)

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a program in this environment and more."""
        ended = subprocess.run(words, env=self.env | more, cwd=self.folder, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"{words} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
        return ended

    def migrate(self) -> None:
        """Make the database and the pools."""
        self.airflow("db", "migrate")
        with closing(sqlite3.connect(self.folder / "airflow.db")) as database:
            database.execute("pragma journal_mode = wal")
        pools = self.folder / "pools.json"
        pools.write_text(self.run(sys.executable, str(ROOT / "dags/pools.py"), "--feed-slots", "2").stdout)
        self.airflow("pools", "import", str(pools))

    def start(self) -> None:
        """Start the four daemons and wait until each is healthy and the DAGs are there."""
        _adopt_orphans(yes=True)
        for name, words in DAEMONS.items():
            words = [*words, "--port", str(self.port)] if name == "api-server" else words  # noqa: PLW2901
            with (self.folder / f"{name}.log").open("wb") as log:
                self.daemons[name] = subprocess.Popen(
                    [str(BIN / "airflow"), name, *words], env=self.env, cwd=self.folder, stdout=log, stderr=log
                )
        self.wait(self._healthy, 300, "four healthy daemons")

    def stop(self) -> None:
        """End the daemons as an operator does: the interrupt key, the API last, so that running tasks can report to it."""
        running, self.daemons = self.daemons, {}
        for daemon in reversed(running.values()):
            daemon.send_signal(signal.SIGINT)
            daemon.wait(120)

    def processes(self) -> dict[int, str]:
        """List every live process that descends from this one: the daemons, their children, and orphans."""
        parents, found = {}, {}
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                parents[int(entry.name)] = int(parent)
                if state != "Z":
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return {pid: command for pid, command in found.items() if _descends(pid, parents)}

    def listening(self) -> set[str]:
        """List the addresses that its processes listen on, as /proc/net/tcp writes them."""
        sockets = {link for pid in self.processes() for link in _links(pid)}
        rows = [
            line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]
        ]
        return {row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets}

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the API, with the token that the generated password buys."""
        if not self.token and path != "/auth/token":
            password = json.loads((self.folder / "passwords.json").read_text())["operator"]
            self.token = self.ask("POST", "/auth/token", {"username": "operator", "password": password})["access_token"]
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {self.token}"} if self.token else {}),
        )
        for patience in range(5):
            try:
                with urllib.request.urlopen(request, timeout=BUSY_S + 30) as answer:
                    return json.loads(answer.read() or b"null")
            except (urllib.error.HTTPError, TimeoutError) as error:
                refused = isinstance(error, urllib.error.HTTPError) and error.code < 500
                if refused or patience == 4:  # SQLite bears one writer: "database is locked"
                    raise
                time.sleep(1)
        raise AssertionError

    def trigger(self, dag: str, **conf: str) -> str:
        """Start a run of a DAG once, however often the asking has to be repeated, and return its id."""
        run = "__".join(["manual", *conf.values()])
        try:
            self.ask("POST", f"/api/v2/dags/{dag}/dagRuns", {"dag_run_id": run, "logical_date": None, "conf": conf})
        except urllib.error.HTTPError as error:
            if error.code != HTTPStatus.CONFLICT:  # an asking whose answer did not come had been heard
                raise
        return run

    def runs(self, dag: str) -> list[dict[str, Any]]:
        """List the runs of a DAG, oldest first."""
        return self.ask("GET", f"/api/v2/dags/{dag}/dagRuns?order_by=run_after&limit=100")["dag_runs"]

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """List the task instances of a run."""
        return self.ask("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=500")["task_instances"]

    def wait(self, until: Callable[[], Any], timeout_s: float, what: str) -> Any:
        """Wait until something is true and return it; say what was awaited when it takes too long."""
        ends = time.monotonic() + timeout_s
        while time.monotonic() < ends:
            dead = {name: daemon.returncode for name, daemon in self.daemons.items() if daemon.poll() is not None}
            assert not dead, (
                f"awaiting {what}: {dead} ended: {[(self.folder / f'{n}.log').read_text()[-2000:] for n in dead]}"
            )
            if found := until():
                return found
            time.sleep(1)
        raise AssertionError(f"{what}: not within {timeout_s} s; see {self.folder}")

    def done(self, dag: str, count: int = 1, timeout_s: float = 1200) -> list[dict[str, Any]]:
        """Wait until a DAG has so many finished runs, and return them."""

        def finished() -> list[dict[str, Any]] | None:
            ended = [run for run in self.runs(dag) if run["state"] in ("success", "failed")]
            return ended if len(ended) >= count else None

        return self.wait(finished, timeout_s, f"{count} finished runs of {dag}")

    def _healthy(self) -> bool:
        """Tell whether every daemon beats and every DAG is known."""
        try:
            health = self.ask("GET", "/api/v2/monitor/health")
            known = self.ask("GET", "/api/v2/dags")["total_entries"]
        except (OSError, urllib.error.URLError):
            return False
        return known > 0 and all(part["status"] == "healthy" for part in health.values())


def tree(root: Path) -> dict[str, bytes]:
    """Read every file but the database and those of dot-folders: run records have a clock in them."""
    found = {p.relative_to(root): p for p in sorted(root.rglob("*")) if p.is_file() and p.suffix != ".duckdb"}
    return {str(name): p.read_bytes() for name, p in found.items() if not any(part[0] == "." for part in name.parts)}


def _environment(folder: Path, port: int) -> dict[str, str]:
    """Write the secrets, for this user's eyes only, and return Airflow's settings."""
    address = f"http://127.0.0.1:{port}"
    _secret(folder / "passwords.json", json.dumps({"operator": secrets.token_urlsafe(24)}))
    _secret(folder / "fernet", urlsafe_b64encode(secrets.token_bytes(32)).decode())
    _secret(folder / "jwt", secrets.token_urlsafe(48))
    return {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}?timeout={BUSY_S}",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY_CMD": f"cat {folder / 'fernet'}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "operator:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__SECRET_KEY_CMD": f"cat {folder / 'jwt'}",
        "AIRFLOW__API_AUTH__JWT_SECRET_CMD": f"cat {folder / 'jwt'}",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        "PYTHONWARNINGS": "ignore",
        "NO_PROXY": "127.0.0.1",
    }


def _secret(path: Path, text: str) -> None:
    """Create a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_text(text)


def _adopt_orphans(*, yes: bool) -> None:
    """Have processes whose parent ends become children of this one, so that none escapes notice."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(yes), 0, 0, 0)


def _descends(pid: int, parents: dict[int, int]) -> bool:
    """Tell whether a process descends from this one."""
    while (pid := parents.get(pid, 0)) > 1:
        if pid == os.getpid():
            return True
    return False


def _free_port() -> int:
    """Find a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _links(pid: int) -> set[str]:
    """Read what the open files of a process are."""
    try:
        return {str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()}
    except OSError:
        return set()
