"""List Finland's road weather cameras: every preset of a station is a view of its own, about every ten minutes."""

from urllib.parse import quote

from pipeline.feeds import Camera, Listing
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row, UnfitError
from pipeline.feeds._web import web

BOUNDS = (19.0, 59.3, 31.7, 70.2)
MEDIA = "https://weathercam.digitraffic.fi/"


def parse(content: bytes) -> Listing:
    """Read the presets of an answer's stations; FeedError names what is not as it was."""
    stations = records("digitraffic_fi", content, "features")
    return gather("digitraffic_fi", stations, _native_id, _camera, BOUNDS, lambda row: row.views("properties.presets"))


def _native_id(row: Row) -> str:
    """Return a preset's id, which names its station and its view."""
    return row.native("view.id")


def _camera(row: Row) -> Camera:
    """Build the camera of a preset; the list does not tell where it looks."""
    status = row.name("site.properties.collectionStatus")
    if status != "GATHERING":
        raise UnfitError(f"out of service: collectionStatus is {status}")
    if not row.flag("view.inCollection"):
        raise UnfitError("out of service: inCollection is false")
    lon, lat = row.point("site.geometry")
    return Camera(
        native_id=_native_id(row),
        name=row.name("site.properties.name"),
        lon=lon,
        lat=lat,
        image_url=f"{MEDIA}{quote(_native_id(row))}.jpg",
        site=row.label("site.properties.id"),
        view=_native_id(row).removeprefix(row.label("site.properties.id")),
    )


FEED = web(
    operator="Fintraffic",
    licence="CC-BY-4.0",
    attribution="Source: Fintraffic / digitraffic.fi, license CC 4.0 BY",
    terms_url="https://www.digitraffic.fi/en/terms-of-service/",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=600.0,
    timestamps="Last-Modified is when the still was stored; the measured time stands in /stations/data, which is not asked",
    timezone="Europe/Helsinki",
    metric_crs="EPSG:3067",
    cadence_s=600.0,
    requests_per_minute=None,
    hosts=("https://tie.digitraffic.fi", "https://weathercam.digitraffic.fi"),
    bounds=BOUNDS,
    lists=("https://tie.digitraffic.fi/api/weathercam/v1/stations",),
    parse=parse,
    headers={"Accept": "application/json", "Accept-Encoding": "gzip", "Digitraffic-User": "Thoroughfare"},
    times="last_modified",
)
