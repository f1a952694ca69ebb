"""Draw the two maps of the report over the roads: what cameras support, and where vehicles spent their time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import h3
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipeline.report.chapters.coverage import LINKING
from pipeline.report.figures import svg
from pipeline.tables import VERDICTS

MAP_PX, MAP_TALL_PX, CITY_TALL_PX, POLE_TALL_PX = 760, 400, 640, 160
"""Width of a map; its greatest height, that for more cameras than MAX_NAMES, and that for cameras at one pole."""
MAX_NAMES, MAX_ROADS = 60, 20_000
"""More cameras are not named on the map; of more roads the longest are drawn."""
POLE_DEG = 1e-4
"""Cameras that stand as near to each other as this, some 10 m, share a pole and are drawn around it."""
CLASSES = 5
"""Shades of the heatmap, each for as many cells."""
SHAPES = {
    "none": "M-1,-1L1,1M-1,1L1,-1",
    "count": "M-1,0A1,1 0 1 1 1,0A1,1 0 1 1 -1,0Z",
    "flow": "M0,-1.15L1.1,.8L-1.1,.8Z",
    "link": "M-.9,-.9H.9V.9H-.9Z",
    "trajectory": "M0,-1.25L1.25,0L0,1.25L-1.25,0Z",
}
"""A shape for each verdict, so that no colour need be told from another."""
Row = Mapping[str, Any]


class Ground:
    """A stretch of land that holds some cameras and cells, north up, and its roads."""

    def __init__(self, cameras: Sequence[Row], cells: Sequence[Row], roads: pa.Table) -> None:
        """Fit cameras (`lon`, `lat`) and cells (`cell`) into MAP_PX width."""
        self.cameras, self.many = cameras, len(cameras) > MAX_NAMES
        spots = np.array([[row["lon"], row["lat"]] for row in cameras], dtype=np.float64).reshape(-1, 2)
        self.edges = {row["cell"]: np.array(h3.cell_to_boundary(row["cell"]))[:, ::-1] for row in cells}
        self.frame = _Frame(np.concatenate([spots, *self.edges.values()]), CITY_TALL_PX if self.many else MAP_TALL_PX)
        size = float(np.clip(6.5 * (40 / len(cameras)) ** 0.4, 3.0, 6.5))
        self.size, self.places = size, _around_poles(spots, self.frame.placed(spots), size)
        lines = [shapely.get_coordinates(line) for line in shapely.from_wkb(roads["geometry"].to_pylist())]
        spans = {self.frame.path(line): float(np.ptp(line, axis=0).sum()) for line in lines if self.frame.shows(line)}
        paths = sorted(sorted(spans, key=lambda path: (-spans[path], path))[:MAX_ROADS])
        thin = ' style="stroke-width:.6"' if self.many else ""
        self.roads = f'<path id="roads" class="road"{thin} d="{" ".join("M" + path for path in paths)}"/>' if paths else ""  # fmt: skip

    def verdicts(self, ways: Sequence[Row]) -> str:
        """Draw where the cameras stand, what each supports (`verdict`, `name`), and the ways (pairs) that support links."""
        where = dict(zip((row["camera_id"] for row in self.cameras), self.places, strict=True))
        thin = ' style="stroke-width:.6;opacity:.45"' if self.many else ""
        drawn = [self.roads, f"<g{thin}>", *_ways(ways, where), "</g>"]
        drawn += [
            _spot(row["verdict"], *place, self.size, row["name"])
            for place, row in zip(self.places, self.cameras, strict=True)
        ]
        if not self.many:
            drawn += _names(self.places, [row["name"][:28] for row in self.cameras])
        counted = ", ".join(f"{sum(row['verdict'] == each for row in self.cameras)} {each}" for each in VERDICTS)
        label = f"map of {len(self.cameras)} cameras by what they support: {counted}"
        return svg(MAP_PX, self.frame.height, "".join(drawn), label, "map", told=f"{len(ways)} ways between two cameras support links.")  # fmt: skip

    def heat(self, cells: Sequence[Row], top: Sequence[Row]) -> str:
        """Draw vehicle-minutes by cell, in shades of which each stands for as many cells; the fullest are numbered."""
        classes = shades([row["vehicle_minutes"] for row in cells])
        drawn = [
            f'<polygon class="cell q{shade}" points="{self.frame.path(self.edges[row["cell"]])}">'
            f"<title>{row['vehicle_minutes']:,.0f} vehicle-minutes</title></polygon>"
            for row, shade in zip(cells, classes, strict=True)
        ]
        drawn.append('<use href="#roads"/>' if self.roads else "")
        for rank, row in enumerate(top, 1):
            x, y = self.frame.placed(self.edges[row["cell"]]).mean(axis=0).tolist()
            drawn.append(f'<text class="rank" x="{x:.1f}" y="{y + 4:.1f}" style="text-anchor:middle">{rank}</text>')
        label = f"heatmap of {len(cells)} cells by vehicle-minutes"
        said = "; ".join(f"{rank}: {row['vehicle_minutes']:,.0f} near {row['near']}" for rank, row in enumerate(top, 1))
        return svg(MAP_PX, self.frame.height, "".join(drawn), label, "map", told=said)


def shades(values: Sequence[float]) -> list[int]:
    """Part values into CLASSES of much the same number, 1 the least."""
    bounds = _bounds(values)
    return [1 + sum(value > bound for bound in bounds) for value in values]


def legend(values: Sequence[float]) -> list[tuple[int, float, float]]:
    """Give each shade that is drawn the least and the most it stands for."""
    found: dict[int, list[float]] = defaultdict(list)
    for value, shade in zip(values, shades(values), strict=True):
        found[shade].append(value)
    return [(shade, min(those), max(those)) for shade, those in sorted(found.items())]


def icon(verdict: str, *, line: bool = False) -> str:
    """Draw one verdict's sign for a legend: a camera's shape, or a pair's line."""
    drawn = f'<path class="way v-{verdict}" d="M0,6H22"/>' if line else _spot(verdict, 6, 6, 4.6, verdict)
    return svg(22 if line else 12, 12, drawn, f"{'pair' if line else 'camera'}: {verdict}", "icon")


def _bounds(values: Sequence[float]) -> list[float]:
    """Give the upper bounds of all shades but the last."""
    return sorted({float(each) for each in np.quantile(values, np.arange(1, CLASSES) / CLASSES)}) if values else []


def _spot(verdict: str, x: float, y: float, size: float, name: str) -> str:
    """Draw one camera."""
    return (
        f'<path class="spot v-{verdict}" transform="translate({x:g} {y:g}) scale({size:.2f})" d="{SHAPES[verdict]}">'
        f"<title>{escape(name)}: {verdict}</title></path>"
    )


def _ways(pairs: Sequence[Row], where: Mapping[str, tuple[float, float]]) -> list[str]:
    """Draw the pairs that support links, each a little to the right of the straight line, so that both ways show."""
    drawn: dict[str, list[str]] = defaultdict(list)
    for row in pairs:
        if row["from_camera"] in where and row["to_camera"] in where:
            (x1, y1), (x2, y2) = where[row["from_camera"]], where[row["to_camera"]]
            far = max(float(np.hypot(x2 - x1, y2 - y1)), 1e-6)
            dx, dy = -1.6 * (y2 - y1) / far, 1.6 * (x2 - x1) / far
            drawn[row["verdict"]].append(f"M{x1 + dx:.1f},{y1 + dy:.1f}L{x2 + dx:.1f},{y2 + dy:.1f}")
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
