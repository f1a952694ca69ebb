"""List the highway cameras of California's twelve Caltrans districts, each with its own cadence."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from pipeline.feeds import Camera, Gone, Listing, Picture
from pipeline.feeds._asking import Once, Source, listed, past_pictures
from pipeline.feeds._headings import bearing, looking, named, road
from pipeline.feeds._lists import gather, readings, records
from pipeline.feeds._past import match, read, split
from pipeline.feeds._rows import Row, UnfitError
from pipeline.feeds._web import told, web
from pipeline.scans import Scan

BOUNDS = (-124.6, 32.4, -114.0, 42.1)
MEDIA = "https://cwwp2.dot.ca.gov/data/"
STREAMS = "https://wzmedia.dot.ca.gov/"
DISTRICTS = range(1, 13)
MINUTES = range(1, 24 * 60 + 1)
"""What an update frequency may be."""
REFERENCES = ("referenceImage1UpdateAgoURL", *(f"referenceImage{number}UpdatesAgoURL" for number in range(2, 13)))
"""Fields of the pictures of the past, the newest first. The first is spelt otherwise."""
REFERENCE_S = 900.0


@dataclass(frozen=True)
class References:
    """Where the pictures of a camera's past are."""

    urls: tuple[str, ...]
    """The newest first; empty texts where the list names none."""
    step_s: float
    """Seconds between two of them."""

    def between(self, first_s: float, last_s: float) -> list[str]:
        """Return the addresses of those that may have been taken so many seconds ago, from `first_s` down to `last_s`."""
        ages_s = [(number * self.step_s, url) for number, url in enumerate(self.urls, 1) if url]
        return [url for age_s, url in ages_s if age_s + self.step_s >= last_s and age_s - self.step_s <= first_s]


def parse(content: bytes) -> Listing:
    """Read the cameras of one district's answer, in which every value is a text; FeedError names what is not as it was."""
    return gather("caltrans_cwwp2", records("caltrans_cwwp2", content, "data"), _native_id, _camera, BOUNDS)


def references(content: bytes) -> dict[str, References]:
    """Tell where each camera's pictures of the past are; FeedError names what is not as it was."""
    return dict(readings("caltrans_cwwp2", records("caltrans_cwwp2", content, "data"), _references))


def past(source: Source, scan: Scan, gone: Sequence[Gone], patience_s: float) -> list[Picture]:
    """Ask the districts' lists where the pictures of the past are, then for those that may answer; each tells its own time."""
    now = datetime.now(UTC)
    first_s, last_s = (
        (now - at).total_seconds() for at in (min(each.since for each in gone), max(each.slot for each in gone))
    )
    until = time.monotonic() + patience_s
    ask = partial(_district_references, source, scan, until, gone[-1].slot)
    lists, faults = split({_district(each.camera) for each in gone}, ask)
    known = {name: each for district in lists.values() for name, each in district.items()}
    cameras = sorted({each.camera.native_id for each in gone} & set(known))
    asked = [(name, url) for name in cameras for url in known[name].between(first_s, last_s)]
    answers = past_pictures(source, scan, [url for _, url in asked], until)
    came: dict[str, list[Picture]] = {name: [] for name in cameras}
    for (name, _), answer in zip(asked, answers, strict=True):
        came[name].append(told(source, answer))
    return [
        faults.get(_district(each.camera)) or picture for each, picture in zip(gone, match(gone, came), strict=True)
    ]


_lists: Once[dict[str, References] | Picture] = Once(2 * len(DISTRICTS))


def _district(camera: Camera) -> str:
    """Return the number of a camera's district."""
    return camera.native_id.partition("-")[0]


def _district_references(
    source: Source, scan: Scan, until: float, newest: datetime, district: str
) -> dict[str, References] | Picture:
    """Ask for a district's list, once for all cameras whose newest slot is the same."""
    url = _list_of(district)
    return _lists((scan.source, url, newest), lambda: read(lambda: references(listed(source, scan, url, until))))


def _list_of(district: int | str) -> str:
    """Return the address of a district's list."""
    return f"{MEDIA}d{district}/cctv/cctvStatusD{district:>02}.json"


def _references(row: Row) -> tuple[str, References]:
    """Return a camera and where the pictures of its past are."""
    fields = [f"cctv.imageData.static.{name}" for name in REFERENCES]
    minutes = row.numeral("cctv.imageData.static.referenceImageUpdateFrequency")
    step_s = minutes * 60.0 if minutes in MINUTES else REFERENCE_S
    return _native_id(row), References(
        tuple(row.address(each, MEDIA) if row.text(each) else "" for each in fields), step_s
    )


def _native_id(row: Row) -> str:
    """Return district and index: an index alone stands in every district."""
    return f"{row.native('cctv.location.district')}-{row.native('cctv.index')}"


def _camera(row: Row) -> Camera:
    """Build a camera. Only its image description tells where it looks: `direction` is that of travel on its road."""
    if (state := row.word("cctv.inService", "true", "false", "Not Reported")) != "true":
        raise UnfitError(f"out of service: inService is {state}")
    view = row.some("cctv.imageData.imageDescription")
    return Camera(
        native_id=_native_id(row),
        name=row.name("cctv.location.locationName"),
        lon=row.numeral("cctv.location.longitude"),
        lat=row.numeral("cctv.location.latitude"),
        **bearing(imageDescription=looking(view) or named(view)),
        road=road(row.some("cctv.location.route"), row.some("cctv.location.direction")),
        cadence_s=_cadence_s(row),
        image_url=row.address("cctv.imageData.static.currentImageURL", MEDIA),
        stream_url=row.link("cctv.imageData.streamingVideoURL", STREAMS),
    )


def _cadence_s(row: Row) -> float | None:
    """Return seconds between two pictures, None where the feed gives no number of minutes."""
    minutes = row.numeral("cctv.imageData.static.currentImageUpdateFrequency")
    return minutes * 60.0 if minutes in MINUTES else None


FEED = web(
    operator="California Department of Transportation (Caltrans)",
    licence="public domain unless indicated otherwise",
    attribution="Caltrans, Commercial Wholesale Web Portal (CWWP2)",
    terms_url="https://dot.ca.gov/conditions-of-use",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=60.0,
    timestamps="Last-Modified is when the still was stored; an out-of-service camera serves a fresh card, so it is not health; recordTimestamp is an inventory date",
    timezone="America/Los_Angeles",
    metric_crs="EPSG:3310",
    cadence_s=None,
    requests_per_minute=None,
    hosts=("https://cwwp2.dot.ca.gov",),
    bounds=BOUNDS,
    lists=tuple(_list_of(district) for district in DISTRICTS),
    parse=parse,
    headers={"Accept": "application/json"},
    times="last_modified",
    past=past,
    history_s=12 * REFERENCE_S,
    history_step_s=REFERENCE_S,
)
