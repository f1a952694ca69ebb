"""Measure how far the encoder's vectors of one vehicle, and of different vehicles, lie apart on real stills.

    uv run python -m benchmarks.encoder_noise DATA --out pipeline/synthetic/noise.npz

DATA holds `fdr/` and `reid/` as the README of the labelled New York stills says; it is no part of this repository. Only
covariances and quantiles leave this program: no vector of any vehicle.

What is measured, each vector less the mean of its camera and carriageway (`shift` is the spread of those means):
- `within`: boxes of one pass, by size. Its shape is that of the automatic tracklets, which were chosen by likeness and so
  tell too little; its level is that of the passes labelled by hand.
- `passes`: the spread of passes less what `within` explains. `kept_share` parts it into what a vehicle keeps from camera to
  camera and what it does not, such that two sightings correlate as those of the vehicles labelled at two cameras do.
- `same` and `different`: quantiles of the cosine of two passes at two cameras, and `rank1`,
  how often a vehicle's own sighting at the other camera is the likest of all: for the test of what is drawn.
"""

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline import encoders

Floats = NDArray[np.float64]
EDGES_PX = (20.0, 25.0, 35.0, 50.0, 300.0)
"""Classes of the longer side of a box."""
LABELS = Path("tests/labels/identities_first.csv")
"""More vehicles labelled at two cameras, of the minutes that may be learned from."""
SIZES_PX = (22.0, 30.0, 42.0, 60.0)
"""Usual sizes of the classes."""
KEPT = 32
"""Directions kept of the encoder's; they hold 99 % of the spread."""
LEAST = 4
"""Vehicles labelled between two cameras, below which their mean tells nothing."""
SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


@dataclass(frozen=True)
class Boxes:
    """n vectors with what is known of them."""

    vectors: Floats
    size_px: Floats
    track: NDArray[np.str_]
    place: NDArray[np.str_]
    """Camera and carriageway."""


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    found = measure(asked.data / "fdr")
    arrays = {name: np.asarray(value, np.float16) for name, value in found.items()}
    np.savez_compressed(asked.out, **arrays)
    sys.stderr.write(f"MEASURED_SHA256 = {hashlib.sha256(asked.out.read_bytes()).hexdigest()!r}\n")
    shown = {name: value.round(3).tolist() for name, value in arrays.items() if value.ndim < 2 and name != "mean"}
    shown |= {f"{name}_total": round(float(np.trace(found[name])), 3) for name in ("passes", "shift")}
    print(json.dumps(shown, indent=1))


def measure(folder: Path) -> dict[str, Any]:
    """Return mean, basis, covariances in that basis, and quantiles of cosines."""
    auto, hand = _auto(folder), _labelled(folder, folder / "validation" / "tracks.csv", "track")
    files = (folder / "validation" / "identities.csv", LABELS)
    pairs = _joined([_labelled(folder, file, "identity") for file in files])
    places, shift = _centres(auto)
    total = _passes(auto, places)
    by_size, shape = _within(auto, places)
    level = _within_level(hand) / _within_level(auto)
    product, spread, same, different, rank1, n_pairs = _likenesses(pairs)
    two = np.array(list(_two(pairs))).ravel()
    noise, passes = float(np.interp(pairs.size_px[two], SIZES_PX, level * by_size).mean()), float(np.trace(total))
    kept_share = product / spread * (passes + noise) / passes
    basis = np.linalg.eigh(total)[1][:, ::-1][:, :KEPT]
    inner = basis.T @ total @ basis
    return {
        "mean": auto.vectors.mean(axis=0), "basis": basis, "shift": basis.T @ shift @ basis,
        "passes": inner,
        "within": _unit_trace(basis.T @ shape @ basis), "within_var": level * by_size,
        "sizes_px": np.array(SIZES_PX), "shares": np.array(SHARES), "same": same, "different": different,
        "kept_share": kept_share, "level": level, "rank1": rank1, "n_pairs": n_pairs,
    }  # fmt: skip


def _auto(folder: Path) -> Boxes:
    """Encode the boxes of the automatic tracklets."""
    rows = pq.read_table(folder / "tracks_auto.parquet").to_pylist()
    named = [(row["track_id"], f"{row['camera']} {row['road'][:2]}") for row in rows]
    boxes = [[row[name] for name in ("x1", "y1", "x2", "y2")] for row in rows]
    return _encoded([folder / row["path"] for row in rows], boxes, named)


def _labelled(folder: Path, labels: Path, track: str) -> Boxes:
    """Encode the boxes of a file of hand labels."""
    with labels.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    stamps = [row["time"].translate(str.maketrans(" ", "T", "-:")) for row in rows]
    paths = [folder / "frames" / row["camera"] / f"{at}.jpg" for row, at in zip(rows, stamps, strict=True)]
    boxes = [[float(row[each]) for each in ("x1", "y1", "x2", "y2")] for row in rows]
    return _encoded(paths, boxes, [(row[track], f"{row['camera']} {row['direction'][:2]}") for row in rows])


def _joined(parts: list[Boxes]) -> Boxes:
    """Put boxes together."""
    return Boxes(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Boxes)))


