"""Ask every question of the cookbook over 10 million sightings, beside pandas and GeoPandas: `python -m benchmarks.desk --json`.

The lake is that of `benchmarks.city`: 1,000 cameras, 8 hours, a picture every two seconds. Each way of answering a question
runs in its own process; timed is what follows its imports and the opening of the lake: reading the Parquet files, the
answer, its rows. Of several runs the middle one by time passed counts. Answers are held against each other, row by row.
"""

# ruff: noqa: PLC0415 - each way imports its own library in its own process
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

NEAR = 0.01
"""Share by which metres may differ: a sphere in one way, a projection in the other."""
PARAMS = {"date": "2026-05-05"}
"""Values of the parameters that a user must give."""


def questions() -> list[str]:
    """List the cookbook."""
    from pipeline import query

    return [name.removeprefix("cookbook/") for name in query.names("cookbook")]


def by_sql(lake: Path, question: str, runs: int) -> dict[str, Any]:
    """Answer a question as `thoroughfare sql cookbook/<question>` does."""
    from pipeline import desk

    opened = desk.open_desk(lake, settings=lake / "settings.toml")
    given = {name: value for name, value in PARAMS.items() if name in _params(question)}
    return _timed(lambda: opened.ask(f"cookbook/{question}", given).to_pylist(), runs)


def by_pandas(lake: Path, question: str, runs: int) -> dict[str, Any]:
    """Answer a question in pandas or GeoPandas."""
    import warnings

    from benchmarks import by_pandas

    warnings.simplefilter("ignore")
    (scan,) = (path for path in lake.iterdir() if path.is_dir())
    tables = by_pandas.Tables(scan)
    return _timed(lambda: by_pandas.ANSWERS[question](tables).to_dict("records"), runs)


WAYS: dict[str, Callable[[Path, str, int], dict[str, Any]]] = {"sql": by_sql, "pandas": by_pandas}


def compare(lake: Path, runs: int, only: list[str], say: Callable[[str], None]) -> dict[str, Any]:
    """Ask every question both ways, where pandas has one.

    Returns:
        By question: rows, seconds passed and of processor, most memory by way, whether the answers are the same;
        rows of the lake, the load of the machine before and after.
    """
    from benchmarks.by_pandas import ANSWERS

    before, found = os.getloadavg(), {}
    for question in only or questions():
        told = {way: _alone(lake, question, way, runs) for way in WAYS if way == "sql" or question in ANSWERS}
        answers = {way: each.pop("answer") for way, each in told.items()}
        found[question] = {"rows": len(answers["sql"]), **told}
        if "pandas" in answers:
            found[question]["same_answer"] = same(answers["sql"], answers["pandas"])
        say(_line(question, found[question]))
    slow = [question for question, each in found.items() if each["sql"]["wall_s"] >= 1.0]
    return {
        "rows": _rows(lake),
        "processors": os.cpu_count(),
        "load": {"before": before, "after": os.getloadavg()},
        "runs": runs,
        "questions": found,
        "a_second_or_more": slow,
    }


def same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    """Tell whether two answers have the same rows; of equal rank they may come in any order.

    Figures that one way rounds may differ by what rounding takes away.
    """
    if len(ours) != len(theirs):
        return False
    keys = [name for name, value in ours[0].items() if isinstance(value, str) or hasattr(value, "year")] if ours else []
    one, other = (sorted(rows, key=lambda row: [str(row[key]) for key in keys]) for rows in (ours, theirs))
    return all(_alike(name, a[name], b[name]) for a, b in zip(one, other, strict=True) for name in a)


def _alike(name: str, ours: Any, theirs: Any) -> bool:
    """Tell whether two values are the same, but for rounding."""
    if ours is None or theirs is None:
        return ours is None and (theirs is None or theirs != theirs)  # noqa: PLR0124  # not a number
    if isinstance(ours, str) or hasattr(ours, "year"):
        return str(ours) == str(theirs)
    digits = -int(ours.as_tuple().exponent) if isinstance(ours, Decimal) else 0
    near = NEAR * abs(float(ours)) if name in ("straight_m", "detour_factor") else 0.0
    return abs(float(ours) - float(theirs)) <= 0.5 * 10**-digits + 1e-6 + near


