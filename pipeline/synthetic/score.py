"""Score an invented night against its truth, by id: links, identities, and what users consume."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import geo, scores, upkeep
from pipeline.scoring import plain
from pipeline.synthetic.night import Night, Truth
from pipeline.synthetic.options import SCAN_DATE
from pipeline.synthetic.published import published
from pipeline.synthetic.traffic import Ints, Passes, joined
from pipeline.tables import TIME

US = 1_000_000


def score(night: Night) -> dict[str, dict[str, Any]]:
    """Return the scores of links and of what users consume, against every vehicle that passed a camera.

    `links` are those of `score links`; `steps` judge single links against consecutive cameras of a vehicle's true way;
    `intervals` say for each product how often the truth lies where its rows say it does.
    """
    passes = true_passes(night)
    names = ("sighting_id", "camera_id", "heading", "motion", "entered_at", "left_at")
    sightings = night.tables("sightings").select(names)
    links, trajectories = night.tables("links"), night.tables("trajectories")
    pass_of = _pass_of(night.truth, sightings)
    found = scores.link_scores_known(
        passes, pass_of, sightings, links, trajectories, night.tables("transitions"), night.tables("cameras")
    )
    return {
        "links": plain(found),
        "steps": steps(passes, pass_of, sightings, links),
        "products": plain(scores.product_scores(passes, sightings, links, trajectories)),
        "published": published(passes, upkeep.products(night.lake, SCAN_DATE)),
        "intervals": scores.intervals(passes, upkeep.products(night.lake, SCAN_DATE)),
    }


def true_passes(night: Night) -> pa.Table:
    """Return `scores.PASSES` with numbers for vehicles: every pass in the order of its number, at the true time."""
    told = joined(night.truth.passes)
    start_us = round(night.windows[0].starts_at.timestamp()) * US
    times = [
        pa.array(start_us + np.round(at_s * US).astype(np.int64)).cast(TIME) for at_s in (told.entered_s, told.left_s)
    ]
    return pa.table(
        {
            "camera_id": pa.array(night.traffic.cameras.ids).take(pa.array(told.camera)),
            "vehicle_id": pa.array(told.vehicle), "entered_at": times[0], "left_at": times[1],
            "heading": pa.array(_headings(night, told), pa.string()),
        }
    )  # fmt: skip


def _headings(night: Night, passes: Passes) -> list[str]:
    """Name where the vehicles of some passes went."""
    bearing = night.traffic.cameras.bearing_deg[passes.camera] + 180.0 * passes.toward
    return [geo.compass(each) for each in bearing.tolist()]


def steps(passes: pa.Table, pass_of: Ints, sightings: pa.Table, links: pa.Table) -> dict[str, Any]:
    """Judge links one by one.

    A step is a vehicle's pass of one camera and its next pass of another, both in some sighting. Recall is the share of steps
    that some link joins; precision the share of links that join two passes of one vehicle.
    """
    vehicle = passes["vehicle_id"].to_numpy()
    entered = passes["entered_at"].cast(pa.int64()).to_numpy()
    seen = np.zeros(len(vehicle), bool)
    seen[pass_of[pass_of >= 0]] = True
    order = np.lexsort((entered, vehicle))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    both = seen[order[1:]] & seen[order[:-1]] & (vehicle[order[1:]] == vehicle[order[:-1]])
    one, other = (
        pass_of[pc.index_in(links[name], sightings["sighting_id"]).to_numpy()] for name in ("query_id", "gallery_id")
    )
    known = (one >= 0) & (other >= 0)
    right = np.zeros(len(one), bool)
    right[known] = vehicle[one[known]] == vehicle[other[known]]
    joined_ = place[one[right]][place[other[right]] == place[one[right]] + 1]
    found = np.zeros(len(both), bool)
    found[joined_[joined_ < len(both)]] = True
    return {
        "precision": round(float(right.mean()), 6) if len(right) else None,
        "recall": round(float(found[both].mean()), 6) if both.any() else None,
        "n_links": len(right),
        "n_steps": int(both.sum()),
        "n_steps_unseen": int((vehicle[order[1:]] == vehicle[order[:-1]]).sum() - both.sum()),
    }


def _pass_of(truth: Truth, sightings: pa.Table) -> Ints:
    """Return the row of the true passes that each sighting shows, -1 for none."""
    at = pc.index_in(sightings["sighting_id"], pa.chunked_array(truth.sighting)).to_numpy()
    return np.asarray(np.concatenate(truth.shown)[at], np.int64)
