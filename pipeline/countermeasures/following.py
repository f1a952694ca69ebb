"""Follow the vehicles of a watched window again, with something done to pictures, looks or vectors, and score it.

What cameras saw is the lake's; how each vehicle looks is drawn anew as the encoder was measured to see it
(`synthetic.looks`), for vectors are gone once links are made. All that follows is the line's own: its stages track,
learn, weigh and link, and know nothing of the truth.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.countermeasures.steps import Floats, Followed, judged
from pipeline.countermeasures.watched import Ints, Watched
from pipeline.scores.sighted import codes
from pipeline.stages import stage
from pipeline.synthetic import Options, rates
from pipeline.synthetic.columns import packed
from pipeline.synthetic.looks import Looks
from pipeline.synthetic.tracks import majority
from pipeline.synthetic.traffic import Passes
from pipeline.tables import EMBEDDINGS, TABLES

CORNERS = ("x1_px", "y1_px", "x2_px", "y2_px")
GUESSES = {"min_probability": 0.02, "min_probability_unseen": 0.02}
"""Settings of links of a tracker that guesses."""


@dataclass(frozen=True)
class Hindrance:
    """What is done before anybody is followed; the defaults do nothing."""

    every: int = 1
    """Of so many pictures of a camera, one is kept."""
    scale: float = 1.0
    """Sides of the picture, as a share of what they were."""
    noise: float = 0.0
    """Length of the chance vector that is added to each unit vector of looks."""
    alike: float = Options.taxis
    """Share of the vehicles that belong to one fleet and look much alike."""
    looks: bool = True
    """Whether vectors of looks are made at all; without, place and time must do."""


def follow(watched: Watched, hindrance: Hindrance = Hindrance(), seed: int = 1, *, heedless: bool = False) -> Followed:
    """Do something to what the cameras saw, follow every vehicle with the line's own stages, and score that.

    Args:
        watched: What the cameras saw.
        hindrance: What is done to it.
        seed: Of looks and of what is lost.
        heedless: Link also where observability refuses, and take the likeliest partner however unlikely: what a
            tracker would do that is bound by none of this project's rules.
    """
    seen, owner, size_px, made = _sighted(watched, hindrance.every, hindrance.scale, seed)
    made = dict(made)
    if heedless:
        made["observability"] = _allowed(made["observability"])
        seen = replace(seen, scan=replace(seen.scan, stages=seen.scan.stages | {"links": GUESSES}))
    rng = np.random.default_rng([seed, 44])
    made["embeddings"] = _embeddings(rng, seen, owner, size_px, hindrance, seed)
    made["links"] = _stage("links", made, seen)
    shown = _shown(made["sightings"], seen.detections, owner)
    fleet = Looks(_options(hindrance, seed)).fleet(codes(watched.passes["vehicle_id"])) == 1
    return judged(watched.passes, shown, made["sightings"], made["links"], made["observability"], fleet)


def drawn(watched: Watched, night: int, seed: int = 1) -> Floats:
    """Draw the portraits of all vehicles with a box, (v, d), on one of several nights: the same vehicles, other pictures."""
    rng = np.random.default_rng([seed, 43, night])
    passes, row = _passes(watched, watched.owner)
    mine = np.flatnonzero(watched.owner >= 0)
    boxes = np.stack([watched.detections[name].to_numpy() for name in CORNERS], axis=1).astype(np.float64)
    size_px = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    mine = mine[size_px[mine] >= watched.scan.settings("embeddings", stage("embeddings").settings()).min_crop_px]
    vectors = Looks(Options(seed=seed)).drawer(rng, night, passes)(row[mine], size_px[mine]).astype(np.float64)
    _, at = np.unique(passes.vehicle[row[mine]], return_inverse=True)
    portraits = np.zeros((int(at.max(initial=-1)) + 1, vectors.shape[1]))
    np.add.at(portraits, at, vectors)
    return np.asarray(portraits / np.linalg.norm(portraits, axis=1, keepdims=True))


def of_lake(watched: Watched, sightings: pa.Table, links: pa.Table, observability: pa.Table) -> Followed:
    """Score the links that a lake holds of the watched window, made with the vectors of the true pictures."""
    at = watched.window.hour_at
    sightings = sightings.filter((pc.field("entered_at") >= at) & (pc.field("entered_at") < watched.window.ends_at))
    inside = pc.is_in(links["query_id"], sightings["sighting_id"].combine_chunks())
    links = links.filter(pc.and_(inside, pc.is_in(links["gallery_id"], sightings["sighting_id"].combine_chunks())))
    return judged(watched.passes, _shown(sightings, watched.detections, watched.owner), sightings, links, observability)


def _stage(name: str, made: dict[str, pa.Table], seen: Watched) -> pa.Table:
    """Run one stage of the line."""
    line = stage(name)
    asked = {"window": seen.window, "settings": seen.scan.settings(name, line.settings())}
    reads = {table: made.get(table, TABLES[table].empty()) for table in line.reads}
    return line.function()(**reads, **{key: asked[key] for key in line.asks})


@lru_cache(maxsize=2)
def _sighted(
    watched: Watched, every: int, scale: float, seed: int
) -> tuple[Watched, Ints, Floats, dict[str, pa.Table]]:
    """Take fewer and smaller pictures, and make of them what needs no vector; kept, as several hindrances share it."""
    rng = np.random.default_rng([seed, 40])
    seen, owner, size_px = _pictured(rng, watched, every, scale)
    made = {"cameras": seen.cameras, "roads": seen.roads, "frames": seen.frames, "detections": seen.detections}
    for name in ("sightings", "transitions", "observability"):
        made[name] = _stage(name, made, seen)
    return seen, owner, size_px, made


def _allowed(observability: pa.Table) -> pa.Table:
    """Let every pair support everything."""
    at = observability.schema.get_field_index("verdict")
    every = pa.repeat(pa.scalar("trajectory"), observability.num_rows)
    return observability.set_column(at, observability.schema.field(at), every)


def _pictured(rng: np.random.Generator, watched: Watched, every: int, scale: float) -> tuple[Watched, Ints, Floats]:
    """Take fewer and smaller pictures: what is seen then, whose each box is, and its longer side, pixels."""
    frames = watched.frames.sort_by([("camera_id", "ascending"), ("slot_at", "ascending")])
    camera = codes(frames["camera_id"])
    rank = np.arange(len(camera)) - np.searchsorted(camera, camera)
    frames = frames.filter(pa.array(rank % every == 0))
    boxes = np.stack([watched.detections[name].to_numpy() for name in CORNERS], axis=1).astype(np.float64)
    size_px = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    smaller = size_px * scale
    chance = np.interp(smaller, rates.SIZES_PX, rates.FOUND) / np.interp(size_px, rates.SIZES_PX, rates.FOUND)
    kept = pc.is_in(watched.detections["frame_id"], frames["frame_id"].combine_chunks()).to_numpy()
    kept &= rng.random(len(kept)) < chance
    # the detector's edges are as many pixels off in a small picture as in a large one
    rough = rates.EDGE_PX * np.sqrt(1.0 - scale**2)
    small = (boxes * scale + rng.normal(0.0, rough, boxes.shape))[kept]
    small[:, 2:] = np.maximum(small[:, 2:], small[:, :2] + 1.0)
    detections = watched.detections.filter(pa.array(kept))
    for at, name in enumerate(CORNERS):
        detections = _put(detections, name, small[:, at])
    for name in ("width_px", "height_px"):
        frames = _put(frames, name, np.round(frames[name].to_numpy() * scale))
    cadence_s = watched.cameras["cadence_s"].to_numpy() * every
    cameras = _put(watched.cameras, "cadence_s", cadence_s)
    seen = replace(watched, cameras=cameras, frames=frames, detections=detections)
    return seen, watched.owner[kept], (small[:, 2:] - small[:, :2]).max(axis=1)


def _put(rows: pa.Table, name: str, values: Floats) -> pa.Table:
    """Replace one column by numbers of its own type."""
    at = rows.schema.get_field_index(name)
    return rows.set_column(at, rows.schema.field(at), pa.array(values).cast(rows.schema.field(at).type))


def _embeddings(
    rng: np.random.Generator, seen: Watched, owner: Ints, size_px: Floats, hindrance: Hindrance, seed: int
) -> pa.Table:
    """Draw how each box looks: its vehicle's looks, the camera's, the picture's noise, and what is added on purpose."""
    large = np.flatnonzero(size_px >= seen.scan.settings("embeddings", stage("embeddings").settings()).min_crop_px)
    if not hindrance.looks or not len(large):
        return EMBEDDINGS.empty()
    passes, row = _passes(seen, owner)
    looks = Looks(_options(hindrance, seed))
    vectors = looks.drawer(rng, 0, passes)(row[large], size_px[large]).astype(np.float64)
    added = rng.standard_normal(vectors.shape)
    vectors += hindrance.noise * added / np.linalg.norm(added, axis=1, keepdims=True)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = seen.detections["detection_id"].combine_chunks().take(pa.array(large))
    encoder = pa.repeat(pa.scalar(looks.version), len(large))
    rows = {"detection_id": ids, "encoder": encoder, "vector": packed(vectors.astype(np.float16))}
    return EMBEDDINGS.check(pa.table(rows))