def _encoded(paths: list[Path], boxes: list[list[float]], named: Iterable[tuple[str, str]]) -> Boxes:
    """Encode boxes and keep those large enough."""
    encoder, xyxy = encoders.load("resnet"), np.array(boxes, np.float32)
    vectors = np.zeros((len(xyxy), encoder.dimensions))
    for path in sorted(set(paths)):
        rows = [row for row, each in enumerate(paths) if each == path]
        image = cv2.imread(str(path))
        if image is None:
            raise SystemExit(f"{path}: no such picture; pass the folder of the labelled stills")
        vectors[rows] = encoder.encode(image, xyxy[rows])
    size_px = (xyxy[:, 2:] - xyxy[:, :2]).max(axis=1)
    large, (track, place) = size_px >= EDGES_PX[0], np.array(list(named)).T
    return Boxes(vectors[large], size_px[large].astype(np.float64), track[large], place[large])


def _centres(boxes: Boxes) -> tuple[dict[str, Floats], Floats]:
    """Return the mean vector of each place, and the covariance of those means."""
    names, at, count = np.unique(boxes.place, return_inverse=True, return_counts=True)
    means = np.stack([boxes.vectors[at == row].mean(axis=0) for row in range(len(names))])
    off = means - boxes.vectors.mean(axis=0)
    return dict(zip(names.tolist(), means, strict=True)), (off * count[:, None]).T @ off / count.sum()


def _centred(boxes: Boxes, places: dict[str, Floats], instead: Floats) -> Floats:
    """Take from each vector the mean of its place, or of all where the place has none."""
    return boxes.vectors - np.stack([places.get(place, instead) for place in boxes.place.tolist()])


def _parts(boxes: Boxes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the number of each box's pass, and how many boxes each pass has."""
    _, at, count = np.unique(np.char.add(boxes.track, boxes.place), return_inverse=True, return_counts=True)
    return at, count


def _passes(boxes: Boxes, places: dict[str, Floats]) -> Floats:
    """Return the covariance of what passes of a place have in common, less what their boxes' noise adds to their means."""
    at, count = _parts(boxes)
    centred = _centred(boxes, places, boxes.vectors.mean(axis=0))
    means = np.stack([np.bincount(at, column) for column in centred.T], axis=1) / count[:, None]
    rest = (centred - means[at])[count[at] > 1]
    noise = rest.T @ rest / (count[count > 1] - 1).sum()
    return np.asarray(means.T @ means / len(means) - noise * float((1.0 / count).mean()))


def _within(boxes: Boxes, places: dict[str, Floats]) -> tuple[Floats, Floats]:
    """Return the variance of boxes about their pass by size, and its covariance over all."""
    at, count = _parts(boxes)
    centred = _centred(boxes, places, boxes.vectors.mean(axis=0))
    means = np.stack([np.bincount(at, column) for column in centred.T], axis=1) / count[:, None]
    off, many = centred - means[at], count[at] > 1
    square = (off**2).sum(axis=1) * count[at] / np.maximum(count[at] - 1, 1)
    size = np.searchsorted(EDGES_PX[1:-1], boxes.size_px, side="right")
    by_size = np.array([square[many & (size == each)].mean() for each in range(len(EDGES_PX) - 1)])
    return by_size, off[many].T @ off[many] / many.sum()


def _within_level(boxes: Boxes) -> float:
    """Return the variance of boxes about their pass over all sizes."""
    at, count = _parts(boxes)
    means = np.stack([np.bincount(at, column) for column in boxes.vectors.T], axis=1) / count[:, None]
    return float(((boxes.vectors - means[at]) ** 2).sum() / (count - 1).sum())


def _two(boxes: Boxes) -> Iterable[tuple[int, int]]:
    """Yield the largest box at each of the first two cameras of each vehicle labelled at two."""
    for track in np.unique(boxes.track):
        rows = np.flatnonzero(boxes.track == track)
        rows = rows[np.argsort(-boxes.size_px[rows], kind="stable")]
        _, first = np.unique(boxes.place[rows], return_index=True)
        if len(first) > 1:
            yield int(rows[first[0]]), int(rows[first[1]])


def _likenesses(pairs: Boxes) -> tuple[float, float, Floats, Floats, float, int]:
    """Compare the vehicles labelled at two cameras, each way between two cameras by itself, less the means at its ends.

    Returns:
        Mean product of a vehicle's two vectors, and of a vector with itself; quantiles of the cosine of one vehicle and of different ones; and how often
        a vehicle's own sighting is the likest at the other camera; the number of vehicles.
    """
    two = [sorted(ends, key=lambda row: pairs.place[row]) for ends in _two(pairs)]
    ways = np.array([" ".join(pairs.place[ends]) for ends in two])
    product, square, free, same, different, first = 0.0, 0.0, 0, [], [], []
    for way in [name for name, count in zip(*np.unique(ways, return_counts=True), strict=True) if count >= LEAST]:
        one, other = pairs.vectors[np.array(two)[ways == way].T]
        one, other = one - one.mean(axis=0), other - other.mean(axis=0)
        product, free = product + float((one * other).sum()), free + len(one) - 1
        square += float((one**2).sum() + (other**2).sum()) / 2
        cosine = _unit(one) @ _unit(other).T
        own = np.eye(len(one), dtype=bool)
        same, different = [*same, *cosine[own]], [*different, *cosine[~own]]
        first += (cosine.argmax(axis=1) == np.arange(len(one))).tolist()
    quantiles = np.quantile(same, SHARES), np.quantile(different, SHARES)
    return product / free, square / free, *quantiles, float(np.mean(first)), len(first)


def _unit(vectors: Floats) -> Floats:
    """Scale rows to unit length."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _unit_trace(covariance: Floats) -> Floats:
    """Scale a covariance to a trace of 1."""
    return np.asarray(covariance / np.trace(covariance))


if __name__ == "__main__":
    main()
