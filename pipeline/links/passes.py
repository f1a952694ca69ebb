"""Hold sightings as columns, and put together those that are pieces of one vehicle's pass of one camera."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipeline.links import abreast, appearance
from pipeline.tables import LABELS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
US = 1_000_000


@dataclass(frozen=True)
class Passes:
    """n passes of vehicles by cameras; at first each sighting is one."""

    row: Ints
    """(n,) the sighting that stands for it: that with the most and largest boxes."""
    group: Ints
    """(n,) number of its camera and heading."""
    groups: tuple[tuple[str, str], ...]
    """Camera and heading of each group."""
    kind: Ints
    """(n,) number of its label in LABELS."""
    moved: NDArray[np.bool_]
    """(n,) whether it can be linked at all."""
    entered_us: Ints
    """(n,) first seen, microseconds since 1970."""
    left_us: Ints
    """(n,) last seen, microseconds since 1970."""
    abreast_s: Floats
    """(n,) when it was abreast of the middle of its camera's view, seconds since 1970."""
    sums: appearance.Vectors
    """(n, d) sum of its embeddings, each times the size of its box."""
    sizes: Floats
    """(n,) sum of the sizes of its boxes, pixels; 0 where there is no embedding."""
    largest_px: Floats
    """(n,) size of its largest box, pixels."""
    vectors: appearance.Vectors
    """(n, d) its portrait: unit length, centred on its group; zero where there is no embedding."""

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Tell which have a portrait."""
        return np.asarray(self.sizes > 0)

    def __len__(self) -> int:
        """Count the passes."""
        return len(self.row)

    @cached_property
    def passed_twice_us(self) -> Ints:
        """Return the sum of first and last seen, which tells whole microseconds of who passed first."""
        return self.entered_us + self.left_us


def read(sightings: pa.Table, detections: pa.Table, embeddings: pa.Table) -> Passes:
    """Take every sighting for a pass of its own and give each its portrait.

    Raises:
        SchemaError: the embeddings' vectors differ in length.
    """
    group, groups = _groups(sightings)
    kind = pc.index_in(sightings["label"], pa.array(LABELS)).to_numpy().astype(np.int64)
    moved = pc.invert(pc.is_in(sightings["motion"], pa.array(["parked", "lone"]))).to_numpy()
    entered, left = (sightings[name].cast(pa.int64()).to_numpy() for name in ("entered_at", "left_at"))
    sums, sizes, largest = appearance.portraits(sightings, detections, embeddings)
    vectors = appearance.centred(appearance.unit(sums), group)
    _, camera = np.unique(np.array([name for name, _ in groups], dtype=str), return_inverse=True)
    abreast_s = abreast.seconds(sightings, detections, camera[group] if groups else group, group)
    return Passes(
        np.arange(len(group)), group, groups, kind, moved, entered, left, abreast_s, sums, sizes, largest, vectors
    )


def cadence_s(sightings: pa.Table) -> dict[str, float]:
    """Return the median seconds between two pictures of a followed vehicle, by camera; none where none was followed."""
    steps = pc.subtract(pc.list_value_length(sightings["detection_ids"]).cast(pa.int64()), 1).to_numpy()
    stay_us = pc.subtract(sightings["left_at"].cast(pa.int64()), sightings["entered_at"].cast(pa.int64())).to_numpy()
    names, camera = _coded(sightings["camera_id"])
    followed = np.flatnonzero((steps > 0) & (stay_us > 0))
    followed = followed[np.argsort(camera[followed], kind="stable")]
    step_s = stay_us[followed] / steps[followed] / US
    first = np.flatnonzero(np.diff(camera[followed], prepend=-1))
    each = np.split(step_s, first[1:]) if len(first) else []
    return {names[camera[row]]: float(np.median(some)) for row, some in zip(followed[first], each, strict=True)}


def _groups(sightings: pa.Table) -> tuple[Ints, tuple[tuple[str, str], ...]]:
    """Number cameras and headings together, in the order of their names."""
    (cameras, camera), (headings, heading) = (_coded(sightings[name]) for name in ("camera_id", "heading"))
    kinds, group = np.unique(camera * len(headings) + heading, return_inverse=True)
    return group, tuple((cameras[kind // len(headings)], headings[kind % len(headings)]) for kind in kinds.tolist())


def _coded(column: pa.ChunkedArray) -> tuple[list[str], Ints]:
    """Return the names in a column, sorted, and the number of each row's."""
    coded = column.combine_chunks().dictionary_encode()
    names = coded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return [names[each] for each in order], place[coded.indices.to_numpy()]


def joined(passes: Passes, first: Ints, second: Ints) -> Passes:
    """Put pieces together: `second[i]` goes on where `first[i]` ended.

    A joined pass has the times of all its pieces, the portrait of all their boxes, and the heading of its largest piece.
    """
    n = len(passes)
    count, label = connected_components(csr_array((np.ones(len(first)), (first, second)), shape=(n, n)), directed=False)
    largest = np.lexsort((np.arange(n), -passes.sizes, label))
    row = largest[np.searchsorted(label[largest], np.arange(count))]
    row = row[np.argsort(row, kind="stable")]
    place = np.empty(count, dtype=np.int64)
    place[label[row]] = np.arange(count)
    whole = place[label]
    member = csr_array((np.ones(n, dtype=np.float32), (whole, np.arange(n))), shape=(count, n))
    entered, left = passes.entered_us[row].copy(), passes.left_us[row].copy()
    np.minimum.at(entered, whole, passes.entered_us)
    np.maximum.at(left, whole, passes.left_us)
    start_s = float(passes.abreast_s[0]) if n else 0.0
    largest_px = np.zeros(count)
    np.maximum.at(largest_px, whole, passes.largest_px)
    sums, sizes = member @ passes.sums, np.bincount(whole, passes.sizes, count).astype(np.float64)
    abreast_s = np.bincount(whole, passes.abreast_s - start_s, count) / np.bincount(whole) + start_s
    return replace(
        passes, row=passes.row[row], group=passes.group[row], kind=passes.kind[row], moved=passes.moved[row], entered_us=entered, left_us=left,
        abreast_s=abreast_s, sums=sums, sizes=sizes, largest_px=largest_px,
        vectors=appearance.centred(appearance.unit(sums), passes.group[row]),
    )  # fmt: skip