def _passes(seen: Watched, owner: Ints) -> tuple[Passes, Ints]:
    """Return the passes whose looks are drawn, and the row of each box's; nobody's boxes are each like nobody else."""
    nobody = np.flatnonzero(owner < 0)
    row = owner.copy()
    row[nobody] = seen.passes.num_rows + np.arange(len(nobody))
    cameras = sorted(seen.cameras["camera_id"].to_pylist())
    numbers = {name: number for number, name in enumerate(cameras)}
    at = [numbers[name] for name in seen.detections["camera_id"].to_pylist()]
    camera = np.append([numbers[name] for name in seen.passes["camera_id"].to_pylist()], np.array(at, np.int64)[nobody])
    vehicle = np.append(codes(seen.passes["vehicle_id"]), -1 - np.arange(len(nobody)))
    toward = np.append(seen.toward, np.zeros(len(nobody), np.int64))
    blank = np.zeros(len(vehicle))
    return Passes(vehicle, camera.astype(np.int64), toward, blank, blank, blank, np.arange(len(vehicle))), row


def _options(hindrance: Hindrance, seed: int) -> Options:
    """Say which looks are drawn."""
    return Options(seed=seed, taxis=hindrance.alike, vans=0.0)


def _shown(sightings: pa.Table, detections: pa.Table, owner: Ints) -> Ints:
    """Return the pass that most boxes of each sighting show, -1 where they are nobody's."""
    named = sightings["detection_ids"].combine_chunks()
    track = pc.list_parent_indices(named).to_numpy()
    at = pc.index_in(named.flatten(), detections["detection_id"].combine_chunks()).to_numpy(zero_copy_only=False)
    there = np.isfinite(at.astype(np.float64))
    whose = np.full(len(at), -1)
    whose[there] = owner[at[there].astype(np.int64)]
    shown = np.full(sightings.num_rows, -1)
    shown[np.unique(track)] = majority(track, whose + 1) - 1
    return shown
