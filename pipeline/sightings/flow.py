"""Learn how a camera's own vehicles move between frames: pairs of boxes in neighbouring frames beyond those of chance."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, map_coordinates

from pipeline.motion import FOCAL_WIDTHS, Floats, Ground, Ints
from pipeline.sightings.cover import within

Pairs = tuple[Ints, Ints, Floats]
"""First and second box of pairs, and the seconds they are taken to lie apart."""

SPEEDS_MPS = (40.0, 50.0)
"""Fastest motion across and along the view that is looked for, in the rough metres of `Ground`."""
CELLS = (8, 12, 241, 51)
"""Grid of a flow: depth, side, speed across, speed along."""
SMOOTH = (0.7, 0.7, 1.0, 1.0)
"""Smoothing of a flow, in cells."""
PEAK = float(np.prod([gaussian_filter1d(np.pad([1.0], 9), width).max() for width in SMOOTH]))
"""What one pair adds to its own cell when smoothed."""
UNLIKE = 8.0
"""Boxes that differ by more errors of measurement are unlike beyond doubt."""
CHANCE_LAGS = (19, 23, 31, 41, 53, 67)
"""Frames so far apart that a pair of moving boxes is a pair of different vehicles."""


@dataclass(frozen=True)
class Scene:
    """All boxes a camera showed, in order of frame."""

    boxes: Floats
    """xyxy pixels, shape (n, 4)."""
    frame: Ints
    """Frame number of each box, from 0."""
    seconds: Floats
    """Time of each frame."""
    ground: Ground

    @property
    def cadence_s(self) -> float:
        """Median seconds between frames."""
        return float(np.median(np.diff(self.seconds))) if len(self.seconds) > 1 else np.inf

    def pairs(self, lag: int) -> tuple[Ints, Ints]:
        """Return the index pairs of all boxes that lie exactly `lag` frames apart."""
        frames = len(self.seconds)
        start = np.searchsorted(self.frame, np.arange(frames + 2))
        later = np.minimum(self.frame + lag, frames)
        count = start[later + 1] - start[later]
        first = np.repeat(np.arange(len(self.frame)), count)
        return first, np.repeat(start[later], count) + within(count)

    def gap_s(self, first: Ints, second: Ints) -> Floats:
        """Return the seconds between the boxes of pairs."""
        return np.asarray(self.seconds[self.frame[second]] - self.seconds[self.frame[first]])


@dataclass(frozen=True)
class Flow:
    """How much likelier than chance a pair of boxes is one moving vehicle, by place, velocity and size."""

    scene: Scene
    looks: Floats
    """Width and height of each box against what is usual at its place, in errors of measurement, shape (n, 2)."""
    moves: Floats
    """Log of true pairs over chance pairs in neighbouring frames, on the grid CELLS."""
    sizes: Floats
    """Log of true over chance frequency of a difference in looks, by half errors of measurement."""

    def weigh(self, first: Ints, second: Ints, gap_s: Floats) -> Floats:
        """Return the log ratio of pairs of boxes as if `gap_s` apart; -inf beyond any vehicle's speed."""
        cells, inside = _cells(self.scene, first, second, gap_s)
        moved = map_coordinates(self.moves, cells.T, order=1, mode="nearest")
        unlike = self.unlike(first, second)
        sized = np.interp(unlike, np.arange(0.25, UNLIKE, 0.5), self.sizes)
        return np.where(inside, moved + np.where(unlike < 0, 0.0, sized), -np.inf)

    def unlike(self, first: Ints, second: Ints) -> Floats:
        """Return by how many errors of measurement the looks of pairs differ; -1 where the picture cuts a box."""
        cut = self.scene.ground.cut(self.scene.boxes)
        apart = np.hypot(*(self.looks[second] - self.looks[first]).T)
        return np.where(cut[first] | cut[second], -1.0, np.minimum(apart, UNLIKE - 0.1))


