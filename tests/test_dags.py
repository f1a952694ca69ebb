"""The DAGs: read from the settings and the line, light to import, due once a night, and safe with what they are given."""

import json
import os
import subprocess
import sys
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow_home import BIN, ROOT, AirflowHome, tree

from pipeline import feeds, scans
from pipeline.looks import SINGLED_OUT
from pipeline.stages import STAGES, stage

SETTINGS = """
[scan.demo]
feed = "demo"
timezone = "America/New_York"
metric_crs = "EPSG:32618"
hours = "{hours}"
"""
HEAVY = {"tensorflow", "keras", "duckdb", "pandas", "pyarrow", "numpy", "distributed"}
LOOK = """
import json, sys, time
from pathlib import Path
import airflow.sdk.exceptions
from airflow.providers.standard.operators.bash import BashOperator
from airflow.dag_processing.dagbag import BundleDagBag
folder = Path(sys.argv[1])
sys.path.append(str(folder))
from nightly import dates
if sys.argv[2] == "live":
    dates.live = lambda feed: True
since = time.process_time()
bag = BundleDagBag(folder, bundle_path=folder, known_pools=set(sys.argv[3:]))
seen = {"seconds": time.process_time() - since, "modules": list(sys.modules), "errors": bag.import_errors, "warnings": len(bag.dag_warnings)}
def task(each):
    kept = ("trigger_rule", "pool", "retries", "retry_exponential_backoff", "owner", "max_retry_delay", "execution_timeout")
    return {name: str(getattr(each, name)).removeprefix("TriggerRule.").lower() for name in kept} | {
        "upstream": sorted(each.upstream_task_ids), "outlets": [asset.name for asset in getattr(each, "outlets", [])]}
seen["dags"] = {
    name: {"tasks": {each.task_id: task(each) for each in dag.tasks}, "doc": dag.doc_md, "tags": sorted(dag.tags),
           "catchup": dag.catchup, "runs": dag.max_active_runs}
    for name, dag in bag.dags.items()}
seen["accepted"] = []
for asked in (None, "2026-02-28", "2026-02-30", "05/05/2026", "2026-05-05; touch hit", "$(touch hit)"):
    try:
        seen["accepted"].append(bag.dags["demo"].params.get_param("scan_date").resolve(asked))
    except airflow.sdk.exceptions.ParamValidationError:
        continue
print("\\n" + json.dumps(seen))
"""
DUE = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
import pendulum
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.trigger import CronTriggerTimetable
sys.path.append(sys.argv[1])
from nightly import dates
from pipeline.scans import Scan
due = {}
for zone, hours, live in json.loads(sys.argv[2]):
    dates.live = lambda feed: live
    scan = Scan("a", "demo", zone, "EPSG:32618", hours)
    timetable, last, nights = CronTriggerTimetable(dates.cron(scan), timezone=zone), None, []
    within = TimeRestriction(pendulum.datetime(2026, 1, 1), pendulum.datetime(2027, 1, 1), True)
    while (info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=within)):
        nights.append(str(dates.night_of(scan, info.run_after)))
        last = info.data_interval
    due[f"{zone} {hours} {live}"] = nights
print("\\n" + json.dumps(due))
"""
STUB = """#!{python}
import json, sys
from datetime import date
from pathlib import Path
from pipeline import scans
words = sys.argv[1:]
given = dict(zip(words[3::2], words[4::2], strict=False))
with Path({calls!r}).open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
windows = scans.load(words[1], Path(given["--settings"])).windows(date.fromisoformat(given["--date"]))
if int(given.get("--window", 0)) >= len(windows):
    sys.exit(99)
