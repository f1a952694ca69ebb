"""Hold sightings as columns, and put together those that are pieces of one vehicle's pass of one camera."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipeline.links import abreast, appearance

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

    def table(self) -> pa.Table:
        """Return what `sql/links/candidates.sql` needs of the sightings; ids are numbers of rows."""
        names = pa.array([camera for camera, _ in self.groups]), pa.array([heading for _, heading in self.groups])
        group = pa.array(self.group)
        columns = {
            "sighting_id": pa.array(np.arange(len(self))),
            "camera_id": names[0].take(group),
            "heading": names[1].take(group),
            "motion": pc.if_else(pa.array(self.moved), "moving", "parked"),
            "entered_at": pa.array(self.entered_us).cast(pa.timestamp("us", tz="UTC")),
            "left_at": pa.array(self.left_us).cast(pa.timestamp("us", tz="UTC")),
        }
        return pa.table(columns)


def read(sightings: pa.Table, detections: pa.Table, embeddings: pa.Table) -> Passes:
    """Take every sighting for a pass of its own and give each its portrait.

    Raises:
        SchemaError: the embeddings' vectors differ in length.
    """
    names = list(zip(sightings["camera_id"].to_pylist(), sightings["heading"].to_pylist(), strict=True))
    groups = tuple(sorted(set(names)))
    number = {name: row for row, name in enumerate(groups)}
    group = np.array([number[name] for name in names], dtype=np.int64)
    moved = np.array([motion not in ("parked", "lone") for motion in sightings["motion"].to_pylist()], dtype=bool)
    entered, left = (sightings[name].cast(pa.int64()).to_numpy() for name in ("entered_at", "left_at"))
    sums, sizes, largest = appearance.portraits(sightings, detections, embeddings)
    vectors = appearance.centred(appearance.unit(sums), group)
    _, camera = np.unique(np.array([name for name, _ in groups], dtype=str), return_inverse=True)
    abreast_s = abreast.seconds(sightings, detections, camera[group] if groups else group, group)
    return Passes(np.arange(len(names)), group, groups, moved, entered, left, abreast_s, sums, sizes, largest, vectors)


def cadence_s(sightings: pa.Table) -> dict[str, float]:
    """Return the median seconds between two pictures of a followed vehicle, by camera; none where none was followed."""
    steps = pc.subtract(pc.list_value_length(sightings["detection_ids"]).cast(pa.int64()), 1).to_numpy()
    stay_us = pc.subtract(sightings["left_at"].cast(pa.int64()), sightings["entered_at"].cast(pa.int64())).to_numpy()
    camera = np.array(sightings["camera_id"].to_pylist(), dtype=str)
    followed = (steps > 0) & (stay_us > 0)
    step_s = stay_us[followed] / steps[followed] / US
    return {str(name): float(np.median(step_s[camera[followed] == name])) for name in np.unique(camera[followed])}


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
        passes, row=passes.row[row], group=passes.group[row], moved=passes.moved[row], entered_us=entered, left_us=left,
        abreast_s=abreast_s, sums=sums, sizes=sizes, largest_px=largest_px,
        vectors=appearance.centred(appearance.unit(sums), passes.group[row]),
    )  # fmt: skip