def learn_flow(scene: Scene, still: Ints, edge_px: float) -> Flow:
    """Learn a flow from the excess of box pairs in neighbouring frames over pairs in frames far apart.

    Args:
        scene: The boxes of one camera.
        still: Number of the standing vehicle a box belongs to, -1 for none, shape (n,); its own pairs teach nothing.
        edge_px: Usual error of a box's edge, pixels.

    Returns:
        The flow; where the camera has shown little, it is that of a vehicle of any road.
    """
    near = [_different(scene, still, 1)]
    far = [_different(scene, still, lag) for lag in CHANCE_LAGS]
    shown = sum(max(0, len(scene.seconds) - lag) for lag in CHANCE_LAGS)
    share = (len(scene.seconds) - 1) / shown if shown else 0.0
    true, chance = _moves(scene, near), _moves(scene, far) * share
    count = float(true.sum())
    true, chance = gaussian_filter(true, SMOOTH), gaussian_filter(chance, SMOOTH)
    # A pair is no evidence for itself: what a lone pair adds to its own cell is taken off.
    excess = np.maximum(true - PEAK - chance, 0.0) + min(0.5 * count, 10.0) * _any_road()
    moves = np.log((excess + 1e-12) / (chance + 0.5 * count / true.size + 1e-12))
    flow = Flow(scene, _looks(scene, edge_px), moves, np.zeros(int(2 * UNLIKE)))
    return replace(flow, sizes=_sizes(flow, near, far, share))


def straighten(scene: Scene, still: Ints) -> Ground:
    """Return the ground with the vanishing point under which the camera's flow runs most nearly straight ahead."""
    near, far = _velocities(scene, still, (1,)), _velocities(scene, still, CHANCE_LAGS)
    if len(near) < 50 or len(far) < 50:
        return scene.ground
    leans = np.linspace(-1.0, 1.0, 41)
    share = len(near) / len(far)
    gains = []
    for lean in leans:
        true, chance = gaussian_filter(_across(near, lean), 1.0), gaussian_filter(_across(far, lean), 1.0) * share
        gains.append(float((np.maximum(true - chance, 0.0) ** 2 / (chance + 5.0)).sum()))
    lean = float(leans[int(np.argmax(gains))])
    return replace(scene.ground, vanish_px=scene.ground.vanish_px + lean * FOCAL_WIDTHS * scene.ground.width_px)


def _different(scene: Scene, still: Ints, lag: int) -> Pairs:
    """Return pairs of moving boxes `lag` frames apart, as if in neighbouring frames."""
    first, second = scene.pairs(lag)
    apart = (still[first] < 0) & (still[second] < 0)
    first, second = first[apart], second[apart]
    return first, second, np.diff(scene.seconds)[scene.frame[first]]


def _velocities(scene: Scene, still: Ints, lags: tuple[int, ...]) -> Floats:
    """Return the velocities of pairs of boxes, as if in neighbouring frames, that a moving vehicle can have, (n, 2)."""
    pairs = [_different(scene, still, lag) for lag in lags]
    first, second, gap_s = (np.concatenate([each[part] for each in pairs]) for part in range(3))
    metres = scene.ground.metres(scene.boxes)
    velocity = (metres[second] - metres[first]) / gap_s[:, None]
    return np.asarray(velocity[(np.abs(velocity) < SPEEDS_MPS).all(axis=1) & (np.hypot(*velocity.T) > 3.0)])


def _across(velocity: Floats, lean: float) -> Floats:
    """Count velocities (n, 2) by half metres a second across and two along a road that leans aside by `lean`."""
    across = np.clip((velocity[:, 0] - lean * velocity[:, 1]) * 2 + 20.5, 0, 40).astype(np.int64)
    along = ((velocity[:, 1] + SPEEDS_MPS[1]) / 2).astype(np.int64)
    wide = int(SPEEDS_MPS[1]) + 1
    return np.bincount(across * wide + along, minlength=41 * wide).reshape(41, wide)[1:-1].astype(float)