def _params(question: str) -> list[str]:
    """List the parameters of a question."""
    from pipeline import query

    return query.header(f"cookbook/{question}")["params"]


def _timed(answer: Callable[[], list[dict[str, Any]]], runs: int) -> dict[str, Any]:
    """Answer some times; return the middle run by time passed, the most memory held, and the answer."""
    took = []
    for _ in range(runs):
        worked, began = time.process_time(), time.perf_counter()
        rows = answer()
        took.append((time.perf_counter() - began, time.process_time() - worked))
    wall_s, cpu_s = sorted(took)[len(took) // 2]
    return {"wall_s": round(wall_s, 3), "cpu_s": round(cpu_s, 3), "peak_mb": _peak_mb(), "answer": rows}


def _peak_mb() -> int:
    """Return the most memory this process has held, MiB, its libraries included."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(most / (2**20 if sys.platform == "darwin" else 2**10))


def _alone(lake: Path, question: str, way: str, runs: int) -> dict[str, Any]:
    """Answer a question one way in a process of its own."""
    with tempfile.NamedTemporaryFile(suffix=".pickle") as answer:
        command = [sys.executable, "-m", "benchmarks.desk", "--lake", str(lake), "--runs", str(runs)]
        ran = subprocess.run([*command, "--one", question, way, answer.name], check=True, stdout=subprocess.PIPE)
        told: dict[str, Any] = json.loads(ran.stdout)
        import pickle

        return told | {"answer": pickle.loads(Path(answer.name).read_bytes())}  # noqa: S301  # written by ourselves


def _one(lake: Path, question: str, way: str, path: str, runs: int) -> None:
    """Answer one question one way, and leave figures and rows to the process that asked."""
    import pickle

    told = WAYS[way](lake, question, runs)
    Path(path).write_bytes(pickle.dumps(told.pop("answer")))
    print(json.dumps(told))


def _rows(lake: Path) -> dict[str, int]:
    """Count the rows of the tables of the lake, from its commit records."""
    from pipeline.desk import open_desk

    there = open_desk(lake, settings=lake / "settings.toml").lake
    counted: dict[str, int] = {}
    for place in there.places():
        last = there.last(place)
        counted[place.table] = counted.get(place.table, 0) + (last.rows if last else 0)
    return counted


def _line(question: str, told: dict[str, Any]) -> str:
    """Say what one question took."""
    ways = [f"{way} {each['wall_s']:6.2f} s ({each['cpu_s']:.2f} of processor, {each['peak_mb']:,} MiB)"
            for way, each in told.items() if isinstance(each, dict)]  # fmt: skip
    alike = {True: ", same answer", False: ", ANSWERS DIFFER"}.get(told.get("same_answer"), "")  # type: ignore[arg-type]
    return f"{question:<26}{told['rows']:>8,} rows  {'; '.join(ways)}{alike}"


def main() -> None:
    """Read the options, make the lake where there is none, and compare."""
    from pipeline.synthetic import SIZES

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lake", type=Path, help="lake of benchmarks.city; made there where it is not, else aside")
    parser.add_argument(
        "--size", default="city", choices=sorted(SIZES), help="city: 10 million sightings; district: 66,000"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", default=[], help="questions, by the names of their files")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        _one(args.lake, *args.one, args.runs)
        return
    with tempfile.TemporaryDirectory(prefix="thoroughfare-desk-") as aside:
        lake = args.lake or Path(aside)
        say = (lambda _: None) if args.json else print
        if not (lake / "settings.toml").is_file():
            made = [sys.executable, "-m", "benchmarks.city", str(lake), "--size", args.size]
            subprocess.run(made, check=True, stdout=sys.stderr)
        found = compare(lake, args.runs, args.only, say)
    if args.json:
        print(json.dumps(found, indent=1))
        return
    print(f"A second or more: {found['a_second_or_more'] or 'none'}; load {found['load']['before'][0]:.1f} before, "
          f"{found['load']['after'][0]:.1f} after")  # fmt: skip
    if any(not each.get("same_answer", True) for each in found["questions"].values()):
        raise SystemExit("answers differ")


if __name__ == "__main__":
    main()
