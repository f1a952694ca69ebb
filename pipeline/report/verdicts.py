"""Draw the map of verdicts, and tell by verdict and cause how many cameras and pairs there are: observability -> SVG, rows."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from statistics import median
from typing import Any

import h3
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipeline.report.figures import svg
from pipeline.tables import VERDICTS

MAP_PX, MAP_TALL_PX, CITY_TALL_PX, POLE_TALL_PX = 760, 400, 640, 160
"""Width of the map; its greatest height, that for more cameras than MAX_NAMES, and that for cameras at one pole."""
MAX_NAMES, MAX_ROADS, MAX_PAIRS = 60, 30_000, 4000
"""More cameras are not named on the map; more roads and pairs say no more at its size."""
POLE_DEG = 1e-4
"""Cameras that stand as near to each other as this, some 10 m, share a pole and are drawn around it."""
GIVES = {
    "none": "nothing", "count": "how full the view is", "flow": "vehicles by heading", "link": "travel times",
    "trajectory": "trips, origin and destination, heat",
}  # fmt: skip
"""What each verdict lets be published, on top of those before it."""
SHAPES = {
    "none": "M-1,-1L1,1M-1,1L1,-1",
    "count": "M-1,0A1,1 0 1 1 1,0A1,1 0 1 1 -1,0Z",
    "flow": "M0,-1.15L1.1,.8L-1.1,.8Z",
    "link": "M-.9,-.9H.9V.9H-.9Z",
    "trajectory": "M0,-1.25L1.25,0L0,1.25L-1.25,0Z",
}
"""A shape for each verdict, so that no colour need be told from another."""
LINKING = ("link", "trajectory")
"""Pairs of these verdicts are drawn as lines."""
Row = Mapping[str, Any]


def chart(cameras: Sequence[Row], pairs: Sequence[Row], roads: pa.Table, cells: Mapping[str, float]) -> str:
    """Draw where the cameras stand, what each supports, and which pairs support links.

    Args:
        cameras: `camera_id`, `lon`, `lat`, `verdict`, `name` of each.
        pairs: `camera_id`, `pair_camera_id`, `verdict` of each directed pair.
        roads: `tables.ROADS`.
        cells: H3 cell to vehicle-minutes, drawn under the roads.
    """
    if not cameras:
        return ""
    spots = np.array([[row["lon"], row["lat"]] for row in cameras], dtype=np.float64)
    edges = {cell: np.array([[lon, lat] for lat, lon in h3.cell_to_boundary(cell)]) for cell in sorted(cells)}
    frame = _Frame(np.concatenate([spots, *edges.values()]), MAP_TALL_PX if len(cameras) <= MAX_NAMES else CITY_TALL_PX)
    most = max(cells.values(), default=1) or 1
    drawn = [
        f'<polygon class="cell" style="opacity:{0.08 + 0.5 * cells[cell] / most:.2f}" points="{frame.path(edge)}"/>'
        for cell, edge in edges.items()
    ]
    lines = [shapely.get_coordinates(line) for line in shapely.from_wkb(roads["geometry"].to_pylist())]
    paths = sorted({frame.path(line) for line in lines if frame.shows(line)})[:MAX_ROADS]
    thin = "" if len(cameras) <= MAX_NAMES else ' style="stroke-width:.6"'
    drawn.append(f'<path class="road"{thin} d="{" ".join("M" + path for path in paths)}"/>' if paths else "")
    size = float(np.clip(6.5 * (40 / len(cameras)) ** 0.4, 3.0, 6.5))
    places = _around_poles(spots, frame.placed(spots), size)
    where = dict(zip((row["camera_id"] for row in cameras), places, strict=True))
    drawn += _ways([row for row in pairs if row["camera_id"] in where and row["pair_camera_id"] in where], where)
    drawn += [_spot(row["verdict"], *place, size, row["name"]) for place, row in zip(places, cameras, strict=True)]
    if len(cameras) <= MAX_NAMES:
        drawn += _names(places, [row["name"][:28] for row in cameras])
    counted = ", ".join(f"{sum(row['verdict'] == verdict for row in cameras)} {verdict}" for verdict in VERDICTS)
    return svg(
        MAP_PX, frame.height, "".join(drawn), f"map of {len(cameras)} cameras by what they support: {counted}", "map"
    )


def icon(verdict: str, *, line: bool = False) -> str:
    """Draw one verdict's sign for a legend: a camera's shape, or a pair's line."""
    drawn = f'<path class="way v-{verdict}" d="M0,6H22"/>' if line else _spot(verdict, 6, 6, 4.6, verdict)
    return svg(22 if line else 12, 12, drawn, f"{'pair' if line else 'camera'}: {verdict}", "icon")


def causes(weighed: Mapping[tuple[str, str], Row]) -> list[dict[str, Any]]:
    """Count cameras and pairs by verdict and by the cause that is given for no more, the lowest verdict first.

    Args:
        weighed: Rows of `observability` by camera and pair camera (empty for one camera).

    Returns:
        `kind`, `verdict`, `cause`, `count` and `p` (the median chance to be seen) of each.
    """
    found: dict[tuple[int, int, str], list[float]] = defaultdict(list)
    for (_, pair), row in weighed.items():
        whole = row["verdict"] == VERDICTS[-1]
        key = (bool(pair), VERDICTS.index(row["verdict"]), "nothing is refused" if whole else cause(row["reason"]))
        found[key].append(row["p_pair"] if pair else row["p_seen"])
    ranked = sorted(found, key=lambda key: (key[0], key[1], -len(found[key]), key[2]))
    return [
        {"kind": ("camera", "pair")[paired], "verdict": VERDICTS[verdict], "cause": why,
         "count": len(found[paired, verdict, why]), "p": median(found[paired, verdict, why])}
        for paired, verdict, why in ranked
    ]  # fmt: skip


