"""Group cameras that are polled alike, and say what each group supports and what its products will be worth."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from statistics import median
from typing import Any

import pyarrow as pa

from pipeline import bursts, feeds, release
from pipeline.plans import products
from pipeline.plans.city import City
from pipeline.plans.corridors import Pair
from pipeline.plans.products import Expectation, Judged, judged
from pipeline.products import Settings
from pipeline.scans import Scan, Window
from pipeline.tables import VERDICTS

SHORT = 12
"""Letters of an id that a person may be shown."""


@dataclass(frozen=True)
class Support:
    """What cameras that are polled alike can honestly support, if every picture comes."""

    cameras: int
    cadence_s: float
    """Seconds between two observations, at their closest."""
    alone: str
    """Verdict of one camera."""
    why: str
    pair: str
    """Verdict of two cameras joined by road."""
    why_pair: str


@dataclass(frozen=True)
class Group:
    """Cameras that are polled alike."""

    words: str
    window: Window
    """What of them is judged: an hour of the night, or one round of bursts."""
    slots: list[datetime]
    cameras: tuple[str, ...]
    """Camera ids."""
    pairs: tuple[Pair, ...]
    """Neighbours among them that are watched at the same times."""
    judged: Judged
    """Two of them at the usual travel time."""
    close: bool
    """Whether they are watched in bursts."""

    @property
    def support(self) -> Support:
        """Return what they support."""
        closest_s = (
            min((after - before).total_seconds() for before, after in pairwise(self.slots)) if self.slots[1:] else 0.0
        )
        seen = self.judged
        return Support(len(self.cameras), closest_s, seen.verdict, seen.why, seen.pair_verdict, seen.why_pair)


def grouped(scan: Scan, scan_date: date, listed: pa.Table, city: City) -> list[Group]:
    """Group the cameras of a night by how they are polled: in bursts, or at one cadence."""
    known, rows = bursts.read(scan), listed.to_pylist()
    close = [row for row in rows if row["native_id"] in known.of]
    found = []
    if close:
        round_ = products.cycle(scan, close[0]["native_id"])
        pairs = _joined(city, known, {row["native_id"]: row["camera_id"] for row in close})
        found.append(_group(scan, f"{len(close)} cameras in bursts", *round_, close, pairs))
    by_cadence: dict[float, list[dict[str, Any]]] = {}
    for row in rows:
        if row["native_id"] not in known.of:
            by_cadence.setdefault(round(row["cadence_s"], 3), []).append(row)
    for _, alike in sorted(by_cadence.items()):
        if (first := _first(scan, scan_date, alike)) is not None:
            words = f"{len(alike)} cameras swept" if close else f"{len(alike)} cameras"
            found.append(_group(scan, words, *first, alike, _neighbours(city, alike)))
    return found


def expected(scan: Scan, group: Group, city: City) -> Iterator[Expectation]:
    """Yield what each product of a group will be worth."""
    vehicles = median(city.traffic.at(name) for name in group.cameras)
    yield products.counts(
        group.words, group.judged, vehicles, city.traffic.basis, city.p_close if group.close else None
    )
    yield products.flow(group.words, group.judged, vehicles, city.traffic.basis)
    if VERDICTS.index(group.judged.pair_verdict) < VERDICTS.index("link") or not group.pairs:
        why = group.judged.why_pair if group.pairs else "no two of them are neighbours along a road"
        yield Expectation("travel_time", group.words, False, f"not supported: {why}", "observability", {})
    else:
        least = release.least(scan.settings("products", Settings))
        known: dict[tuple[float, float], Judged] = {}
        for pair in group.pairs:
            key = round(10 * math.log(pair.travel_s)), round(pair.sigma, 1)
            both = (
                known.setdefault(key, judged(scan, group.window, group.slots, pair)) if key not in known else known[key]
            )
            yield products.travel_time(_words(city, pair), both, pair, city.passing(pair), least, city.traffic.basis)
    yield from products.of_trips(group.words, group.judged)


def _group(
    scan: Scan, words: str, window: Window, slots: list[datetime], rows: list[dict[str, Any]], pairs: Iterable[Pair]
) -> Group:
    """Judge cameras that are polled alike."""
    pairs = tuple(pairs)
    usual = sorted(pairs, key=lambda pair: pair.travel_s)[len(pairs) // 2] if pairs else None
    names = tuple(row["camera_id"] for row in rows)
    close = rows[0]["native_id"] in bursts.read(scan).of
    return Group(words, window, slots, names, pairs, judged(scan, window, slots, usual), close)


def _joined(city: City, known: bursts.Bursts, ids: dict[str, str]) -> list[Pair]:
    """List the neighbours of corridors between which a way is known."""
    beside = [pair for corridor in known.corridors for pair in pairwise(corridor.cameras)]
    ways = [city.pair(ids[one], ids[other]) for one, other in beside if one in ids and other in ids]
    return [way for way in ways if way]


def _neighbours(city: City, rows: list[dict[str, Any]]) -> list[Pair]:
    """List the neighbours along chains among some cameras."""
    names = {row["camera_id"] for row in rows}
    beside = [pair for chain in city.chains for pair in pairwise(chain) if names.issuperset(pair)]
    return [way for one, other in beside if (way := city.pair(one, other))]


def _first(scan: Scan, scan_date: date, rows: list[dict[str, Any]]) -> tuple[Window, list[datetime]] | None:
    """Return the first window in which any of some cameras is polled, and its slots."""
    feed = feeds.load(scan.feed)
    asked = ((window, feed.slots(scan, window, row["native_id"])) for window in scan.windows(scan_date) for row in rows)
    return next(((window, slots) for window, slots in asked if slots), None)


def _words(city: City, pair: Pair) -> str:
    """Name two cameras, by their ids where these are short."""
    ids = [city.native[name] for name in (pair.first, pair.second)]
    return " - ".join(ids if max(map(len, ids)) <= SHORT else [city.names[name] for name in (pair.first, pair.second)])
