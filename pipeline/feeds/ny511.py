"""List New York State's 511 cameras (v1 of its interface)."""

from pipeline.feeds import Camera, Key, Listing
from pipeline.feeds._headings import road
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import DoubtfulError, Row, UnfitError
from pipeline.feeds._web import web

BOUNDS = (-79.9, 40.4, -71.7, 45.1)
SITE = "https://511ny.org"


def parse(content: bytes) -> Listing:
    """Read the cameras of an answer; FeedError names what is not as it was."""
    return gather("ny511", records("ny511", content, ""), lambda row: row.native("ID"), _camera, BOUNDS)


def _camera(row: Row) -> Camera:
    """Build a camera; its direction is that of travel, so nothing tells where it looks."""
    for flag in ("Disabled", "Blocked"):
        if row.flag(flag):
            raise UnfitError(f"out of service: {flag} is true")
    if row.some("Url") is None:
        raise DoubtfulError("no picture: Url is empty, the camera has video alone")
    return Camera(
        native_id=row.native("ID"),
        name=row.name("Name"),
        lon=row.number("Longitude"),
        lat=row.number("Latitude"),
        road=road(row.some("RoadwayName"), row.some("DirectionOfTravel")),
        image_url=row.address("Url", f"{SITE}/map/Cctv/"),
    )


FEED = web(
    operator="New York State Department of Transportation",
    licence="511NY Developer's Access Agreement",
    attribution="Pictures: 511NY, New York State Department of Transportation",
    terms_url="https://511ny.org/developers/daa",
    commercial=False,
    may_store_frames=False,
    cleared=False,
    min_interval_s=60.0,
    timestamps="none to trust: Last-Modified is made up for each answer",
    timezone="America/New_York",
    metric_crs="EPSG:32618",
    cadence_s=None,
    requests_per_minute=10.0,
    hosts=(SITE,),
    bounds=BOUNDS,
    needs_key=True,
    lists=(f"{SITE}/api/getcameras?format=json",),
    parse=parse,
    headers={"Accept": "application/json"},
    key=Key(env="THOROUGHFARE_511NY_KEY", query="key"),
    times="none",
)
