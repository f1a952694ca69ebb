"""List Toronto's traffic cameras, which turn: the list shows what north, east, south and west look like, not where they look."""

from pipeline.feeds import Camera, Listing
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row
from pipeline.feeds._web import web

BOUNDS = (-79.7, 43.5, -79.0, 43.9)
CATALOGUE = "https://ckan0.cf.opendata.inter.prod-toronto.ca"
MEDIA = "https://opendata.toronto.ca/"
LIST = "/dataset/a3309088-5fd4-4d34-8297-77c8301840ac/resource/4a568300-c7f8-496d-b150-dff6f5dc6d4f/download/traffic-camera-list-4326.geojson"


def parse(content: bytes) -> Listing:
    """Read the features of an answer, each a MultiPoint of one point; FeedError names what is not as it was."""
    return gather("toronto", records("toronto", content, "features"), _native_id, _camera, BOUNDS)


def _native_id(row: Row) -> str:
    """Return the city's number of a camera, which its picture is named by."""
    return str(row.whole("properties.REC_ID"))


def _camera(row: Row) -> Camera:
    """Build a camera; it turns, so it has no bearing."""
    lon, lat = row.point("geometry")
    main, cross = row.name("properties.MAINROAD"), row.some("properties.CROSSROAD")
    return Camera(
        native_id=_native_id(row),
        name=f"{main} / {cross}" if cross else main,
        lon=lon,
        lat=lat,
        road=main,
        image_url=row.address("properties.IMAGEURL", MEDIA),
    )


FEED = web(
    operator="City of Toronto",
    licence="OGL - Toronto 1.0",
    attribution="Contains information licensed under the Open Government Licence - Toronto",
    terms_url="https://open.toronto.ca/open-data-license/",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=300.0,
    timestamps="Last-Modified is when the still was stored; it may be many hours before",
    timezone="America/Toronto",
    metric_crs="EPSG:32617",
    cadence_s=300.0,
    requests_per_minute=None,
    hosts=(CATALOGUE, "https://opendata.toronto.ca"),
    bounds=BOUNDS,
    lists=(CATALOGUE + LIST,),
    parse=parse,
    headers={"Accept": "application/json"},
    times="last_modified",
    kinds=("png", "jpeg"),
)
