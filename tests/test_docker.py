import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError

import check_jsonschema
import dask_kubernetes
import jsonschema
import kubernetes_validate
import pytest
import yaml
from composed import BIN, DOCKER, REPO, Stack, merged
from cryptography.fernet import Fernet
from distributed import Client

SETTINGS = """
[scan.demo]
feed = "demo"
timezone = "America/New_York"
metric_crs = "EPSG:32618"
hours = "07:59-08:01"
cadence_s = 10.0
exempt = "a simulated city"
"""
COMPOSE = merged("compose.yml", "compose.gpu.yml")
SERVICES = sorted(COMPOSE["services"])
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
SCHEMA = Path(check_jsonschema.__file__).parent / "builtin_schemas" / "vendor" / "compose-spec.json"


def service(name):
    return COMPOSE["services"][name]


def test_the_files_together_are_what_the_compose_specification_allows():
    jsonschema.validate(COMPOSE, json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_no_root_writes_nothing_and_may_do_nothing(name):
    user, group = service(name)["user"].split(":")
    assert int(user) > 0 < int(group)
    assert service(name)["read_only"] is True
    assert service(name)["cap_drop"] == ["ALL"]
    assert service(name)["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"} & set(service(name))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_bounded_and_its_health_is_watched(name):
    limits = service(name)["deploy"]["resources"]["limits"]
    assert limits.keys() >= {"cpus", "memory"}
    assert service(name)["pids_limit"] > 0
    assert (
        service(name)["healthcheck"] == {"disable": True}
        if name == "airflow-init"
        else service(name)["healthcheck"]["test"]
    )


def test_only_the_api_server_is_reached_from_outside_and_only_from_this_machine():
    ports = {name: service(name)["ports"] for name in SERVICES if "ports" in service(name)}
    assert ports == {"api-server": ["127.0.0.1:8080:8080"]}


def test_the_database_is_reached_by_airflow_alone():
    assert COMPOSE["networks"]["database"] == COMPOSE["networks"]["dask"] == {"internal": True}
    reach = {name for name in SERVICES if "database" in service(name)["networks"]}
    assert reach == {"postgres", "airflow-init", "api-server", "scheduler", "dag-processor", "triggerer"}


def test_the_lake_its_keys_and_dasks_key_reach_only_those_who_do_the_work():
    workers = {name for name in SERVICES if name.startswith(("dask-worker", "dask-gpu"))}
    assert {name for name in SERVICES if "/lake" in [each["target"] for each in service(name).get("volumes", [])]} == {
        "scheduler",
        *workers,
    }
    assert {name for name in SERVICES if "env_file" in service(name)} == {"scheduler", *workers}
    assert {name for name in SERVICES if "dask_key" in service(name)["secrets"]} == {
        "scheduler",
        "dask-scheduler",
        *workers,
    }


def test_images_have_a_version_and_those_of_others_a_hash():
    for name in SERVICES:
        image = service(name)["image"]
        assert ":" in image
        assert "latest" not in image
        assert "build" in service(name) or re.search(r":[\d.]+-\w+@sha256:[0-9a-f]{64}$", image)
    for path in DOCKERFILES:
        bases = re.findall(r"^(?:ARG PYTHON_IMAGE=|FROM )(\S+)", path.read_text(), re.MULTILINE)
        assert set(bases[1:]) == {"${PYTHON_IMAGE}"}
        assert re.search(r":3\.11\.\d+-slim-bookworm@sha256:[0-9a-f]{64}$", bases[0])


def test_no_file_holds_a_password():
    literal = re.compile(
        r"(?i)(passw|secret|token|fernet|access_key|private_key)\w*[\"']?\s*[:=]\s*[\"']?(?!\S*(/run/|\$|%s))[\w+/-]{6,}"
    )
    for path in sorted(
        each for each in DOCKER.rglob("*") if each.is_file() and "secrets/" not in str(each.relative_to(DOCKER))
    ):
        said = [
            line for line in path.read_text().splitlines() if literal.search(line) and not line.lstrip().startswith("#")
        ]
        assert [
            line for line in said if not re.search(r"_CMD: cat |_FILE: /run/|SecretName: |secretName: |secretKey", line)
        ] == []


def test_no_account_comes_with_a_password_that_everybody_knows():
    values = yaml.safe_load((DOCKER / "kubernetes" / "airflow-values.yaml").read_text())
    made = {part: values[part]["enabled"] for part in ("createUserJob", "postgresql", "redis", "flower", "pgbouncer")}
    assert not any(made.values())
    assert values["webserver"]["defaultUser"]["enabled"] is False
    known = re.compile(
        r"(?i)\b(changeme|change_me|hunter2|letmein|minioadmin|admin:admin|airflow:airflow|postgres:postgres|password123)\b|POSTGRES_HOST_AUTH_METHOD|trust\b"
    )
    files = [
        path for path in (*DOCKER.rglob("*"), REPO / "settings.toml", REPO / "docs/deployment.md") if path.is_file()
    ]
    said = {path: known.search(path.read_text()) for path in files if "secrets/" not in str(path.relative_to(REPO))}
    assert not [path for path, match in said.items() if match]


@pytest.mark.parametrize(("dockerfile", "has"), [("airflow.Dockerfile", False), ("worker.Dockerfile", True)])
def test_tensorflow_is_in_the_workers_image_and_not_in_airflows(dockerfile, has):
    last = re.findall(r"uv sync (--locked [^\\\n]*--no-editable)", (DOCKER / dockerfile).read_text())[-1]
    options = [word.strip('"').replace("${ACCELERATOR}", "cpu") for word in last.split()]
    options = ["--frozen" if word == "--locked" else word for word in options if word != "--no-build-isolation"]
    uv = shutil.which("uv", path=f"{REPO / '.uv/bin'}:{os.environ['PATH']}")
    said = subprocess.run(
        [uv, "export", "--offline", "--quiet", *options], cwd=REPO, capture_output=True, text=True, check=True
    )
    packages = {line.split("==")[0] for line in said.stdout.splitlines() if "==" in line and not line.startswith(" ")}
    assert bool(packages & {"tensorflow", "tensorflow-cpu", "keras"}) is has
    assert ("apache-airflow-core" in packages) is not has
    assert packages >= {"duckdb", "pyarrow", "distributed"}
    assert not packages & {"hatchling", "pytest", "ruff"}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_what_an_image_copies_is_all_that_the_build_may_see(path):
    allowed = {line[1:] for line in (REPO / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", path.read_text(), re.MULTILINE)
    wanted = {name for line in copied for name in line.split()}
    assert wanted <= allowed
    assert all((REPO / name).exists() for name in wanted)


def kubernetes(name):
    return yaml.safe_load((DOCKER / "kubernetes" / name).read_text())


PODS = [
    *(kubernetes("dask.yaml")["spec"][part]["spec"] for part in ("scheduler", "worker")),
    kubernetes("dask-gpu.yaml")["spec"]["worker"]["spec"],
]


@pytest.mark.parametrize(("name", "kind"), [("dask.yaml", "daskcluster"), ("dask-gpu.yaml", "daskworkergroup")])
def test_dasks_operator_takes_the_clusters_description(name, kind):
    chart = Path(dask_kubernetes.__file__).parent / "operator/deployment/helm/dask-kubernetes-operator"
    definition = yaml.safe_load((chart / "crds" / f"{kind}.yaml").read_text())
    jsonschema.validate(
        kubernetes(name), definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], jsonschema.Draft4Validator
    )


@pytest.mark.parametrize("pod", PODS, ids=["scheduler", "worker", "gpu"])
def test_a_pod_may_do_no_more_than_a_container(pod):
    template = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": pod}
    kubernetes_validate.validate(template, "1.37", strict=True)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsUser"] == 10001
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"].keys() >= {"cpu", "memory"}
        assert container["livenessProbe"]["httpGet"] == container["readinessProbe"]["httpGet"]
        assert {"name": "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION", "value": "true"} in container["env"]


def test_airflow_in_kubernetes_has_what_it_has_in_compose():
    values = kubernetes("airflow-values.yaml")
    assert values["airflowVersion"] == version("apache-airflow")
    assert values["securityContexts"]["containers"] == PODS[0]["containers"][0]["securityContext"]
    assert values["securityContexts"]["pod"] == PODS[0]["securityContext"]
    assert values["createUserJob"] == {"enabled": False}
    assert (
        values["config"]["core"]["auth_manager"] == service("scheduler")["environment"]["AIRFLOW__CORE__AUTH_MANAGER"]
    )
    ours = {name for name in service("scheduler")["environment"] if name.startswith("THOROUGHFARE_")}
    assert ours - {each["name"] for each in values["env"]} == {
        "THOROUGHFARE_ADMIN",
        "THOROUGHFARE_ADMIN_PASSWORD_FILE",
        "THOROUGHFARE_STAGES",
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docker")
    shutil.copy(DOCKER / "secrets.sh", folder)
    subprocess.run([folder / "secrets.sh"], check=True, capture_output=True)
    return folder


def test_every_secret_is_made_and_only_its_owner_reads_it(made):
    files = {each["file"] for each in COMPOSE["secrets"].values()} | set(service("scheduler")["env_file"])
    assert files == {f"secrets/{each.name}" for each in (made / "secrets").iterdir()}
    assert {each.stat().st_mode & 0o777 for each in (made / "secrets").iterdir()} == {0o600}
    assert (made / "secrets").stat().st_mode & 0o777 == 0o700
    uid = re.search(r"THOROUGHFARE_UID=(\d+)", (made / ".env").read_text())[1]
    assert {str(each.stat().st_uid) for each in (made / "secrets").iterdir()} == {uid} != {"0"}


def test_secrets_are_new_each_time_and_never_overwritten(made, tmp_path):
    shutil.copy(DOCKER / "secrets.sh", tmp_path)
    subprocess.run([tmp_path / "secrets.sh"], check=True, capture_output=True)
    before = {each.name: each.read_bytes() for each in (tmp_path / "secrets").iterdir()}
    again = subprocess.run([tmp_path / "secrets.sh"], check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert "move both away first" in again.stderr
    assert before == {each.name: each.read_bytes() for each in (tmp_path / "secrets").iterdir()}
    others = {each.name: each.read_bytes() for each in (made / "secrets").iterdir()}
    assert {name for name in before if before[name] == others[name]} == {"s3.env"}


def test_keys_and_certificates_are_fit_for_use(made):
    secrets = made / "secrets"
    Fernet((secrets / "airflow_fernet_key").read_text().strip())
    proof = ["openssl", "verify", "-x509_strict", "-CAfile", secrets / "dask_ca", secrets / "dask_cert"]
    subprocess.run(proof, check=True, capture_output=True)
    assert not [each.name for each in secrets.glob("airflow_*") if each.read_bytes().endswith(b"\n")]
    assert (secrets / "postgres_password").read_text() in (secrets / "airflow_database_url").read_text()


class Said(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"scheduler": {"status": "healthy"}, "triggerer": {"status": None}}).encode())

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("components", "code"), [([], 0), (["scheduler"], 0), (["triggerer"], 1), (["scheduler", "absent"], 1)]
)
def test_health_is_what_the_component_says_of_itself(components, code):
    server = HTTPServer(("127.0.0.1", 0), Said)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    assert (
        subprocess.run(
            [sys.executable, DOCKER / "health.py", url, *components], check=False, capture_output=True
        ).returncode
        == code
    )
    server.shutdown()
    server.server_close()
    assert subprocess.run([sys.executable, DOCKER / "health.py", url], check=False, capture_output=True).returncode == 1


@pytest.fixture(scope="module")
def stack(made):
    """All services but Postgres' own container, as processes; Postgres where this machine has it, else SQLite."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="stack-") as folder:
        here = Stack(Path(folder), COMPOSE)
        for name in ("lake", "logs", "tmp"):
            (here.folder / name).mkdir()
        shutil.copytree(made / "secrets", here.folder / "secrets")
        (here.folder / "settings.toml").write_text(SETTINGS)
        with here.database():
            yield here


@pytest.fixture(scope="module")
def airflow(stack):
    assert not stack.is_well("api-server")
    with stack.running("dask-scheduler", "dask-worker", "dask-gpu-0") as dask:
        init = stack.start("airflow-init")
        assert init.wait(120) == 0, stack.said("airflow-init")[-3000:]
        with stack.running("api-server", "scheduler", "dag-processor", "triggerer") as daemons:
            yield daemons | dask


@pytest.mark.parametrize(
    "name", ["api-server", "scheduler", "dag-processor", "triggerer", "dask-scheduler", "dask-worker", "dask-gpu-0"]
)
def test_a_service_started_as_its_container_would_becomes_well(airflow, stack, name):
    assert stack.becomes_well(name), stack.said(name)
    assert airflow[name].poll() is None


def test_the_generated_password_opens_airflow_and_no_other_does(airflow, stack):
    assert stack.becomes_well("api-server"), airflow
    password = (stack.folder / "secrets" / "airflow_admin_password").read_text().strip()
    assert stack.token("operator", password)
    for user, wrong in (("operator", "operator"), ("admin", "admin"), ("airflow", "airflow")):
        with pytest.raises(HTTPError, match="401"):
            stack.token(user, wrong)


def test_the_dags_are_there_paused_and_their_pools_too(airflow, stack):
    assert stack.becomes_well("dag-processor"), airflow
    dags = {dag["dag_id"]: dag["is_paused"] for dag in stack.ask("/api/v2/dags")["dags"]}
    assert dags.keys() >= {"demo"}
    assert set(dags.values()) == {True}
    assert stack.ask("/api/v2/importErrors")["import_errors"] == []
    assert {pool["name"] for pool in stack.ask("/api/v2/pools")["pools"]} >= {"thoroughfare", "feed_demo"}


def test_dask_speaks_only_to_holders_of_its_key_and_gives_gpu_jobs_to_gpus(airflow, stack):
    assert stack.becomes_well("dask-gpu-0"), airflow
    address = f"127.0.0.1:{stack.ports['8786']}"
    with Client(f"tls://{address}", security=stack.security(), timeout=20) as client:
        client.wait_for_workers(2, timeout=60)
        workers = client.scheduler_info()["workers"].values()
        assert sorted(worker["resources"].get("GPU", 0) for worker in workers) == [0, 1]
        assert {worker["nthreads"] for worker in workers} == {1}
        assert client.submit(sum, [1, 2], resources={"GPU": 1}).result(timeout=60) == 3
    with pytest.raises(OSError, match=r"(?i)timed out|connect"), Client(f"tcp://{address}", timeout=3):
        pass


@pytest.mark.drill
def test_a_night_in_the_stack_leaves_the_lake_of_the_plain_command(airflow, stack, tmp_path):
    for name in ("scheduler", "dag-processor", "triggerer", "dask-worker"):
        assert stack.becomes_well(name), airflow
    asked = stack.ask("/api/v2/dags/demo/dagRuns", {"logical_date": None, "conf": {"scan_date": "2026-05-05"}})
    stack.ask("/api/v2/dags/demo", {"is_paused": False}, "PATCH")
    run, deadline = f"/api/v2/dags/demo/dagRuns/{asked['dag_run_id']}", time.monotonic() + 900
    while (state := stack.ask(run)["state"]) in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(5)
    assert state == "success", stack.said("scheduler")[-5000:]
    plain = [
        "thoroughfare",
        "run",
        "demo",
        "--date",
        "2026-05-05",
        "--lake",
        tmp_path,
        "--settings",
        stack.folder / "settings.toml",
    ]
    subprocess.run([BIN / plain[0], *plain[1:]], check=True, capture_output=True)
    ours, theirs = (tables(root / "demo", "2026-05-05") for root in (stack.folder / "lake", tmp_path))
    assert len(theirs) > 50
    assert ours == theirs


def tables(lake, night):
    """Hash every committed file of a night, runs' own records left aside."""
    files = (path for path in lake.glob(f"[!_]*/**/date={night}/**/*") if path.is_file())
    return {str(path.relative_to(lake)): sha256(path.read_bytes()).hexdigest() for path in files}
