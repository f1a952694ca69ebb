"""List New York City's traffic cameras: small stills about every two seconds. Not cleared: the city keeps them live-only."""

from datetime import datetime

from pipeline.feeds import Camera, Listing
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row, UnfitError
from pipeline.feeds._web import web

BOUNDS = (-74.3, 40.4, -73.6, 41.0)
SITE = "https://webcams.nyctmc.org"


def parse(content: bytes) -> Listing:
    """Read the cameras of an answer, bare or wrapped; FeedError names what is not as it was."""
    rows = records("nyc_dot", content, "cameras", "data", "results", "")
    return gather("nyc_dot", rows, lambda row: row.native("id"), _camera, BOUNDS)


def image(camera: Camera, slot: datetime) -> str:
    """Return an address that no cache has seen: without a changing query they serve an old picture."""
    return f"{camera.image_url}?t={slot.timestamp():.0f}"


def _camera(row: Row) -> Camera:
    """Build a camera; `isOnline` is a text."""
    if row.word("isOnline", "true", "false") == "false":
        raise UnfitError("out of service: isOnline is false")
    return Camera(
        native_id=row.native("id"),
        name=row.name("name"),
        lon=row.number("longitude"),
        lat=row.number("latitude"),
        image_url=row.address("imageUrl", f"{SITE}/api/cameras/"),
    )


FEED = web(
    operator="New York City Department of Transportation",
    licence="none published",
    attribution="Pictures: New York City Department of Transportation",
    terms_url="https://webcams.nyctmc.org/",
    commercial=False,
    may_store_frames=False,
    cleared=False,
    min_interval_s=2.0,
    timestamps="the feed gives none: a picture's time is that of its fetch",
    timezone="America/New_York",
    metric_crs="EPSG:32618",
    cadence_s=2.0,
    requests_per_minute=None,
    hosts=(SITE,),
    bounds=BOUNDS,
    lists=(f"{SITE}/api/cameras",),
    parse=parse,
    headers={"Accept": "application/json"},
    times="none",
    image=image,
)
