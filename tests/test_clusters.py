"""Workers: what they are, what they may be asked, and that a night outlives their faults."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import dask.config
import pytest
import stand_ins
from test_runner import NIGHT, SLOW, bring, night, tree, usable

from pipeline import networks, quarantine, upkeep
from pipeline.clusters import Lost, crew
from pipeline.clusters import local as here
from pipeline.clusters.certificates import ROLES, make
from pipeline.clusters.given import at
from pipeline.clusters.local import local
from pipeline.clusters.workers import Models
from pipeline.errors import PipelineError, SettingsError
from pipeline.jobs import Job
from pipeline.lake import Place
from pipeline.stages import STAGES, stage

ROOT, TESTS = Path(__file__).parents[1], Path(__file__).parent
SECONDS_TO_SAY_SO = 15


def job(table: str = "sightings", part: int = 0) -> Job:
    return Job(table, SLOW, "", Place(table, NIGHT), part, None, (), {}, "")


def pid(_: Job) -> int:
    return os.getpid()


def number(asked: Job) -> int:
    return asked.part


def die(asked: Job) -> int:
    if asked.part == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return asked.part


def hang(asked: Job) -> int:
    if asked.part == 1:
        stand_ins._hang()
    return asked.part


def eat(asked: Job) -> int:
    if asked.part == 1:
        stand_ins._eat()
    return asked.part


def environment(_: Job | None = None) -> tuple[str, str]:
    return os.environ["CUDA_VISIBLE_DEVICES"], os.environ["THOROUGHFARE_THREADS"]


def built_networks() -> int:
    return networks._network.cache_info().misses


def imported(*_) -> list[str]:
    return [name for name in ("tensorflow",) if name in sys.modules]


@pytest.fixture(scope="module")
def two():
    """Two workers, on which a death is enough to give a job up."""
    with local(2, deaths=1) as workers:
        yield workers


def test_answers_come_in_the_order_of_the_jobs(two):
    assert two(number, [job(part=part) for part in range(7)]) == list(range(7))


def test_only_encrypted_loopback_is_listened_on(two):
    scheduler = two.client.scheduler_info(n_workers=-1)
    assert all(address.startswith("tls://127.0.0.1:") for address in [scheduler["address"], *scheduler["workers"]])
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines()
    pids = {os.getpid(), *two.client.run(os.getpid).values()}
    ours = [line.split()[3] for line in listening if any(f"pid={pid}," in line for pid in pids)]
    assert ours
    assert all(address.startswith("127.0.0.1:") for address in ours)


@pytest.mark.parametrize("fault", [die, hang])
def test_a_job_that_kills_or_hangs_its_worker_is_lost_and_the_others_are_done(two, fault):
    with dask.config.set({"thoroughfare.limit-s.shard": 1.0}):
        assert two(fault, [job(part=part) for part in range(3)]) == [0, Lost(1), 2]


@pytest.mark.drill
def test_a_stopped_worker_is_restarted():
    with dask.config.set({"distributed.scheduler.worker-ttl": "10 s"}), local(1) as workers:
        (stopped,) = workers.client.run(os.getpid).values()
        os.kill(stopped, signal.SIGSTOP)
        assert workers(number, [job(part=7)]) == [7]
        assert stopped not in workers.client.run(os.getpid).values()


def test_a_job_that_eats_all_memory_is_lost_and_the_report_of_it_loads_nothing():
    pages: list[bytes] = []
    with dask.config.set({"thoroughfare.memory-limit": "700 MiB"}), local(1, keep=pages.append, deaths=1) as workers:
        assert workers(eat, [job(part=1), job(part=2)]) == [Lost(1), 2]
    (page,) = pages
    assert b"Content-Security-Policy\" content=\"default-src 'none'" in page
    assert re.findall(rb"<script[^>]* src=|<link ", page) == []


def test_a_worker_that_cannot_start_is_a_sentence():
    begun = time.monotonic()
    with (
        dask.config.set({"distributed.worker.preload": ["no_such_module_anywhere"]}),
        pytest.raises(PipelineError, match="1 local workers: one cannot start"),
        local(1),
    ):
        pytest.fail("started")
    assert time.monotonic() - begun < here.START_S


def test_each_gpu_has_one_worker_and_models_run_there_alone(monkeypatch, tmp_path):
    with dask.config.set(stand_ins.preload(tmp_path)), local(1, gpus=["3", "GPU-5a"]) as workers:
        assert sorted(workers.client.run(environment).values()) == [("3", "1"), ("GPU-5a", "1")]
        assert [each["resources"] for each in workers._workers()] == [{"GPU": 1}] * 2
    with dask.config.set(stand_ins.preload(tmp_path)), local(2, gpus=["0"]) as workers:
        assert sorted(workers.client.run(environment).values()) == [("-1", "1"), ("0", "1")]
        assert set(workers(environment, [job("detections", part) for part in range(4)])) == {("0", "1")}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0, 2")
    assert here.visible_gpus() == ["0", "2"]


def test_every_kind_of_job_has_a_time_limit():
    assert {line.table: crew.limit_s(job(line.table)) for line in STAGES if line.unit == "shard"} == {
        "snapshots": 7200, "frames": 900, "detections": 900, "embeddings": 900, "sightings": 900,
    }  # fmt: skip
    key = ("demo:a", None)
    assert crew.limit_s(replace(job(), only=quarantine.Span(key, key, 100))) == 110
    with dask.config.set({"thoroughfare.limit-s.detections": "5", "thoroughfare.limit-s.shard": 6}):
        assert (crew.limit_s(job("detections")), crew.limit_s(job("frames"))) == (5, 6)


def test_models_are_loaded_once_and_in_workers_alone(two, tmp_path):
    bring(night(tmp_path, two))
    assert set(two.client.run(built_networks).values()) == {2}
    assert set(map(tuple, two.client.run(imported).values())) == {("tensorflow",)}
    assert imported() == two.client.run_on_scheduler(imported) == []
    assert set(map(tuple, two.client.run(imported, nanny=True).values())) == {()}
    assert len(pickle.dumps(Models({"detector": "ttfnet"}, gpus=False))) < 10_000


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """The same minute made without workers, by the stand-ins."""
    made = night(tmp_path_factory.mktemp("clean"))
    with stand_ins.standing():
        bring(made)
    return made


def environ(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{TESTS}:{ROOT}", "THOROUGHFARE_THREADS": "1"} | more


def test_a_night_outlives_killed_workers(clean, tmp_path):
    with dask.config.set(stand_ins.preload(tmp_path)), local(2) as workers:
        victims = list(workers.client.run(os.getpid).values())

        def spread(call, jobs):
            if jobs[0].table in ("frames", "detections") and victims:
                threading.Timer(0.05, os.kill, (victims.pop(), signal.SIGKILL)).start()
            return workers(call, jobs)

        bring(night(tmp_path / "lake", spread))
    assert victims == []
    assert tree(tmp_path / "lake") == tree(Path(clean.lake.root))


@pytest.mark.parametrize(
    "act", ["kill", pytest.param("hang", marks=pytest.mark.drill), pytest.param("eat", marks=pytest.mark.drill)]
)
def test_a_poison_picture_is_found_among_the_others(clean, tmp_path, act):
    poison = usable(clean)
    sha256 = {
        (row["camera_id"], row["slot_at"]): row["sha256"]
        for row in upkeep.night(clean.lake, NIGHT, "frames").to_pylist()
    }
    limits = dict.fromkeys(("thoroughfare.limit-s.detections", "thoroughfare.limit-s.probe"), 20.0)
    limits |= {"thoroughfare.memory-limit": "700 MiB"}
    with dask.config.set(stand_ins.preload(tmp_path, {sha256[poison]: act}) | limits), local(2, deaths=1) as workers:
        made = night(tmp_path / "lake", workers)
        bring(made)
    (entry,) = quarantine.read(made.lake, made._place(stage("frames"), made.windows[0]))
    assert (entry.camera_id, entry.slot_at, entry.sha256) == (*poison, sha256[poison])
    states = upkeep.night(made.lake, NIGHT, "frames")["state"].to_pylist()
    assert len(states) == 24
    assert states.count("broken") == 1 + upkeep.night(clean.lake, NIGHT, "frames")["state"].to_pylist().count("broken")
    assert list(upkeep.verify(made.lake)) == []


class TestScheduler:
    @pytest.mark.parametrize(
        "address", ["tcp://192.0.2.7:8786", "tcp://example.org:8786", "192.0.2.7:8786", "inproc://1"]
    )
    def test_an_address_open_to_the_network_is_refused(self, address):
        with pytest.raises(SettingsError, match="--scheduler"), at(address):
            pytest.fail("connected")

    def test_a_dead_address_is_a_sentence_soon(self):
        begun = time.monotonic()
        with pytest.raises(PipelineError, match="no Dask scheduler answers there"), at("tcp://127.0.0.1:1"):
            pytest.fail("connected")
        assert time.monotonic() - begun < SECONDS_TO_SAY_SO

    def test_certificates_are_for_their_owner_alone_and_never_overwritten(self, tmp_path):
        make(tmp_path / "tls")
        files = [path for path in (tmp_path / "tls").rglob("*") if path.is_file()]
        assert sorted({path.name for path in files}) == ["ca.pem", "cert.pem", "dask.yaml", "key.pem"]
        assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
        assert len({path.read_bytes() for path in files if path.name == "key.pem"}) == len(ROLES)
        with pytest.raises(SettingsError, match="there already"):
            make(tmp_path / "tls")

    def test_over_tls_the_bytes_are_the_same_and_strangers_are_refused(self, clean, tmp_path):
        make(tmp_path / "tls")
        make(tmp_path / "strangers")
        with running(tmp_path) as (address, _):
            done = remote(tmp_path / "tls", tmp_path / "lake", address)
            assert done.returncode == 0, done.stderr
            assert tree(tmp_path / "lake") == tree(Path(clean.lake.root))
            keys = [path.read_bytes().splitlines()[1] for path in (tmp_path / "tls").rglob("key.pem")]
            written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "key.pem"]
            assert not [key for key in keys if any(key in each for each in [*written, done.stderr.encode()])]
            begun = time.monotonic()
            with pytest.raises(PipelineError, match="no Dask scheduler answers there"), at(address):
                pytest.fail("connected without a certificate")
            assert time.monotonic() - begun < SECONDS_TO_SAY_SO
            words = ["run", "demo", "--date", str(NIGHT), "--lake", str(tmp_path / "no"), "--scheduler", address]
            refused = thoroughfare(tmp_path / "strangers", *words)
            assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
            assert "no Dask scheduler answers there" in refused.stderr

    def test_a_killed_scheduler_is_a_sentence_and_a_rerun_finishes(self, clean, tmp_path):
        make(tmp_path / "tls")
        with running(tmp_path) as (address, scheduler):
            begun = remote_begun(tmp_path / "tls", tmp_path / "lake", address)
            wait_for(lambda: list((tmp_path / "lake").rglob("demo/cameras/**/commit-r1.json")))
            scheduler.kill()
            _, said = begun.communicate(timeout=60)
        assert begun.returncode == 1
        assert "the scheduler is gone" in said.splitlines()[-1]
        with running(tmp_path) as (address, _):
            assert remote(tmp_path / "tls", tmp_path / "lake", address).returncode == 0
        assert tree(tmp_path / "lake") == tree(Path(clean.lake.root))


REMOTE = """
import sys
from test_runner import *
from pipeline.clusters.given import at
with at(sys.argv[2]) as workers:
    bring(night(Path(sys.argv[1]), workers))
