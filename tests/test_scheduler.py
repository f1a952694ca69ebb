"""A real scheduler: four daemons run nights by REST, from the cron and backwards; every lake is the plain command's."""

import json
import os
import sqlite3
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow_home import ROOT, AirflowHome, tree

from pipeline import upkeep
from pipeline.lake import Lake

SCAN = """
[scan.{name}]
feed = "demo"
timezone = "{zone}"
metric_crs = "EPSG:32618"
hours = "{hours}"
cadence_s = 10.0
shard_cameras = {shard}
exempt = "a simulated city"
"""
CONSUMER = """
from airflow.sdk import DAG, Asset, task

with DAG("consumer", schedule=[Asset(name="demo/products/flow", uri="file://{lake}/demo/products/flow")]):

    @task
    def read(triggering_asset_events=None):
        return [event.extra["scan_date"] for events in triggering_asset_events.values() for event in events]

    read()
"""
NIGHT = "2026-05-05"
LOST = "2026-05-09"
SENTINEL = "SENTINEL-4f9c-never-written"
LOOPBACK = "0100007F"


def thoroughfare(home: AirflowHome, *words: str, lake: Path) -> None:
    home.run(
        sys.executable, "-m", "pipeline", *words, "--lake", str(lake), "--settings", home.env["THOROUGHFARE_SETTINGS"]
    )


def settings(due: datetime) -> str:
    """Write two scans: one due at an instant, one by whose clocks it is afternoon then, so that only words start it."""
    ahead_h, hours = (16 - due.hour + 12) % 24 - 12, f"{due - timedelta(minutes=1):%H:%M}-{due:%H:%M}"
    words_alone = SCAN.format(name="demo", zone=f"Etc/GMT{-ahead_h:+d}", hours="07:59-08:01", shard=4)
    broken = words_alone.replace("[scan.demo]", "[scan.broken]").replace('feed = "demo"', 'feed = "nowhere"')
    return words_alone + broken + SCAN.format(name="cron", zone="UTC", hours=hours, shard=8)


def nights(due: datetime) -> list[str]:
    """List two nights to backfill and the one due."""
    return [str((due - timedelta(days=n)).date()) for n in (2, 1, 0)]


def bundles(*folders: Path) -> str:
    """Name the folders that DAGs are read from."""
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return json.dumps([{"name": str(n), "classpath": local, "kwargs": {"path": str(f)}} for n, f in enumerate(folders)])


def backfill(home: AirflowHome, due: datetime, *words: str) -> str:
    """Ask Airflow for the three nights before the one due."""
    dates = ("--from-date", nights(due)[0], "--to-date", (due - timedelta(days=1)).isoformat())
    return home.airflow("backfill", "create", "--dag-id", "cron", *dates, "--max-active-runs", "1", *words).stdout


@pytest.fixture(scope="module")
def due():
    """Return when the cron fires: far enough for the daemons to have started."""
    return (datetime.now(UTC) + timedelta(minutes=4)).replace(second=0, microsecond=0)


@pytest.fixture(scope="module")
def airflow(tmp_path_factory, due):
    """Start the four daemons, and have them do all at once: a night by REST, one from the cron, two backwards."""
    folder = tmp_path_factory.mktemp("scheduler")
    (folder / "settings.toml").write_text(settings(due))
    (folder / "dags").mkdir()
    (folder / "dags/consumer.py").write_text(CONSUMER.format(lake=folder / "lake"))
    (folder / "alert").write_text(f'#!/bin/sh\necho "$1" >> {folder}/alerts\n')
    (folder / "alert").chmod(0o755)
    home = AirflowHome(
        folder / "airflow", folder / "settings.toml", folder / "lake",
        PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), THOROUGHFARE_DEADLINE_H="0.001",
        THOROUGHFARE_ALERT=str(folder / "alert"), AWS_SECRET_ACCESS_KEY=SENTINEL,
        AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=bundles(ROOT / "dags", folder / "dags"),
    )  # fmt: skip
    # a test before may have left multiprocessing's tracker, which lives as long as this process
    ours = home.processes()
    home.migrate()
    home.airflow("dags", "reserialize")
    home.airflow("dags", "unpause", "--yes", "--treat-dag-id-as-regex", "consumer|cron|demo|broken")
    # before the daemons start: SQLite refuses a long transaction of one process where another has written meanwhile
    backfill(home, due, "--reprocess-behavior", "failed", "--run-backwards")
    try:
        home.start()
        for dag in ("demo", "broken"):
            home.trigger(dag, scan_date=NIGHT)
        yield home
    finally:
        home.stop()
    left = {pid: command for pid, command in home.processes().items() if pid not in ours}
    assert not left, f"left running: {left}"


def test_a_night_by_rest_is_the_plain_commands_byte_for_byte(airflow, tmp_path):
    (run,) = airflow.done("demo")
    assert run["state"] == "success"
    thoroughfare(airflow, "run", "demo", "--date", NIGHT, lake=tmp_path)
    assert tree(tmp_path / "demo") == tree(airflow.lake / "demo")


def test_nights_from_the_cron_and_backwards_are_the_plain_commands_in_either_order(airflow, due, tmp_path):
    runs = sorted(airflow.done("cron", 3), key=lambda run: run["start_date"])
    assert [run["state"] for run in runs] == ["success"] * 3
    assert [run["run_after"][:10] for run in runs if run["run_type"] == "backfill"] == nights(due)[-2::-1]
    assert [run["run_after"][:16] for run in runs if run["run_type"] == "scheduled"] == [f"{due:%Y-%m-%dT%H:%M}"]
    for order in (["--run-backwards"], []):
        lake = tmp_path / "-".join(["lake", *order])
        thoroughfare(airflow, "backfill", "cron", "--from", nights(due)[0], "--to", nights(due)[-1], *order, lake=lake)
        assert tree(lake / "cron") == tree(airflow.lake / "cron")


