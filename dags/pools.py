"""Print the pools that the DAGs wait in, as JSON for `airflow pools import`: `python dags/pools.py > pools.json`."""

import argparse
import json
import os
import sys
from pathlib import Path

from pipeline import scans

if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--slots", type=int, default=os.cpu_count(), help="stages at once; about 1 GB of memory each")
    asked.add_argument(
        "--feed-slots",
        type=int,
        default=2,
        help="tasks of one feed at once; of a live one the second stands ready for its window",
    )
    given = asked.parse_args()
    settings = Path(os.environ.get("THOROUGHFARE_SETTINGS") or scans.find())
    feeds = sorted({scans.load(name, settings).feed for name in scans.names(settings)})
    pools = {"thoroughfare": {"slots": given.slots, "description": "Stages of all scans at once"}}
    pools |= {f"feed_{n}": {"slots": given.feed_slots, "description": f"Tasks asking feed {n} at once"} for n in feeds}
    json.dump(pools, sys.stdout, indent=1)
