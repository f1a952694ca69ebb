"""Open a lake in a notebook: its tables as frames, its places as shapes, and in words what it cannot support."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import geopandas as gpd
import h3
import pandas as pd
import pyarrow as pa
import shapely

from pipeline import countermeasures, desk, scans
from pipeline.countermeasures import Watched
from pipeline.desk import Desk
from pipeline.errors import PipelineError, PrivacyError, SettingsError, WindowNotFoundError
from pipeline.storage import beside

HERE = Path(__file__).parents[1]
CRS = "OGC:CRS84"
WEAK = ("none", "count")
"""Verdicts that allow counts at the most."""
_watched: dict[tuple[str, date], Watched] = {}


def opened(lake: str, scan: str = "", on: str = "", purpose: str = "", settings: str = "") -> Desk:
    """Open one night of a lake; a relative path is looked for here, then below the project.

    Raises:
        SettingsError: there is no lake, or no such scan or night in it; says what to do.
    """
    places = [lake] if "://" in lake else [path for path in (Path(lake), HERE / lake) if path.is_dir()]
    if not places:
        raise SettingsError(f"no lake at {lake}: run `make demo`, or set LAKE to the folder of another")
    beside_it = Path(str(places[0])) / "settings.toml"
    file = Path(settings) if settings else beside_it if beside_it.is_file() else _settings()
    return desk.open_desk(places[0], scan, on, purpose, file)


def introduced(night: Desk) -> str:
    """Say in a few lines which night this is, how much of it was seen, what it supports, and whom to name."""
    seen = frame(night.ask("SELECT slots_planned, slots_seen, verdict FROM coverage"))
    verdicts = ", ".join(f"{n} {verdict}" for verdict, n in seen["verdict"].value_counts().items())
    planned = max(int(seen["slots_planned"].sum()), 1)
    lines = [
        f"Scan {night.scan.name}, night of {night.scan_date}, times of {night.scan.timezone}.",
        f"{seen['slots_seen'].sum():,.0f} of {planned:,} planned pictures could be used ({seen['slots_seen'].sum() / planned:.0%}).",
        f"Camera-hours by what they support: {verdicts}.",
        *sorted(set(night.table("cameras")["attribution"].to_pylist()) - {""}),
    ]
    return "\n".join(lines)


def supports(night: Desk, product: str) -> str:
    """Return an empty text where the night has rows of a product, else why it has none."""
    rows = night.products().get(product)
    if rows is None:
        return f"This lake has no product {product}: bring the night up to date with `thoroughfare run {night.scan.name} --date {night.scan_date}`."
    if rows.num_rows:
        return ""
    told = frame(night.ask("SELECT verdict, count(*) AS n FROM coverage GROUP BY verdict"))
    if set(told["verdict"]) <= set(WEAK):
        reason = night.ask("SELECT reason FROM coverage ORDER BY reason LIMIT 1")["reason"].to_pylist()
        return (
            f"No {product}: this scan supports counts only ({reason[0]}). That is refused, not missing; read `counts`."
        )
    return f"No {product}: fewer than {night.scan.k} vehicles stand behind every row, and such rows are not published."


def single(night: Desk, table: str) -> tuple[pd.DataFrame, str]:
    """Read a table of single vehicles; an empty frame and a sentence where that is not allowed, or they have expired."""
    try:
        rows, why = frame(night.table(table)), ""
    except PrivacyError:
        rows, why = pd.DataFrame(), f"{table} show single vehicles: set PURPOSE to say why you look (it is logged)."
    except WindowNotFoundError:
        rows, why = pd.DataFrame(), f"{table} of this night have expired or were never made."
    return rows, why or ("" if len(rows) else f"No {table}: this night supports none (see the verdicts above).")


def frame(rows: pa.Table) -> pd.DataFrame:
    """Return rows as a frame whose decimals are floats: to draw, not to add up."""
    made = rows.to_pandas()
    for name, kind in zip(rows.schema.names, rows.schema.types, strict=True):
        if pa.types.is_decimal(kind):
            made[name] = made[name].map(lambda each: float(each) if isinstance(each, Decimal) else float("nan"))
    return made


def product(night: Desk, name: str) -> pd.DataFrame:
    """Return a product of the night; without rows where it has none."""
    rows = night.products().get(name)
    return pd.DataFrame() if rows is None else frame(rows)


def cameras(night: Desk) -> gpd.GeoDataFrame:
    """Return the cameras as points, by id, with a `short` name to write beside them."""
    rows = frame(night.table("cameras"))
    rows["short"] = [name if len(name) <= 28 else name[:27] + "…" for name in rows["name"]]
    made = gpd.GeoDataFrame(rows, geometry=gpd.points_from_xy(rows["lon"], rows["lat"]), crs=CRS)
    return made.set_index("camera_id")


def roads(night: Desk, around: gpd.GeoDataFrame | None = None, margin_m: float = 400.0) -> gpd.GeoDataFrame:
    """Return the scan's road network as lines; with `around` only what lies near some shapes."""
    rows = night.table("roads")
    lines = gpd.GeoDataFrame(geometry=shapely.from_wkb(rows["geometry"].to_pylist()), crs=CRS)
    if around is None or not len(around) or not len(lines):
        return lines
    metric = around.to_crs(night.scan.metric_crs)
    near = shapely.box(*metric.total_bounds).buffer(margin_m)
    return lines[lines.to_crs(night.scan.metric_crs).intersects(near).to_numpy()]


def cells(rows: pd.DataFrame, column: str) -> gpd.GeoDataFrame:
    """Return rows with the outline of the H3 cell that a column names."""
    shapes = [shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)]) for cell in rows[column]]
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=CRS)


def map_page(night: Desk, name: str = "map.html") -> Path:
    """Write the house's own map of the night beside the lake; opens in a browser without a network."""
    path = Path(beside(str(night.lake.root), name))
    return desk.draw(night.lake, night.scan, night.scan_date, path, night.purpose, night.now)


def watched(night: Desk) -> tuple[Watched | None, str]:
    """Return the demo city's first window with its truth, once a process; a sentence where no truth is known."""
    key = (str(night.lake), night.scan_date)
    if key not in _watched:
        try:
            _watched[key] = countermeasures.watch(night.lake, night.scan, night.scan_date)
        except PipelineError as error:
            return None, str(error)
    return _watched[key], ""


def lake_scores(night: Desk, seen: Watched) -> Any:
    """Hold the links that the lake has against the truth."""
    return countermeasures.of_lake(seen, *(night.table(name) for name in ("sightings", "links", "observability")))


def _settings() -> Path | None:
    """Return the project's settings file where the working folder has none, as in `notebooks/`."""
    return None if Path("settings.toml").is_file() else scans.bundled()