def test_a_backfill_does_again_only_what_it_is_asked_to(airflow, due):
    airflow.done("cron", 3)
    for behaviour, runs in (("none", 0), ("failed", 0), ("completed", 2)):
        said = backfill(airflow, due, "--reprocess-behavior", behaviour, "--dry-run").partition("Runs to be attempted")[
            2
        ]
        assert sum(night in said for night in nights(due)) == runs


def test_what_one_task_tells_another_is_small(airflow):
    airflow.done("demo"), airflow.done("cron", 3)
    with sqlite3.connect(airflow.folder / "airflow.db") as database:
        told = database.execute("select dag_id, task_id, key, value from xcom").fetchall()
    assert len(told) > 40
    assert max(len(value) for *_, value in told) <= 2048
    assert {type(json.loads(value)) for *_, value in told} <= {dict, list}


def test_those_who_schedule_on_a_product_are_told_the_night(airflow):
    airflow.done("demo")
    (run,) = airflow.done("consumer")
    (event,) = airflow.ask(
        "GET", f"/api/v2/dags/consumer/dagRuns/{run['dag_run_id']}/taskInstances/read/xcomEntries/return_value"
    )["value"]
    assert event == NIGHT


def test_what_trying_again_cannot_help_fails_at_once_with_its_sentence(airflow):
    (run,) = airflow.done("broken")
    assert run["state"] == "failed"
    tasks = {task["task_id"]: task for task in airflow.tasks("broken", run["dag_run_id"])}
    assert (tasks["cameras"]["state"], tasks["cameras"]["try_number"]) == ("failed", 1)
    assert tasks["products"]["state"] == "upstream_failed"
    said = airflow.ask("GET", f"/api/v2/dags/broken/dagRuns/{run['dag_run_id']}/taskInstances/cameras/logs/1")[
        "content"
    ]
    assert "no feed 'nowhere'; choose from" in json.dumps(said)


def test_overdue_and_failed_nights_are_told_of(airflow):
    airflow.done("demo"), airflow.done("broken")
    alerts = airflow.folder.parent / "alerts"
    for told in ("scan demo run manual", "scan broken run manual", "failed; see its red tasks"):
        airflow.wait(lambda: alerts.is_file() and told in alerts.read_text(), 60, told)  # noqa: B023


def test_each_day_tables_expire_and_lakes_are_proved(airflow):
    airflow.done("demo"), airflow.done("cron", 3)
    airflow.ask("PATCH", "/api/v2/dags/expire", {"is_paused": False})
    asked = airflow.trigger("expire")
    run = airflow.wait(
        lambda: [r for r in airflow.runs("expire") if r["dag_run_id"] == asked and r["end_date"]], 600, "expiry"
    )[0]
    assert {t["task_id"]: t["state"] for t in airflow.tasks("expire", run["dag_run_id"])} == {
        f"{scan}.{task}": "success" for scan in ("demo", "broken", "cron") for task in ("expire", "verify")
    }


def test_nothing_listens_but_on_loopback(airflow):
    addresses = {address.split(":")[0] for address in airflow.listening()}
    assert addresses == {LOOPBACK}


def test_secrets_are_generated_and_for_their_owner_alone(airflow):
    for name in ("passwords.json", "fernet", "jwt"):
        assert stat.S_IMODE((airflow.folder / name).stat().st_mode) == 0o600
    with pytest.raises(OSError, match="403"):
        AirflowHome.ask(type("Stranger", (), {"token": "x", "port": airflow.port})(), "GET", "/api/v2/dags")


def test_no_log_no_rendered_task_and_no_row_of_airflow_holds_a_secret(airflow):
    airflow.done("demo"), airflow.done("broken")
    own = {airflow.folder / name for name in ("passwords.json", "fernet", "jwt")}
    (password,) = json.loads((airflow.folder / "passwords.json").read_text()).values()
    held = [SENTINEL, password, *((airflow.folder / name).read_text() for name in ("fernet", "jwt"))]
    places = [path for path in airflow.folder.parent.rglob("*") if path.is_file() and path not in own]
    assert {"airflow.db", "alerts"} <= {path.name for path in places}
    assert [path for path in places if any(each.encode() in path.read_bytes() for each in held)] == []


def test_with_airflows_database_gone_the_command_line_finishes_the_night(airflow, tmp_path):
    begun = airflow.trigger("cron", scan_date=LOST)
    airflow.wait(
        lambda: {t["state"] for t in airflow.tasks("cron", begun) if t["task_id"] == "window_0.snapshots"} == {"success"},
        600, "the night's pictures",
    )  # fmt: skip
    database = airflow.folder / "airflow.db"
    database.rename(database.with_suffix(".gone"))
    database.mkdir()
    airflow.stop()
    lake, night = Lake(airflow.lake, "cron"), datetime.fromisoformat(LOST).date()
    assert upkeep.state(lake, night) == "failed"
    assert [fault for fault in upkeep.verify(lake) if "in no commit" not in fault.what] == []
    thoroughfare(airflow, "run", "cron", "--date", LOST, lake=airflow.lake)
    assert list(upkeep.verify(lake)) == []
    thoroughfare(airflow, "run", "cron", "--date", LOST, lake=tmp_path)
    lost = {name: content for name, content in tree(airflow.lake / "cron").items() if LOST in name}
    assert lost == tree(tmp_path / "cron")