def _cells(scene: Scene, first: Ints, second: Ints, gap_s: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the place of pairs on the grid CELLS, in cells, (n, 4), and whether a vehicle can move so."""
    metres, size = scene.ground.metres(scene.boxes), scene.ground.size_px(scene.boxes[:, 3])
    velocity = (metres[second] - metres[first]) / gap_s[:, None]
    depth = (0.5 * np.log2(size[first] * size[second]) - 3.0) / 4.0
    middle = (scene.boxes[:, 0] + scene.boxes[:, 2]) / 2 / scene.ground.width_px
    places = [depth, (middle[first] + middle[second]) / 2, *((velocity / SPEEDS_MPS + 1) / 2).T]
    cells = np.clip(np.column_stack(places), 0.0, 1.0) * (np.array(CELLS) - 1)
    return cells, np.asarray(np.all(np.abs(velocity) <= SPEEDS_MPS, axis=1))


def _moves(scene: Scene, pairs: list[Pairs]) -> Floats:
    """Count pairs on the grid CELLS."""
    counts = np.zeros(CELLS)
    for first, second, gap_s in pairs:
        cells, inside = _cells(scene, first, second, gap_s)
        np.add.at(counts, tuple(np.round(cells[inside]).astype(int).T), 1.0)
    return counts


def _looks(scene: Scene, edge_px: float) -> Floats:
    """Return width and height of boxes against a smooth surface over the picture, in errors of measurement."""
    size = scene.ground.size_px(scene.boxes[:, 3])
    side = (scene.boxes[:, 0] + scene.boxes[:, 2]) / scene.ground.width_px - 1.0
    depth = np.log(size / np.median(size))
    surface = np.column_stack([np.ones(len(size)), depth, side, depth**2, side**2, depth * side])
    whole = ~scene.ground.cut(scene.boxes)
    looks = []
    for extent in (scene.boxes[:, 2:] - scene.boxes[:, :2]).T:
        level = np.log(np.maximum(extent, 1.0) / size)
        left, weight = level - np.median(level), whole.astype(float)
        for _ in range(5):
            pull = (surface * weight[:, None]).T
            bend = np.linalg.solve(pull @ surface + np.diag([0.1, 3, 3, 3, 3, 3]), pull @ level)
            left = level - surface @ bend
            weight = whole / np.maximum(np.abs(left), 0.05) * 0.1
        looks.append(left / np.hypot(0.05, edge_px / np.maximum(extent, 1.0)))
    return np.column_stack(looks)


def _sizes(flow: Flow, near: list[Pairs], far: list[Pairs], share: float) -> Floats:
    """Return the log ratio of differences in looks of true over chance pairs, among pairs that move with the flow."""
    counts = []
    for pairs in (near, far):
        unlike = [flow.unlike(first, second)[flow.weigh(first, second, gap_s) > 0] for first, second, gap_s in pairs]
        counts.append(np.histogram(np.concatenate(unlike), np.arange(0.0, UNLIKE + 0.1, 0.5))[0].astype(float))
    middle = np.arange(0.25, UNLIKE, 0.5)
    usual, chance = middle * np.exp(-0.25 * middle**2), middle * np.exp(-0.06 * middle**2)
    true = np.maximum(gaussian_filter1d(counts[0] - counts[1] * share, 1.0), 0.0) + 30 * usual / usual.sum()
    chance = gaussian_filter1d(counts[1] * share, 1.0) + 30 * chance / chance.sum()
    return np.asarray(np.maximum(np.log(true / true.sum()) - np.log(chance / chance.sum()), -4.0))


def _any_road() -> Floats:
    """Return how the vehicles of any road move: along the view, across it, or hardly; sums to one over CELLS."""
    across = np.linspace(-SPEEDS_MPS[0], SPEEDS_MPS[0], CELLS[2])[:, None]
    along = np.linspace(-SPEEDS_MPS[1], SPEEDS_MPS[1], CELLS[3])[None, :]
    lengthwise = np.exp(-0.5 * (across / 3) ** 2 - 0.5 * (along / 20) ** 2)
    crosswise = np.exp(-0.5 * (across / 12) ** 2 - 0.5 * (along / 3) ** 2)
    slow = np.exp(-0.5 * (across / 3) ** 2 - 0.5 * (along / 3) ** 2)
    speeds = sum(weight * part / part.sum() for weight, part in ((0.5, lengthwise), (0.2, crosswise), (0.3, slow)))
    return np.asarray(np.broadcast_to(speeds, CELLS) / (CELLS[0] * CELLS[1]))
