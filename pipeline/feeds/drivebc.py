"""List British Columbia's highway cameras, which state their own cadence and where they look."""

from pipeline.feeds import Camera, Listing
from pipeline.feeds._headings import bearing, looking, named
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row, UnfitError, address
from pipeline.feeds._web import web

BOUNDS = (-139.1, 48.2, -114.0, 60.1)
SITE = "https://www.drivebc.ca"


def parse(content: bytes) -> Listing:
    """Read the webcams of an answer; FeedError names what is not as it was."""
    return gather("drivebc", records("drivebc", content, ""), _native_id, _camera, BOUNDS)


def _native_id(row: Row) -> str:
    """Return the feed's number of a camera."""
    return str(row.whole("id"))


def _camera(row: Row) -> Camera:
    """Build a camera; its bearing is what `orientation` and the caption agree on."""
    for flag in ("is_on", "should_appear"):
        if not row.flag(flag):
            raise UnfitError(f"out of service: {flag} is false")
    lon, lat = row.point("location")
    highway = row.some("highway_display")
    return Camera(
        native_id=_native_id(row),
        name=row.name("name"),
        lon=lon,
        lat=lat,
        **bearing(orientation=named(row.some("orientation")), caption=looking(row.some("caption"))),
        road=f"Highway {highway}" if highway else None,
        cadence_s=_cadence_s(row),
        image_url=_address(row),
        site=row.label("group"),
    )


def _cadence_s(row: Row) -> float | None:
    """Return the mean seconds between two pictures, None where the feed has none yet."""
    return seconds if (seconds := row.number("update_period_mean")) > 0 else None


def _address(row: Row) -> str:
    """Return the address of a camera's picture, without the query that tells its age."""
    path, _, _ = row.name("links.imageDisplay").partition("?")
    return address(SITE + path, f"{SITE}/images/", "links.imageDisplay")


FEED = web(
    operator="British Columbia Ministry of Transportation and Transit",
    licence="BC HighwayCam Terms of Use; a Webcam Licence Agreement to republish",
    attribution="Pictures: DriveBC.ca, Province of British Columbia",
    terms_url="https://images.drivebc.ca/bchighwaycam/pub/html/www/terms.html",
    commercial=False,
    may_store_frames=False,
    cleared=False,
    min_interval_s=300.0,
    timestamps="the list's last_update_modified is each camera's newest picture; with the picture itself comes none",
    timezone="America/Vancouver",
    metric_crs="EPSG:3005",
    cadence_s=None,
    requests_per_minute=None,
    hosts=(SITE,),
    bounds=BOUNDS,
    lists=(f"{SITE}/api/webcams/",),
    parse=parse,
    headers={"Accept": "application/json"},
    times="none",
)