def cause(reason: str) -> str:
    """Return the last clause of a reason, without its figures: why no more than this is supported."""
    last = re.split(r"[:;] ", re.sub(r" \([^)]*\)", "", reason))[-1].removesuffix(", counts only")
    return re.sub(r"(under |over )?\d[\d.,]*%?", "…", last)


def _spot(verdict: str, x: float, y: float, size: float, name: str) -> str:
    """Draw one camera."""
    return (
        f'<path class="spot v-{verdict}" transform="translate({x:g} {y:g}) scale({size:.2f})" d="{SHAPES[verdict]}">'
        f"<title>{escape(name)}: {verdict}</title></path>"
    )


def _ways(pairs: Sequence[Row], where: Mapping[str, tuple[float, float]]) -> list[str]:
    """Draw the pairs that support links, each a little to the right of the straight line, so that both ways show."""
    shown = sorted(
        (-VERDICTS.index(row["verdict"]), row["camera_id"], row["pair_camera_id"])
        for row in pairs
        if row["verdict"] in LINKING
    )[:MAX_PAIRS]
    drawn: dict[str, list[str]] = defaultdict(list)
    for rank, first, second in shown:
        (x1, y1), (x2, y2) = where[first], where[second]
        far = max(float(np.hypot(x2 - x1, y2 - y1)), 1e-6)
        dx, dy = -1.6 * (y2 - y1) / far, 1.6 * (x2 - x1) / far
        drawn[VERDICTS[-rank]].append(f"M{x1 + dx:.1f},{y1 + dy:.1f}L{x2 + dx:.1f},{y2 + dy:.1f}")
    return [f'<path class="way v-{verdict}" d="{"".join(drawn[verdict])}"/>' for verdict in LINKING if drawn[verdict]]


def _around_poles(spots: NDArray[np.float64], placed: NDArray[np.float64], size: float) -> list[tuple[float, float]]:
    """Move cameras at one pole into a ring around it."""
    poles: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, (lon, lat) in enumerate((spots / POLE_DEG).round().astype(int).tolist()):
        poles[lon, lat].append(row)
    moved = placed.copy()
    for rows in (rows for rows in poles.values() if len(rows) > 1):
        turn = 2 * np.pi * np.arange(len(rows)) / len(rows)
        wide = size * max(1.4, 1.3 * len(rows) / np.pi)
        moved[rows] = placed[rows].mean(axis=0) + wide * np.column_stack([np.sin(turn), -np.cos(turn)])
    return [(round(x, 1), round(y, 1)) for x, y in moved.tolist()]


def _names(dots: Sequence[tuple[float, float]], names: Sequence[str]) -> list[str]:
    """Write each name above, below, right or left of its dot, where it first hides nothing; else leave it out."""
    taken = [(x - 7, y - 7, x + 7, y + 7) for x, y in dots]
    drawn = []
    for (x, y), name in zip(dots, names, strict=True):
        wide = 6.4 * len(name)
        for left, base in ((x - wide / 2, y - 11), (x - wide / 2, y + 20), (x + 11, y + 4), (x - wide - 11, y + 4)):
            box = (left, base - 10, left + wide, base + 3)
            if not any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken):
                taken.append(box)
                drawn.append(
                    f'<text x="{left + wide / 2:.1f}" y="{base:.1f}" style="text-anchor:middle">{escape(name)}</text>'
                )
                break
    return drawn


class _Frame:
    """Fit places into a picture of MAP_PX width, north up."""

    def __init__(self, places: NDArray[np.float64], tall_px: float) -> None:
        low, high = places.min(axis=0), places.max(axis=0)
        margin = np.maximum((high - low) * 0.1, 0.002)
        self.low, self.high = low - margin, high + margin
        self.shrink = float(np.cos(np.radians(places[:, 1].mean())))
        wide, tall = (self.high - self.low) * [self.shrink, 1.0]
        spread = float((high - low).max()) > 10 * POLE_DEG
        self.height = float(np.clip(tall * MAP_PX / wide, 120, tall_px if spread else POLE_TALL_PX))
        self.scale = min(MAP_PX / wide, self.height / tall)

    def placed(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Degrees to pixels."""
        turned: NDArray[np.float64] = (points - (self.low + self.high) / 2) * [self.shrink, -1.0] * self.scale
        centred: NDArray[np.float64] = turned + np.array([MAP_PX / 2, self.height / 2])
        return centred.round(1)

    def path(self, line: NDArray[np.float64]) -> str:
        return " ".join(f"{x:g},{y:g}" for x, y in self.placed(line).tolist())

    def shows(self, line: NDArray[np.float64]) -> bool:
        """Whether any of a line may lie in the picture, whose empty sides show roads too."""
        x, y = self.placed(line).T
        return bool(len(line) and x.max() > 0 and x.min() < MAP_PX and y.max() > 0 and y.min() < self.height)
