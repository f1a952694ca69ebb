"""Measure what one night gives away, and what lies of it that should be gone.

Whatever cannot be measured on a lake is None, with the reason beside it; no figure stands in for another.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from pipeline import countermeasures, looks, proof, release, revisions, upkeep
from pipeline.countermeasures import watched
from pipeline.desk import Desk
from pipeline.errors import WindowNotFoundError
from pipeline.nightly import read
from pipeline.privacy import verdicts
from pipeline.privacy.moments import coarser, inner, moments
from pipeline.privacy.verdicts import Facts
from pipeline.products import SINGLED_OUT, Settings, candidates
from pipeline.stages import stage

SCHEMA = "thoroughfare-privacy/1"
"""Changes when a key of the report is renamed, dropped or means something else."""
PURPOSE = "nightly privacy report: how many journeys a few moments single out"
POINTS, BINS_S = (2, 4), {"5 min": 300, "15 min": 900, "60 min": 3600}
COARSER = {
    "without ends, 15 min, cells of 4 cameras": (900, 4),
    "without ends, 60 min, cells of 16 cameras": (3600, 16),
}
"""Ways to make moments coarser: seconds, cameras of a cell."""
TRUTH = "only the demo city's vehicles are known; of real ones nobody knows the truth, nor should"
EXPIRED = "links and trajectories have expired, so what was withheld cannot be worked out again"
NO_CANARIES = "no plates or faces were sent through the line; `--canaries` does it, with pictures of the demo city"
NO_NOISE = "nothing was published with differential privacy"


@dataclass(frozen=True)
class Attacks:
    """How well vehicles are found again on another night, by attacker."""

    auc: dict[str, float]
    rank1: dict[str, float]
    d_sys: dict[str, float | None]
    """None of fewer pairs than it needs."""


def measure(desk: Desk, also: Iterable[Path] = (), canaries: Facts | None = None) -> Facts:
    """Measure what a night gives away, and what lies of it that should be gone.

    Args:
        desk: Lake, scan, night. The look at its trajectories is logged.
        also: Folders and files outside the lake that are searched for pixels and vectors too.
        canaries: What became of plates and faces sent through the line (`chain.survey`), where they were.

    Returns:
        `k_violations`, `recoverable_cells`, `jpeg_found`, `sentinel_vectors_found`, `plates_read`, `faces_found`,
        `unicity`, `linkage_auc`, `epsilon` and more; `verdict` (`publish` or `hold`) with `reasons`, and in `unmeasured`
        why a figure is None.

    Raises:
        WindowNotFoundError: the night was never begun, or has no products.
    """
    products = upkeep.products(desk.lake, desk.scan_date)
    audited, searched = _audited(desk, products), proof.search(desk.lake, desk.now, also)
    attacks, single = _attacks(desk), _unicity(desk)
    found: Facts = {
        "schema": SCHEMA,
        "scan": desk.scan.name,
        "scan_date": str(desk.scan_date),
        "measured_at": desk.now.isoformat(),
        "exempt": desk.scan.exempt,
        "k": desk.scan.k,
        "least": audited["least"],
        "k_violations": audited["k_violations"],
        "recoverable_cells": audited["recoverable_cells"],
        "revision_differences": _differences(desk, products),
        "withheld": audited.get("withheld"),
        "trips_kept": audited.get("trips_kept"),
        "count_mape": audited.get("mape"),
        "count_mape_withheld_as_lost": audited.get("mape_withheld"),
        "cells_of_50": audited.get("large_cells"),
        "jpeg_found": searched.count("picture"),
        "sentinel_vectors_found": searched.count("vector"),
        "files_searched": searched.files,
        "bytes_searched": searched.size_bytes,
        "finds": [asdict(find) for find in searched.finds],
        "overdue": [place.folder for place in upkeep.overdue(desk.lake, desk.now)],
        "columns_of_single_vehicles": sum(name in SINGLED_OUT for rows in products.values() for name in rows.column_names),
        "unicity": single,
        "linkage_auc": attacks.auc if attacks else None,
        "linkage_rank1": attacks.rank1 if attacks else None,
        "linkage_d_sys": attacks.d_sys if attacks else None,
        "looks": looks.head(desk.lake).number,
        "looks_head": str(looks.head(desk.lake)),
        "looks_changed": list(looks.faults(desk.lake)),
        "plates_read": canaries["plates_read"] if canaries else None,
        "faces_found": canaries["faces_found"] if canaries else None,
        "canaries": canaries,
        "epsilon": None,
    }  # fmt: skip
    reasons = verdicts.why_not(found)
    judged = {"verdict": "hold" if reasons else "publish", "reasons": reasons, "cautions": verdicts.cautions(found)}
    return found | {"unmeasured": _unmeasured(found)} | judged


def _audited(desk: Desk, products: dict[str, pa.Table]) -> Facts:
    """Hold the products against every row there was; against k alone where those have expired."""
    tables, line = read(desk.lake, desk.scan_date), stage("products")
    if any(name not in tables for name in line.reads):
        small = sum(support < desk.scan.k for rows in products.values() for support in rows["support"].to_pylist())
        return {"least": desk.scan.k, "k_violations": small, "recoverable_cells": None}
    settings = desk.scan.settings("products", Settings)
    made = candidates(**{name: tables[name] for name in line.reads}, settings=settings)
    return release.audit(made, products, settings).to_dict()


def _differences(desk: Desk, products: dict[str, pa.Table]) -> int:
    """Count what the night's last two publications tell together of fewer than k vehicles; 0 where it was published once."""
    before = revisions.published_before(desk.lake, desk.scan_date)
    return release.differences(before, products, desk.scan.settings("products", Settings)).told


