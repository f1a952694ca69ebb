"""Run one command of the command line as a task: its own process, its answer one small JSON.

Values reach the command through its environment, never through the shell's text, and the answer is printed after
whatever the command says, so that no warning can take its place.
"""

import json
import logging
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import Context, DeadlineAlert, DeadlineReference, SyncCallback
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from pipeline import scans

log = logging.getLogger("thoroughfare")
SETTINGS = Path(os.environ.get("THOROUGHFARE_SETTINGS") or scans.find()).resolve()
HOME = SETTINGS.parent
"""Folder the commands run in: relative paths mean what they mean to a person there."""
LAKE = os.environ.get("THOROUGHFARE_LAKE") or "lake"
if "://" not in LAKE:
    LAKE = str((HOME / LAKE).resolve())
BIN = os.environ.get("THOROUGHFARE_BIN") or str(Path(sys.executable).parent)
"""Folder of the `thoroughfare` and `python` that tasks run."""
DEADLINE_H = float(os.environ.get("THOROUGHFARE_DEADLINE_H") or 0)
"""Hours after its due time at which an unfinished night is told of; 0 for never."""
COMPUTE = "thoroughfare"
"""Pool of everything but pictures: as many at once as the machine can bear."""
NOTHING_TO_DO = 99
HOPELESS = (2, 3, 5, 8)
"""Exit codes that a second try cannot change: settings, no such plug, schema, privacy."""
STAGE = """
answer=$("$THOROUGHFARE_BIN/thoroughfare" stage "$THOROUGHFARE_SCAN" "$THOROUGHFARE_TABLE" \
  --date "$THOROUGHFARE_DATE" ${THOROUGHFARE_WINDOW:+--window "$THOROUGHFARE_WINDOW"} \
  ${THOROUGHFARE_PART:+--part "$THOROUGHFARE_PART"} --lake "$THOROUGHFARE_LAKE" \
  --settings "$THOROUGHFARE_SETTINGS" ${THOROUGHFARE_SCHEDULER:+--scheduler "$THOROUGHFARE_SCHEDULER"}) || exit $?
echo "$answer"
""".strip()
SETUP = {"THOROUGHFARE_BIN": BIN, "THOROUGHFARE_LAKE": LAKE, "THOROUGHFARE_SETTINGS": str(SETTINGS)}
PATIENCE: dict[str, Any] = {
    "owner": "thoroughfare",
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
}
"""What every task is given: what failed for a passing reason is tried again, ever later."""


def feed_pool(feed: str) -> str:
    """Name the pool that bounds how many tasks ask a feed at once."""
    return f"feed_{feed}"


class Command(BashOperator):
    """Run a command with values from its environment; skip where it has nothing to do, fail at once where it must."""

    def __init__(self, *, values: dict[str, str] | None = None, **options: Any) -> None:
        """Take `values`, templates allowed, besides a BashOperator's options."""
        super().__init__(env=SETUP | (values or {}), append_env=True, cwd=str(HOME), **options)
        self.skip_on_exit_code = (NOTHING_TO_DO,)

    def execute(self, context: Context) -> Any:
        """Run it; an exit code that a second try cannot change ends the tries."""
        try:
            return super().execute(context)
        except AirflowSkipException:
            raise
        except AirflowException as error:
            if self.subprocess_hook.sub_process.returncode in HOPELESS:
                raise AirflowFailException(f"{error} Trying again cannot help: see the sentence above.") from error
            raise


class StageCommand(Command):
    """Bring one table of one window up to date; answers with counts and names."""

    def __init__(self, *, table: str, window: int | None = None, part: int | None = None, **options: Any) -> None:
        """Name the table, the window by its number, and the shard where only one is to be held."""
        values = {"THOROUGHFARE_TABLE": table, "THOROUGHFARE_WINDOW": "" if window is None else str(window)}
        values |= {
            "THOROUGHFARE_SCAN": "{{ dag.dag_id }}",
            "THOROUGHFARE_DATE": "{{ scan_date(dag_run, params) }}",
            "THOROUGHFARE_SCHEDULER": os.environ.get("THOROUGHFARE_SCHEDULER", ""),
        }
        super().__init__(bash_command=STAGE, values=values, output_processor=json.loads, **options)
        self.table, self.part = table, part

    def get_env(self, context: Context) -> dict[str, str]:
        """Add the shard, known only when the task is mapped."""
        part = "" if self.part is None else str(self.part)
        return super().get_env(context) | {"THOROUGHFARE_PART": part}

    def execute(self, context: Context) -> Any:
        """Return the command's answer, or of `cameras` its shards to map over; tell consumers which night it is."""
        answer = super().execute(context)
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {"scan_date": self.env["THOROUGHFARE_DATE"], "rows": answer["rows"]}
        return answer["parts"] if self.table == "cameras" else answer


def deadline(night_h: float) -> DeadlineAlert | None:
    """Return the alert of a DAG whose night may take `night_h` hours before its deadline counts; None where it is off."""
    if not DEADLINE_H:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=night_h + DEADLINE_H),
        callback=SyncCallback(late, kwargs={"hours": night_h + DEADLINE_H}),
        name="late",
    )


def late(hours: float, context: dict[str, Any] | None = None) -> None:
    """Say that a night is late, in the log and to the program named by THOROUGHFARE_ALERT."""
    run = (context or {}).get("dag_run") or {}
    tell(f"scan {run.get('dag_id')} run {run.get('dag_run_id')}: not done {hours:g} h after it was queued")


def failed(context: Context) -> None:
    """Say that a night has failed, in the log and to the program named by THOROUGHFARE_ALERT."""
    run = context["dag_run"]
    tell(f"scan {run.dag_id} run {run.run_id}: failed; see its red tasks, then clear them to go on")


def tell(sentence: str) -> None:
    """Print a sentence and hand it to the operator's program as its one argument."""
    log.error(sentence)
    if program := os.environ.get("THOROUGHFARE_ALERT"):
        subprocess.run([program, sentence], check=True, timeout=60)  # noqa: S603
