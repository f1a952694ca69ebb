"""Report one night honestly on one page: every table of the line -> one `report.html`."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SchemaError
from pipeline.report import chapters, figures, verdicts
from pipeline.scans import Scan
from pipeline.tables import FRAME_STATES, TABLES, VERDICTS

READ = (
    "cameras",
    "roads",
    "frames",
    "detections",
    "sightings",
    "transitions",
    "observability",
    "links",
    "trajectories",
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
ACRONYMS = {"assa": "AssA", "deta": "DetA"} | {
    each: each.upper() for each in ("ap", "ap50", "ece", "hota", "idf1", "idp", "idr", "mape", "mota", "od")
}
SHARES = (
    "count_error", "error", "bias", "mape", "found", "precision", "recall", "purity", "impossible",
    "ap", "id", "hota", "deta", "assa", "mota", "ece",
)  # fmt: skip
"""Beginnings and ends of the names of scores that are shares of 1."""


def write(
    path: Path,
    *,
    scan: Scan,
    scan_date: date,
    tables: Mapping[str, pa.Table],
    products: Mapping[str, pa.Table],
    scores: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """Write one self-contained page: what was seen, what was made of it, what was refused and what is deleted when.

    Args:
        path: File to write; its folder is made.
        scan: The scan that ran.
        scan_date: Local date on which the night began.
        tables: Table name (`cameras`, `frames`, `detections`, `sightings`, `transitions`, `observability`, `links`,
            `trajectories`) to the night's rows; one that is absent counts as expired and is named as such.
        products: Product name (`flow`, `travel_time`, `od`, `heatmap`) to its published rows.
        scores: Against truth, where there is one: heading (`detections`) to measure (`ap50`) to value. Numbers are
            shown; None is shown as not told; `calibration` is drawn.

    Returns:
        The path written. The same tables give the same bytes.

    Raises:
        SchemaError: a table is not what `tables.py` says.
    """
    for name, rows in tables.items():
        if name in TABLES and set(rows.column_names) != set(TABLES[name].schema.names):
            raise SchemaError(f"report: {name} has columns {rows.column_names}; pass the rows of tables.py")
    gone = [name for name in READ if name not in tables]
    whole = {name: tables.get(name, TABLES[name].empty()) for name in READ}
    names = dict(zip(*(whole["cameras"][name].to_pylist() for name in ("camera_id", "name")), strict=True))
    listed = chapters.cameras(whole, scan.k)
    weighed = chapters.verdicts(whole["observability"])
    page = _template().render(
        policy=POLICY, css=_file("page.css"), scan=scan, scan_date=scan_date, gone=gone, span=_span(scan, scan_date),
        stages=chapters.stages(whole, products, gone), cameras=listed, states=_states(whole["frames"]), verdicts=_legend(listed),
        verdict_map=_map(listed, whole, products.get("heatmap")), causes=verdicts.causes(weighed), percent=chapters.percent,
        signs={each: verdicts.icon(each) for each in VERDICTS}, ways=[(each, verdicts.icon(each, line=True)) for each in verdicts.LINKING],
        pairs=chapters.pairs(whole, names, scan.k), flows=chapters.flows(products, names, scan.timezone),
        travel_times=chapters.travel_times(products, names), matrix=chapters.matrix(products, names),
        probabilities=chapters.probabilities(whole["links"]), links=whole["links"].num_rows,
        heated=bool(products.get("heatmap") is not None and products["heatmap"].num_rows), abstained=chapters.abstained(whole), withheld=chapters.withheld(whole, products),
        retention=chapters.retention(scan, scan_date, whole), scores=_scores(scores or {}), credits=_credits(whole["cameras"], scan),
        most=chapters.MAX_ROWS, charts=chapters.MAX_CHARTS,
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")
    return path


def _span(scan: Scan, scan_date: date) -> str:
    windows = scan.windows(scan_date)
    return f"{scan.hours} local time ({scan.timezone}), {len(windows)} UTC hour{'s' if len(windows) > 1 else ''}"


def _states(frames: pa.Table) -> list[tuple[str, int]]:
    """Count observations by state, in the order of FRAME_STATES."""
    return [(state, pc.sum(pc.equal(frames["state"], state)).as_py() or 0) for state in FRAME_STATES]


def _legend(cameras: list[dict[str, Any]]) -> list[tuple[str, str, str, int]]:
    """Give each verdict its sign, what it lets be published and how many cameras have it."""
    return [
        (verdict, verdicts.icon(verdict), verdicts.GIVES[verdict], sum(row["verdict"] == verdict for row in cameras))
        for verdict in VERDICTS
    ]


def _map(cameras: list[dict[str, Any]], tables: Mapping[str, pa.Table], heatmap: pa.Table | None) -> str:
    """Draw what cameras and pairs support over the roads and the night's published vehicle-minutes."""
    cells: defaultdict[str, float] = defaultdict(float)
    for row in heatmap.select(["cell", "vehicle_minutes"]).to_pylist() if heatmap is not None else []:
        cells[row["cell"]] += float(row["vehicle_minutes"])
    weighed = chapters.verdicts(tables["observability"]).values()
    return verdicts.chart(cameras, [row for row in weighed if row["pair_camera_id"]], tables["roads"], cells)


def _scores(scores: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Split each chapter of scores into numbers to list and a calibration to draw."""
    made = []
    for heading, measures in scores.items():
        by_class = {
            f"{kind}_recall": each["recall"] for kind, each in measures.get("by_class", {}).items() if each["n"]
        }
        listed = [
            (_title(name), _value(name, value)) for name, value in {**measures, **by_class}.items() if _plain(value)
        ]
        told = measures.get("calibration")
        chart = (
            figures.reliability(told["stated"], told["came_true"], told["n"], f"calibration of {heading}")
            if told and told["n"]
            else ""
        )
        made.append({"heading": heading, "listed": listed, "chart": chart})
    return made


def _title(name: str) -> str:
    """Write a measure's name as people do."""
    return " ".join(
        ACRONYMS.get(word, word.replace("px", " px").replace("5min", "in 5 min")) for word in name.split("_")
    )


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str)


def _value(name: str, value: Any) -> str:
    """Write a share in percent with one decimal, a count with separators, and None as not told."""
    if value is None or value != value:  # noqa: PLR0124
        return "not told"
    if isinstance(value, float) and (name.startswith(SHARES) or name.endswith(SHARES)):
        return f"{100 * value:.1f} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if isinstance(value, float) else str(value)


def _credits(cameras: pa.Table, scan: Scan) -> list[str]:
    """List each attribution and licence once."""
    both = zip(cameras["attribution"].to_pylist(), cameras["licence"].to_pylist(), strict=True)
    said = {" · ".join(part for part in pair if part) for pair in both} | {scan.attribution}
    return sorted(said - {""})


def _template() -> jinja2.Template:
    return jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(_file("page.html"))


def _file(name: str) -> str:
    return files("pipeline.report").joinpath(name).read_text(encoding="utf-8")
