"""List Singapore's expressway cameras: each capture has an address of its own, about every minute."""

from pipeline.feeds import Camera, Listing
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import FieldError, Row
from pipeline.feeds._web import web

BOUNDS = (103.55, 1.13, 104.15, 1.5)
MEDIA = "https://images.data.gov.sg/"


def parse(content: bytes) -> Listing:
    """Read the cameras of an answer's batches, newest batch first; FeedError names what is not as it was.

    A camera of an older batch counts where no newer batch has it: an answer may hold one batch of many.
    """
    batches = records("lta_sg", content, "items")
    newest = sorted(batches, key=_taken_at, reverse=True)
    seen: set[object] = set()

    def views(batch: Row) -> list[Row]:
        fresh = [each for each in batch.rows("cameras") if _id_of(each) not in seen]
        seen.update(_id_of(each) for each in fresh)
        return fresh

    return gather("lta_sg", newest, lambda row: row.native("camera_id"), _camera, BOUNDS, views)


def _taken_at(batch: Row) -> str:
    """Return a batch's time, an ISO 8601 text of one zone; an unreadable one is told by its row."""
    try:
        return batch.text("timestamp")
    except FieldError:
        return ""


def _id_of(row: Row) -> object:
    """Return what stands where the id should, itself where that is no text."""
    value = row.values.get("camera_id") if isinstance(row.values, dict) else None
    return value if isinstance(value, str) else id(row)


def _camera(row: Row) -> Camera:
    """Build a camera; the feed gives it neither name nor bearing."""
    row.name("timestamp")
    return Camera(
        native_id=row.native("camera_id"),
        name=row.native("camera_id"),
        lon=row.number("location.longitude"),
        lat=row.number("location.latitude"),
        image_url=row.address("image", MEDIA),
    )


FEED = web(
    operator="Land Transport Authority of Singapore, by data.gov.sg",
    licence="Singapore Open Data Licence 1.0",
    attribution="Contains information from the Land Transport Authority's Traffic Images, accessed from data.gov.sg and made available under the terms of the Singapore Open Data Licence version 1.0",
    terms_url="https://data.gov.sg/open-data-licence",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=60.0,
    timestamps="the list gives each capture's time; an address is of one capture alone",
    timezone="Asia/Singapore",
    metric_crs="EPSG:3414",
    cadence_s=60.0,
    requests_per_minute=None,
    hosts=("https://api.data.gov.sg", "https://images.data.gov.sg"),
    bounds=BOUNDS,
    lists=("https://api.data.gov.sg/v1/transport/traffic-images",),
    parse=parse,
    headers={"Accept": "application/json"},
    times="none",
)
