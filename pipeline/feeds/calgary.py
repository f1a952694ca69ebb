"""List Calgary's traffic cameras: stills of 840 x 630 about every minute."""

from urllib.parse import urlsplit

from pipeline.feeds import Camera, Listing
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import NATIVE_ID, FieldError, Row
from pipeline.feeds._web import web

BOUNDS = (-114.5, 50.8, -113.7, 51.3)
MEDIA = "https://trafficcam.calgary.ca/"


def parse(content: bytes) -> Listing:
    """Read the rows of an answer; FeedError names what is not as it was."""
    return gather("calgary", records("calgary", content, ""), _native_id, _camera, BOUNDS)


def _native_id(row: Row) -> str:
    """Return the name of a camera's picture (`loc142`), the one id that the list has."""
    path = urlsplit(row.name("camera_url.url")).path
    stem = path.rpartition("/")[2].partition(".")[0]
    if not NATIVE_ID.fullmatch(stem):
        raise FieldError(f"{row.path}: field camera_url.url names no picture")
    return stem


def _camera(row: Row) -> Camera:
    """Build a camera; its address is listed as http and asked by https."""
    lon, lat = row.point("point")
    return Camera(
        native_id=_native_id(row),
        name=row.maybe("camera_location") or row.name("camera_url.description"),
        lon=lon,
        lat=lat,
        image_url=row.address("camera_url.url", MEDIA),
    )


FEED = web(
    operator="City of Calgary",
    licence="OGL - Calgary 2.1",
    attribution="Contains information licensed under the Open Government Licence - City of Calgary",
    terms_url="https://data.calgary.ca/stories/s/Open-Calgary-Terms-of-Use/u45n-7awa",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=60.0,
    timestamps="the feed gives none that was verified",
    timezone="America/Edmonton",
    metric_crs="EPSG:3776",
    cadence_s=60.0,
    requests_per_minute=None,
    hosts=("https://data.calgary.ca", "https://trafficcam.calgary.ca"),
    bounds=BOUNDS,
    lists=("https://data.calgary.ca/resource/k7p9-kppz.json?$limit=500",),
    parse=parse,
    headers={"Accept": "application/json"},
    times="none",
)
