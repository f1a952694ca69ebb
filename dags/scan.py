"""Build one DAG per scan of settings.toml: cameras and roads, the windows of a night, then the night.

Edges are read from `pipeline/stages.py`. A run is for one scan date: that of its due time, or its `scan_date` parameter.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import DAG, Asset, CronTriggerTimetable, Param, TaskGroup
from nightly import dates
from nightly.commands import COMPUTE, LAKE, PATIENCE, SETTINGS, StageCommand, deadline, failed, feed_pool
from nightly.edges import Step, steps, waits_for

from pipeline import scans
from pipeline.scans import Scan
from pipeline.stages import stage

PACKAGE = Path(scans.__file__).parent
SQL = next(folder for folder in (PACKAGE / "_sql", PACKAGE.parent / "sql") if folder.is_dir())
PUBLISHED = ("transitions", "products")
"""Tables of a night that others may schedule on; single vehicles are in none of them."""
POLLING = timedelta(hours=1, minutes=30)
"""A window, and what comes before and after it."""
SCAN_DATE = Param(
    None,
    type=["null", "string"],
    format="date",
    pattern=r"^\d{4}-\d{2}-\d{2}$",
    title="Scan date",
    description="Local date on which the night begins; empty for that of the run's due time.",
)


def build(scan: Scan) -> DAG:
    """Build the DAG of one scan."""
    live, windows = dates.live(scan.feed), dates.most_windows(scan)
    with DAG(
        scan.name,
        description=f"Nightly scan of feed {scan.feed}, {scan.hours} {scan.timezone}",
        schedule=CronTriggerTimetable(dates.cron(scan), timezone=scan.timezone),
        catchup=False,
        # a night that drags on must not keep the next from being polled; the recorded ones can wait for each other
        max_active_runs=2 if live else 1,
        params={"scan_date": SCAN_DATE},
        default_args=PATIENCE | {"pool": COMPUTE},
        user_defined_macros=_macros(scan),
        deadline=deadline(windows if live else 0),
        on_failure_callback=failed,
        doc_md=_doc(scan, live=live),
        tags=["thoroughfare", "scan", f"feed:{scan.feed}"],
    ) as dag:
        _wire(scan, windows, live=live)
    return dag


def _wire(scan: Scan, windows: int, *, live: bool) -> None:
    """Make every task of a night and join them as the line says."""
    groups: dict[str, TaskGroup] = {}
    tasks: dict[Step, Any] = {}
    for step in steps(windows):
        if (group := _group(step)) and group not in groups:
            groups[group] = TaskGroup(group)
        options: dict[str, Any] = {"task_group": groups.get(group), "trigger_rule": _rule(step)} | _outlets(scan, step)
        if step.table == "cameras":
            options |= _asking(scan)
        if step.table == "snapshots" and live:
            options |= _asking(scan) | {"execution_timeout": POLLING}
        tasks[step] = StageCommand(task_id=step.table, table=step.table, window=step.window, **options)
        before = [tasks[each] for each in waits_for(step, windows)]
        before >> tasks[step]
        if step.table == "snapshots":
            first = (
                _begin(scan, step, groups[group]) if live else _fetch(scan, step, tasks[Step("cameras")], groups[group])
            )
            tasks[Step("cameras")] >> first >> tasks[step]


def _fetch(scan: Scan, step: Step, cameras: StageCommand, group: TaskGroup) -> Any:
    """Fetch a window's pictures by one task a shard of cameras; its `snapshots` commits what they hold."""
    return StageCommand.partial(
        task_id=stage(step.table).verb,
        table=step.table,
        window=step.window,
        task_group=group,
        map_index_template="shard {{ task.part }}",
        **_asking(scan),
    ).expand(part=cameras.output)


def _begin(scan: Scan, step: Step, group: TaskGroup) -> DateTimeSensorAsync:
    """Wait for a live window, all of whose cameras one `snapshots` then polls, at one pace.

    It ends in the triggerer: no busy worker or full pool may hold a window up.
    """
    return DateTimeSensorAsync(
        task_id="begin",
        target_time=f"{{{{ begins_at(dag_run, params, {step.window}) }}}}",
        end_from_trigger=True,
        task_group=group,
        execution_timeout=timedelta(days=2),
        **_asking(scan),
    )


def _asking(scan: Scan) -> dict[str, Any]:
    """Have a task that asks the feed wait in the feed's pool, and start before the others."""
    return {"pool": feed_pool(scan.feed), "priority_weight": 1000, "weight_rule": "absolute"}


def _group(step: Step) -> str:
    """Name the group a step is shown in; a group ends before the night's transitions, which come between."""
    if step.window is None:
        return ""
    return f"window_{step.window}" if stage(step.table).unit == "shard" else f"window_{step.window}_linked"


def _rule(step: Step) -> str:
    """A missing window is skipped as a whole; what reads more than one window goes on without it."""
    return "all_success" if stage(step.table).unit in ("scan", "shard") else "none_failed"


def _outlets(scan: Scan, step: Step) -> dict[str, Any]:
    """Name the assets that a step publishes."""
    if step.table not in PUBLISHED:
        return {}
    names = [f"products/{path.stem}" for path in sorted((SQL / "products").glob("*.sql"))]
    root = LAKE if "://" in LAKE else f"file://{LAKE}"
    tables = names if step.table == "products" else [step.table]
    return {"outlets": [Asset(name=f"{scan.name}/{name}", uri=f"{root}/{scan.name}/{name}") for name in tables]}


def _macros(scan: Scan) -> dict[str, Any]:
    """Return what templates may call: the one place where a run becomes a night."""

    def scan_date(dag_run: Any, params: Any) -> str:
        return params["scan_date"] or str(dates.night_of(scan, dag_run.logical_date or dag_run.run_after))

    def begins_at(dag_run: Any, params: Any, window: int) -> str:
        on = dates.date.fromisoformat(scan_date(dag_run, params))
        return (dates.begins_at(scan, on, window) - dates.LEAD).isoformat()

    return {"scan_date": scan_date, "begins_at": begins_at}


def _doc(scan: Scan, *, live: bool) -> str:
    """Say on the DAG's page what it does and how to run it by hand."""
    due = "just before the night's start, and polled as it goes" if live else "at the night's end"
    return f"""
### Scan `{scan.name}`
Cameras of feed `{scan.feed}`, each night {scan.hours} {scan.timezone}, due {due}. Lake: `{LAKE}/{scan.name}`.

Every task is `thoroughfare stage {scan.name} TABLE --date D`: it does only what is not done, so a run may be cleared,
repeated or finished from the command line at any time; the bytes are the same.

**By hand**: *Trigger*, with the local date on which the night begins as `scan_date`. Empty is the last night.
**Red task**: its log ends with one sentence that says what to do; then *Clear task*. **Pink**: that night has no such window.
"""


for name in scans.names(SETTINGS):
    globals()[f"dag_{name}"] = build(scans.load(name, SETTINGS))