print("a warning", file=sys.stderr)
print(json.dumps({{"table": words[2], "rows": 1}} | ({{"parts": [0, 1]}} if words[2] == "cameras" else {{}})))
print("a late warning", file=sys.stderr)
"""


def settings(folder: Path, hours: str = "22:00-06:00") -> Path:
    path = folder / "settings.toml"
    path.write_text(SETTINGS.format(hours=hours))
    return path


def answer(home: AirflowHome, program: str, *words: str) -> Any:
    return json.loads(home.run(sys.executable, "-c", program, *words).stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def looked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dags")
    home = AirflowHome(folder / "airflow", settings(folder), folder / "lake")
    pools = json.loads(home.run(sys.executable, str(ROOT / "dags/pools.py")).stdout)
    return {kind: answer(home, LOOK, str(ROOT / "dags"), kind, *pools) for kind in ("recorded", "live")}


@pytest.fixture(scope="module")
def tasks(looked):
    return looked["recorded"]["dags"]["demo"]["tasks"]


def task_id(table: str, window: int | None) -> str:
    if window is None:
        return table
    return f"window_{window}.{table}" if stage(table).unit == "shard" else f"window_{window}_linked.{table}"


def test_every_file_gives_its_dags_without_errors_and_waits_in_pools_that_exist(looked):
    for each in looked.values():
        assert (each["errors"], each["warnings"]) == ({}, 0)
        assert set(each["dags"]) == {"demo", "expire", "train"}


def test_reading_all_dags_takes_less_than_a_second_beyond_airflow_and_imports_nothing_heavy(looked):
    assert looked["recorded"]["seconds"] < 1.0
    assert not HEAVY & set(looked["recorded"]["modules"])


def test_there_is_a_task_for_every_table_of_every_window_of_the_longest_night(tasks):
    expected = {task_id(s.table, w) for s in STAGES for w in (range(9) if s.unit in ("shard", "window") else [None])}
    assert set(tasks) == expected | {f"window_{n}.fetch" for n in range(9)}


def test_edges_are_those_of_the_line(tasks):
    for line in STAGES:
        for window in range(9) if line.unit in ("shard", "window") else [None]:
            expected = set()
            for name in line.reads:
                if stage(name).unit in ("scan", "night"):
                    expected.add(name)
                else:
                    read = range(9) if window is None else line.windows(name, window)
                    expected |= {task_id(name, each) for each in read}
            droppers = [s.table for s in STAGES if s is not line and set(s.reads) & set(line.outlived)]
            expected |= {task_id(table, window) for table in droppers}
            expected |= {f"window_{window}.fetch"} if line.table == "snapshots" else set()
            assert set(tasks[task_id(line.table, window)]["upstream"]) == expected


def test_links_of_a_window_wait_for_the_window_before_and_no_earlier(tasks):
    waits = tasks["window_3_linked.links"]["upstream"]
    assert {
        "window_2.sightings",
        "window_3.sightings",
        "window_2.embeddings",
        "window_2_linked.links",
        "transitions",
    } <= set(waits)
    assert not [each for each in waits if "window_1" in each]


def test_a_missing_window_is_skipped_whole_and_the_night_goes_on(tasks):
    rules = {name.split(".")[-1]: each["trigger_rule"] for name, each in tasks.items()}
    assert {rules[line.table] for line in STAGES if line.unit in ("scan", "shard")} == {"all_success"}
    assert {rules[line.table] for line in STAGES if line.unit in ("window", "night")} == {"none_failed"}


def test_every_task_is_patient_owned_and_bounded(looked):
    for dag in looked["live"]["dags"].values():
        assert (bool(dag["doc"]), "thoroughfare" in dag["tags"], dag["catchup"]) == (True, True, False)
        for each in dag["tasks"].values():
            assert (each["owner"], int(each["retries"]) >= 3) == ("thoroughfare", True)
            assert each["retry_exponential_backoff"] not in ("false", "0")
            assert "none" not in (each["execution_timeout"], each["max_retry_delay"])


def test_what_asks_a_feed_waits_in_its_pool_and_nothing_else_does(tasks):
    asking = {name for name, each in tasks.items() if each["pool"] == "feed_demo"}
    assert asking == {"cameras"} | {f"window_{n}.fetch" for n in range(9)}


def test_a_live_window_is_polled_by_one_task_once_it_begins(looked):
    live = looked["live"]["dags"]["demo"]["tasks"]
    assert live["window_4.snapshots"]["upstream"] == ["cameras", "window_4.begin"]
    assert (live["window_4.snapshots"]["pool"], live["window_4.snapshots"]["execution_timeout"]) == (
        "feed_demo",
        "1:30:00",
    )
    assert not [name for name in live if name.endswith("fetch")]
    assert not [name for name in looked["recorded"]["dags"]["demo"]["tasks"] if name.endswith("begin")]


def test_products_and_transitions_are_assets_and_single_vehicles_are_not(tasks):
    published = {name for each in tasks.values() for name in each["outlets"]}
    assert published == {"demo/transitions"} | {
        f"demo/products/{p.stem}" for p in (ROOT / "sql/products").glob("*.sql")
    }
    assert not [name for name in published if name.split("/")[1] in SINGLED_OUT]


@pytest.fixture
def dates(monkeypatch):
    """Return the module of the DAGs that needs no Airflow."""
    monkeypatch.syspath_prepend(str(ROOT / "dags"))
    from nightly import dates

    return dates


def test_a_feed_is_live_where_its_text_says_so(dates):
    assert {name: dates.live(name) for name in feeds.names()} == {name: feeds.load(name).live for name in feeds.names()}


@pytest.mark.parametrize("at", ["2026-05-06T06:00", "2026-05-06T21:00", "2026-05-06T21:56", "2026-05-07T05:59"])
def test_a_run_is_for_the_night_that_last_ended_and_of_a_live_feed_for_the_one_that_last_began(dates, monkeypatch, at):
    scan = scans.load("demo", scans.bundled(), hours="22:00-06:00")
    moment = datetime.fromisoformat(f"{at}-04:00")
    assert str(dates.night_of(scan, moment)) == "2026-05-05"
    monkeypatch.setattr(dates, "live", lambda _: True)
    assert str(dates.night_of(scan, moment)) == ("2026-05-05" if at < "2026-05-06T21:55" else "2026-05-06")


def test_every_night_of_a_year_is_due_once_whatever_the_clocks_do(tmp_path):
    nights = [
        (zone, hours, live)
        for zone in ("America/New_York", "Europe/London", "America/Santiago", "Australia/Lord_Howe", "Asia/Singapore")
        for hours in ("22:00-06:00", "00:00-24:00", "01:30-02:30", "18:00-01:30")
        for live in (False, True)
    ]
    home = AirflowHome(tmp_path / "airflow", settings(tmp_path), tmp_path / "lake")
    for case, due in answer(home, DUE, str(ROOT / "dags"), json.dumps(nights)).items():
        days = [date.fromisoformat(each) for each in due]
        assert len(days) >= 364, case
        assert {after - before for before, after in pairwise(days)} == {timedelta(days=1)}, case


@pytest.fixture(scope="module")
def stubbed(tmp_path_factory):
    """Return an Airflow whose `thoroughfare` and `python` only write down what they are called with."""
    folder = tmp_path_factory.mktemp("stubbed")
    (folder / "bin").mkdir()
    for program in ("thoroughfare", "python"):
        text = STUB if program == "thoroughfare" else '#!/bin/sh\nprintf "%s|" "$@" >> ' + str(folder / "calls") + "\n"
        (folder / "bin" / program).write_text(
            text.format(python=sys.executable, calls=str(folder / "calls")) if program == "thoroughfare" else text
        )
        (folder / "bin" / program).chmod(0o755)
    path = os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    home = AirflowHome(
        folder / "airflow",
        settings(folder, "00:00-04:00"),
        folder / "lake",
        THOROUGHFARE_BIN=str(folder / "bin"),
        PYTHONPATH=path,
    )
    home.migrate()
    return home


def called(home: AirflowHome) -> str:
    return (home.folder.parent / "calls").read_text()


@pytest.mark.parametrize(("on", "windows"), [("2026-03-08", 3), ("2026-11-01", 5)])
def test_a_night_of_changing_clocks_runs_the_windows_it_has(stubbed, on, windows):
    (home := stubbed.folder.parent / "calls").write_text("")
    stubbed.airflow("dags", "test", "demo", "-c", json.dumps({"scan_date": on}))
    calls = [json.loads(line) for line in home.read_text().splitlines()]
    assert all(call[call.index("--date") + 1] == on for call in calls)
    done = {call[call.index("--window") + 1] for call in calls if call[2] == "detections"}
    assert done == {str(n) for n in range(windows)}
    assert sum("--part" in call for call in calls) >= 2 * windows
    assert calls[-1][2] == "products"


def test_training_is_called_with_what_was_asked(stubbed):
    (calls := stubbed.folder.parent / "calls").write_text("")
    asked = {"source": "a folder; $(touch hit)", "out": "out", "steps": 7, "seed": 3}
    stubbed.airflow("dags", "test", "train", "-c", json.dumps(asked))
    detector = [
        "-m",
        "pipeline.training.detector",
        "--source",
        asked["source"],
        "--out",
        "out/detector",
        "--steps",
        "7",
    ]
    assert calls.read_text().startswith("|".join([*detector, "--seed", "3", ""]))
    assert "pipeline.training.encoder" in calls.read_text()
    assert not list(stubbed.folder.parent.rglob("hit"))


def test_a_scan_date_that_is_none_is_refused(looked):
    assert looked["recorded"]["accepted"] == [None, "2026-02-28"]


def test_values_reach_the_command_as_they_are(tmp_path):
    (tmp_path / "thoroughfare").write_text('#!/bin/sh\nfor word; do echo "<$word>"; done\n')
    (tmp_path / "thoroughfare").chmod(0o755)
    command = (
        (ROOT / "dags/nightly/commands.py")
        .read_text()
        .split('STAGE = """')[1]
        .split('""".strip()')[0]
        .replace("\\\n", "")
    )
    values = {
        "BIN": str(tmp_path),
        "SCAN": "$(touch hit)",
        "TABLE": "`touch hit`",
        "DATE": '";touch hit;"',
        "WINDOW": "0",
        "LAKE": "a b",
    }
    env = {"PATH": os.environ["PATH"], "THOROUGHFARE_SETTINGS": "*"} | {
        f"THOROUGHFARE_{k}": v for k, v in values.items()
    }
    said = subprocess.run(["bash", "-c", command], env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
    words = [
        "stage",
        "$(touch hit)",
        "`touch hit`",
        "--date",
        '";touch hit;"',
        "--window",
        "0",
        "--lake",
        "a b",
        "--settings",
        "*",
    ]
    assert said.stdout.splitlines() == [f"<{word}>" for word in words]
    assert not (tmp_path / "hit").exists()


@pytest.mark.drill
def test_a_dags_test_of_the_demo_scan_is_the_plain_commands_byte_for_byte(stubbed, tmp_path):
    chosen = settings(tmp_path, "08:00-08:01")
    with chosen.open("a") as more:
        more.write("cadence_s = 10.0\nshard_cameras = 8\n")
    real = {
        "THOROUGHFARE_BIN": str(BIN),
        "THOROUGHFARE_SETTINGS": str(chosen),
        "THOROUGHFARE_LAKE": str(tmp_path / "a"),
    }
    stubbed.airflow("dags", "test", "demo", "-c", '{"scan_date": "2026-05-05"}', **real)
    words = ["run", "demo", "--date", "2026-05-05", "--lake", str(tmp_path / "b"), "--settings", str(chosen)]
    stubbed.run(sys.executable, "-m", "pipeline", *words)
    assert tree(tmp_path / "a/demo") == tree(tmp_path / "b/demo")