"""


def remote_begun(tls: Path, lake: Path, address: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", REMOTE, str(lake), address]
    return subprocess.Popen(words, env=environ(DASK_CONFIG=str(tls / "client")), stderr=subprocess.PIPE, text=True)


def remote(tls: Path, lake: Path, address: str) -> subprocess.CompletedProcess[str]:
    begun = remote_begun(tls, lake, address)
    out, said = begun.communicate(timeout=120)
    return subprocess.CompletedProcess(begun.args, begun.returncode, out, said)


def thoroughfare(tls: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *words],
        env=environ(DASK_CONFIG=str(tls / "client")),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def running(folder: Path):
    """Start `dask scheduler` and `dask worker` with TLS on loopback; yields the address and the scheduler's process."""
    stand_ins.preload(folder)
    with ExitStack() as stack:
        listen = [
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--protocol",
            "tls",
            "--dashboard-address",
            "127.0.0.1:0",
            "--no-dashboard",
        ]
        scheduler = started(stack, folder, "scheduler", *listen, "--scheduler-file", str(folder / "scheduler.json"))
        wait_for(lambda: (folder / "scheduler.json").exists() and "address" in (folder / "scheduler.json").read_text())
        address = json.loads((folder / "scheduler.json").read_text())["address"]
        (folder / "scheduler.json").unlink()
        started(
            stack,
            folder,
            "worker",
            "worker",
            address,
            "--host",
            "127.0.0.1",
            "--nthreads",
            "1",
            "--no-dashboard",
            "--preload",
            str(folder / "preload.py"),
        )
        yield address, scheduler


def started(stack: ExitStack, folder: Path, role: str, *words: str) -> subprocess.Popen[bytes]:
    program = [str(Path(sys.executable).parent / "dask"), *words]
    log = stack.enter_context((folder / f"{role}.log").open("wb"))
    process = subprocess.Popen(program, env=environ(DASK_CONFIG=str(folder / "tls" / role)), stdout=log, stderr=log)
    stack.callback(process.wait)
    stack.callback(process.terminate)
    return process


def wait_for(there, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)
