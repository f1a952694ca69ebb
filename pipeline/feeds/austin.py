"""List Austin's traffic cameras, of which only those turned on are cameras: every row has an address of a picture."""

from pipeline.feeds import Camera, Listing
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row, UnfitError
from pipeline.feeds._web import web

BOUNDS = (-98.3, 29.9, -97.3, 30.8)
MEDIA = "https://cctv.austinmobility.io/image/"
STATES = ("TURNED_ON", "VOID", "DESIRED", "REMOVED")


def parse(content: bytes) -> Listing:
    """Read the rows of an answer; FeedError names what is not as it was."""
    return gather("austin", records("austin", content, ""), lambda row: row.native("camera_id"), _camera, BOUNDS)


def _camera(row: Row) -> Camera:
    """Build a camera that is turned on; a void one still serves a picture, years old."""
    if (state := row.word("camera_status", *STATES)) != "TURNED_ON":
        raise UnfitError(f"out of service: camera_status is {state}")
    lon, lat = row.point("location")
    return Camera(
        native_id=row.native("camera_id"),
        name=row.name("location_name"),
        lon=lon,
        lat=lat,
        road=row.maybe("primary_st"),
        image_url=row.address("screenshot_address", MEDIA),
    )


FEED = web(
    operator="City of Austin Transportation and Public Works",
    licence="public domain",
    attribution="City of Austin, Texas, Traffic Cameras (b4k4-adkb)",
    terms_url="https://data.austintexas.gov/Transportation-and-Mobility/Traffic-Cameras/b4k4-adkb",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=300.0,
    timestamps="the feed gives none that was verified; Expires is five minutes after the answer",
    timezone="America/Chicago",
    metric_crs="EPSG:32614",
    cadence_s=300.0,
    requests_per_minute=None,
    hosts=("https://data.austintexas.gov", "https://cctv.austinmobility.io"),
    bounds=BOUNDS,
    lists=("https://data.austintexas.gov/resource/b4k4-adkb.json?$limit=5000",),
    parse=parse,
    headers={"Accept": "application/json"},
    times="none",
)
