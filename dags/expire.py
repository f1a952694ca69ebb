"""Let every scan's tables expire each day, then prove its lake."""

from airflow.sdk import DAG, CronTriggerTimetable, TaskGroup
from nightly.commands import COMPUTE, LAKE, PATIENCE, SETTINGS, Command, failed

from pipeline import scans

EXPIRE = '"$THOROUGHFARE_BIN/thoroughfare" expire "$THOROUGHFARE_SCAN" --lake "$THOROUGHFARE_LAKE" --prove'
VERIFY = '"$THOROUGHFARE_BIN/thoroughfare" verify "$THOROUGHFARE_SCAN" --lake "$THOROUGHFARE_LAKE"'

with DAG(
    "expire",
    description="Delete what has lived its days, prove that it is gone, then every hash and every check",
    schedule=CronTriggerTimetable("0 12 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=PATIENCE | {"pool": COMPUTE, "do_xcom_push": False},
    on_failure_callback=failed,
    doc_md=f"""
### Retention
Per scan: `thoroughfare expire --prove`, then `thoroughfare verify`, on `{LAKE}`. Days to live are in `pipeline/tables.py`.

**Red `verify`**: its log names each file or row that is wrong and what to do. Nothing is mended by itself.
""",
    tags=["thoroughfare", "retention"],
) as dag:
    for name in scans.names(SETTINGS):
        with TaskGroup(name):
            expire, verify = (
                Command(task_id=task, bash_command=command, values={"THOROUGHFARE_SCAN": name})
                for task, command in (("expire", EXPIRE), ("verify", VERIFY))
            )
            expire >> verify