def _unicity(desk: Desk) -> Facts | None:
    """Tell the share of the lake's own trajectories that some of their moments single out; None where they have expired."""
    try:
        looks.look(desk.lake, desk.scan, "trajectories", PURPOSE, desk.now)
        tables = (upkeep.night(desk.lake, desk.scan_date, name) for name in ("trajectories", "sightings", "cameras"))
        trajectories, sightings, cameras = tables
    except WindowNotFoundError:
        return None
    whole = moments(trajectories, sightings)
    told: Facts = {f"as they lie, {words}": _singled(whole, bin_s) for words, bin_s in BINS_S.items()}
    for words, (bin_s, most) in COARSER.items():
        told[words] = _singled(coarser(inner(whole), cameras, most), bin_s)
    return told | {"published": None}


def _singled(single: pa.Table, bin_s: int) -> Facts:
    """Return the share that is singled out by so many points, of the journeys that have as many."""
    told: Facts = {}
    for points in POINTS:
        journeys = countermeasures.enough(single, points, bin_s)
        share = countermeasures.unicity(single, points, bin_s) if journeys else None
        told |= {f"{points} points": share, f"journeys with {points}": journeys}
    return told


def _attacks(desk: Desk) -> Attacks | None:
    """Attack vectors drawn for the demo city's known vehicles on two nights; None for any other."""
    if desk.scan.feed != watched.FEED:
        return None
    try:
        tried = countermeasures.between_nights(countermeasures.watch(desk.lake, desk.scan, desk.scan_date))
    except WindowNotFoundError:
        return None
    told = {name: {each.words: getattr(each, name) for each in tried} for name in ("auc", "rank1", "d_sys")}
    known = {words: None if math.isnan(share) else share for words, share in told["d_sys"].items()}
    return Attacks(told["auc"], told["rank1"], known)


def _unmeasured(found: Facts) -> dict[str, str]:
    """Say why a figure is missing."""
    reasons = {
        "recoverable_cells": EXPIRED,
        "unicity": EXPIRED,
        "linkage_auc": TRUTH,
        "plates_read": NO_CANARIES,
        "faces_found": NO_CANARIES,
        "epsilon": NO_NOISE,
    }
    left = {name: why for name, why in reasons.items() if found[name] is None}
    return left | ({"unicity.published": "no published row names a vehicle or a journey"} if found["unicity"] else {})
