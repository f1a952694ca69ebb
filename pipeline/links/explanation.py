"""Explain the links of one sighting, or why it has none: its gap, what spoke for it, its runner-up, what stood in the way."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SettingsError
from pipeline.links.settings import Settings
from pipeline.query import query

SUPPORTING = ("link", "trajectory")
"""Verdicts that let a pair be linked."""
EIGHT_IN_TEN = 1.2816
"""Standard deviations either side of the middle that eight in ten stay within."""
MIN_CROP_PX = 20.0
"""Longer side below which no vehicle gets an embedding, unless the scan says otherwise, pixels."""
TELLING = 0.1
"""Nats below which a likelihood ratio says nothing."""


@dataclass(frozen=True)
class Time:
    """How long a way usually takes."""

    median_s: float
    early_s: float
    late_s: float
    """Eight in ten take between `early_s` and `late_s`."""
    support: int
    """Pairs of sightings it was learned from; 0 where it follows from the road alone."""


@dataclass(frozen=True)
class Linked:
    """The link of a sighting on one side, and what spoke for it."""

    other_id: str
    probability: float
    runner_up: float
    margin: float
    """Probability less that of the runner-up."""
    gap_s: float
    usual: Time | None
    prior_nats: float
    travel_nats: float
    appearance_nats: float | None
    kind_nats: float


@dataclass(frozen=True)
class Side:
    """What became of one sighting onward or back."""

    side: str
    """`onward` or `back`."""
    link: Linked | None
    reasons: tuple[str, ...]
    """Why there is no link; empty where there is one."""


@dataclass(frozen=True)
class Explanation:
    """One sighting of a night and its two sides."""

    sighting_id: str
    camera_id: str
    heading: str
    label: str
    entered_at: str
    left_at: str
    threshold: float
    """Least probability of a link of two portraits; see `Settings` for sightings without one."""
    sides: tuple[Side, Side]

    def lines(self) -> list[str]:
        """Say it all in words."""
        out = [f"{self.sighting_id}  {self.camera_id} {self.heading} {self.label}  {self.entered_at} to {self.left_at}"]
        for side in self.sides:
            if side.link:
                out.append(f"{side.side}: linked with {side.link.other_id}, probability {side.link.probability:.2f}")
                out += [f"  {name:<11}{words}" for name, words in _spoken(side.link)]
            else:
                out.append(f"{side.side}: no link")
                out += [f"  {reason}" for reason in side.reasons]
        return out


def explain(
    sighting_id: str,
    sightings: pa.Table,
    detections: pa.Table,
    transitions: pa.Table,
    observability: pa.Table,
    links: pa.Table,
    settings: Settings,
    min_crop_px: float = MIN_CROP_PX,
) -> Explanation:
    """Explain the links of one sighting of a night, or why it has none.

    Embeddings are gone by then: of a pair that was not linked, place, time and rivals can be told, its looks no more.

    Args:
        sighting_id: One of `sightings`.
        sightings: `tables.SIGHTINGS` of the night.
        detections: `tables.DETECTIONS` of the night, or none of them; sizes of the boxes.
        transitions: `tables.TRANSITIONS` of the night.
        observability: `tables.OBSERVABILITY` of the night.
        links: `tables.LINKS` of the night.
        settings: How sure a link had to be.
        min_crop_px: Longer side below which no vehicle got an embedding, pixels.

    Raises:
        SettingsError: the night has no such sighting.
    """
    found = sightings.filter(pc.equal(sightings["sighting_id"], sighting_id)).to_pylist()
    if not found:
        raise SettingsError(
            f"no sighting {sighting_id!r} in that night; `thoroughfare sql` lists them: `FROM sightings`"
        )
    tables = {"sightings": sightings, "transitions": transitions, "observability": observability, "links": links}
    rows = query("links/why", {"sighting_id": sighting_id}, **tables).to_pylist()
    seen = _has_portrait(found[0], detections, min_crop_px)
    sides = [_side(side, found[0], rows, links, settings, seen=seen) for side in ("onward", "back")]
    told = {name: found[0][name] for name in ("sighting_id", "camera_id", "heading", "label")}
    times = {name: f"{found[0][name]:%H:%M:%S} UTC" for name in ("entered_at", "left_at")}
    return Explanation(**told, **times, threshold=settings.min_probability, sides=(sides[0], sides[1]))


def _has_portrait(sighting: dict[str, Any], detections: pa.Table, min_crop_px: float) -> bool | None:
    """Tell whether any box was large enough for an embedding; None where the boxes have expired."""
    boxes = detections.filter(pc.is_in(detections["detection_id"], pa.array(sighting["detection_ids"], pa.string())))
    if not boxes.num_rows:
        return None
    x1, y1, x2, y2 = (boxes[name].to_numpy() for name in ("x1_px", "y1_px", "x2_px", "y2_px"))
    return bool(np.maximum(x2 - x1, y2 - y1).max() >= min_crop_px)


def _side(
    side: str,
    sighting: dict[str, Any],
    rows: list[dict[str, Any]],
    links: pa.Table,
    settings: Settings,
    *,
    seen: bool | None,
) -> Side:
    """Explain one side."""
    mine, other = ("query_id", "gallery_id") if side == "onward" else ("gallery_id", "query_id")
    here = [row for row in rows if row["side"] == side]
    made = links.filter(pc.equal(links[mine], sighting["sighting_id"])).to_pylist()
    if not made:
        return Side(side, None, tuple(_reasons(side, sighting, here, settings, seen=seen)))
    best = max(made, key=lambda row: (row["probability"], row[other]))
    way = [row for row in here if row["other_id"] == best[other]]
    evidence = {name: best[name] for name in ("prior_nats", "travel_nats", "appearance_nats", "kind_nats")}
    sure = {name: round(best[name], 4) for name in ("probability", "runner_up")}
    margin = round(best["probability"] - best["runner_up"], 4)
    gap_s = round(best["travel_s"], 1)
    link = Linked(best[other], **sure, margin=margin, gap_s=gap_s, usual=_usual(way[0]) if way else None, **evidence)
    return Side(side, link, ())


def _usual(way: dict[str, Any]) -> Time:
    """Return how long a way usually takes."""
    late = np.exp(way["travel_mu"] + EIGHT_IN_TEN * way["travel_sigma"] * np.array([0.0, -1.0, 1.0]))
    median_s, early_s, late_s = (round(float(each), 1) for each in way["floor_s"] + late)
    return Time(median_s, early_s, late_s, way["support"] if way["source"] == "learned" else 0)


def _reasons(
    side: str, sighting: dict[str, Any], rows: list[dict[str, Any]], settings: Settings, *, seen: bool | None
) -> list[str]:
    """Say why there is no link: first what holds for all, then way by way."""
    if sighting["motion"] in ("parked", "lone"):
        return [f"it is {sighting['motion']}: only what is seen to move is linked"]
    if not rows:
        word = "from" if side == "onward" else "to"
        return [
            f"no way: no other camera is known to be reached {word} {sighting['camera_id']} heading {sighting['heading']}"
        ]
    told = []
    if seen is False:
        told.append(
            f"no portrait: every box is too small, so place and time alone must reach {settings.min_probability_unseen}"
        )
    ways: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        ways.setdefault((row["from_camera"], row["to_camera"]), []).append(row)
    return told + [f"{a} to {b}: {_way(met, settings)}" for (a, b), met in ways.items()]


def _way(met: list[dict[str, Any]], settings: Settings) -> str:
    """Say why nobody on one way was linked."""
    for row in met:
        for which in ("departure", "arrival"):
            if row[f"{which}_verdict"] not in SUPPORTING:
                reason = row[f"{which}_reason"] or "the pair was not weighed"
                return f"verdict {row[f'{which}_verdict'] or 'none'}, links refused: {reason}"
    first = met[0]
    gate = f"{first['floor_s']:.0f} to {first['ceiling_s']:.0f} s"
    there = [row for row in met if row["other_id"]]
    if not there:
        return f"nobody there {gate} away"
    rivals = [row["taken"] for row in there if row["taken"] is not None]
    free = sorted((_off(row), row["other_id"], row["gap_s"]) for row in there if row["taken"] is None)
    words = [f"{len(there)} there {gate} away"]
    if rivals:
        words.append(f"{len(rivals)} linked with a rival (probability {_span(rivals)})")
    if free:
        usual = _usual(first)
        words.append(
            f"{len(free)} free but below the threshold of {settings.min_probability}; nearest the usual {usual.median_s} s: "
            f"{free[0][1]} after {free[0][2]:.1f} s"
        )
    return ", ".join(words)


def _span(chances: list[float]) -> str:
    """Write the least and the greatest of some chances."""
    least, most = f"{min(chances):.2f}", f"{max(chances):.2f}"
    return least if least == most else f"{least} to {most}"


def _off(row: dict[str, Any]) -> float:
    """Return how far a gap is from the usual one, standard deviations of its logarithm."""
    late = max(row["gap_s"] - row["floor_s"], 0.25)
    return float(abs(np.log(late) - row["travel_mu"]) / row["travel_sigma"])


def _spoken(link: Linked) -> list[tuple[str, str]]:
    """Say what spoke for a link, a line each."""
    usual = link.usual
    since = f"learned from {usual.support} pairs" if usual and usual.support else "guessed from the road"
    known = f"; usual {usual.median_s} s, eight in ten {usual.early_s} to {usual.late_s} s, {since}" if usual else ""
    unseen = "nothing to compare: one of the two has no portrait"
    looks = unseen if link.appearance_nats is None else _times(link.appearance_nats)
    odds = f"{np.exp(link.prior_nats):.2g} to 1 before time and looks (ln {link.prior_nats:+.2f})"
    return [
        ("gap", f"{link.gap_s} s{known}"),
        ("place", odds),
        ("time", _times(link.travel_nats)),
        ("looks", looks),
        ("kind", _times(link.kind_nats)),
        ("runner-up", f"{link.runner_up:.2f}, margin {link.margin:.2f}"),
    ]


def _times(nats: float) -> str:
    """Say a likelihood ratio in words."""
    if abs(nats) < TELLING:
        return f"says nothing (ln {nats:+.2f})"
    whom = "the same vehicle" if nats > 0 else "another"
    return f"{np.exp(abs(nats)):.3g} times likelier {whom} (ln {nats:+.2f})"
