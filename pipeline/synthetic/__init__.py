"""Invent a city whose every vehicle is known, run the line's own stages on what its cameras saw, and score them."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.lake import Lake
from pipeline.synthetic.night import Night, peak_mb
from pipeline.synthetic.options import SCAN_DATE, SIZES, Options
from pipeline.synthetic.score import score

__all__ = ["SCAN_DATE", "SIZES", "Options", "bench", "summary", "verdicts"]


def bench(options: Options, root: str = "", say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """Invent, observe, link and score one city; with `root` its tables stay in a lake there.

    Returns:
        Options, rows by table, what observability supports, scores, seconds by stage and the most memory held.
    """
    with tempfile.TemporaryDirectory(prefix="thoroughfare-bench-") as folder:
        night = Night(options, Lake(root or folder, options.size), say)
        night.make()
        night.judge()
        if root:
            Path(root, "settings.toml").write_text(options.settings(), encoding="utf-8")
        say("scoring ...")
        found = score(night)
        return {
            "size": options.size,
            "options": asdict(options),
            "rows": night.rows,
            "verdicts": verdicts(night.tables("observability")),
            "scores": found,
            "seconds": {name: round(took, 1) for name, took in night.seconds.items()},
            "peak_mb": round(peak_mb()),
        }


def verdicts(observability: pa.Table) -> dict[str, dict[str, int]]:
    """Count what single cameras and pairs support, over all hours."""
    told: dict[str, dict[str, int]] = {"cameras": {}, "pairs": {}}
    for pair, verdict in zip(*(observability[name].to_pylist() for name in ("pair_camera_id", "verdict")), strict=True):
        kind = told["pairs" if pair else "cameras"]
        kind[verdict] = kind.get(verdict, 0) + 1
    return told


def summary(made: dict[str, Any]) -> str:
    """Say what was made and how good it is, in a few lines."""
    rows = " · ".join(f"{count:,} {name}" for name, count in made["rows"].items() if "/" not in name)
    told = [f"Made      {rows}"]
    told += [f"Supported {subject}: {', '.join(f'{n:,} {verdict}' for verdict, n in sorted(found.items()))}"
             for subject, found in made["verdicts"].items()]  # fmt: skip
    for subject, found in made["scores"].items():
        told += [
            f"  {_figure(value)}  {subject}: {name}"
            for name, value in found.items()
            if not isinstance(value, dict | list)
        ]
    if "seconds" in made:
        told.append("Seconds   " + " · ".join(f"{name} {took:g}" for name, took in made["seconds"].items()))
        told.append(f"Peak      {made['peak_mb']:,} MiB")
    return "\n".join(told)


def _figure(value: Any) -> str:
    """Print one figure."""
    return f"{'n/a' if value is None else f'{value:,}' if isinstance(value, int) else f'{value:.3f}':>12}"
