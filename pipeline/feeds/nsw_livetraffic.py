"""List the Live Traffic cameras of New South Wales, which say in words where they look."""

from pipeline.feeds import Camera, Key, Listing
from pipeline.feeds._headings import bearing, looking, named
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row
from pipeline.feeds._web import web

BOUNDS = (140.9, -37.6, 153.7, -28.1)
MEDIA = "https://webcams.transport.nsw.gov.au/"


def parse(content: bytes) -> Listing:
    """Read the features of an answer, wrapped or bare; FeedError names what is not as it was."""
    rows = records("nsw_livetraffic", content, "features", "")
    return gather("nsw_livetraffic", rows, lambda row: row.native("id"), _camera, BOUNDS)


def _camera(row: Row) -> Camera:
    """Build a camera; its bearing is what `direction` and the sentence in `view` agree on."""
    lon, lat = row.point("geometry")
    return Camera(
        native_id=row.native("id"),
        name=row.name("properties.title"),
        lon=lon,
        lat=lat,
        **bearing(direction=named(row.some("properties.direction")), view=looking(row.some("properties.view"))),
        image_url=row.address("properties.href", MEDIA),
    )


FEED = web(
    operator="Transport for NSW",
    licence="CC-BY-4.0 by the key's terms",
    attribution="Live Traffic NSW, Transport for NSW, CC BY",
    terms_url="https://opendata.transport.nsw.gov.au/dataset/live-traffic-cameras",
    commercial=True,
    may_store_frames=False,
    cleared=False,
    min_interval_s=60.0,
    timestamps="the feed gives none; its error page comes as HTTP 200 with a Last-Modified of 2023",
    timezone="Australia/Sydney",
    metric_crs="EPSG:8058",
    cadence_s=60.0,
    requests_per_minute=None,
    hosts=("https://api.transport.nsw.gov.au", "https://webcams.transport.nsw.gov.au"),
    bounds=BOUNDS,
    needs_key=True,
    lists=("https://api.transport.nsw.gov.au/v1/live/cameras",),
    parse=parse,
    headers={"Accept": "application/json"},
    key=Key(env="THOROUGHFARE_NSW_KEY", header="Authorization", value="apikey {key}"),
    times="none",
)
