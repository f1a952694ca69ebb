"""List the highway cameras of California's twelve Caltrans districts, each with its own cadence."""

from pipeline.feeds import Camera, Listing
from pipeline.feeds._headings import bearing, looking, named, road
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row, UnfitError
from pipeline.feeds._web import web

BOUNDS = (-124.6, 32.4, -114.0, 42.1)
MEDIA = "https://cwwp2.dot.ca.gov/data/"
STREAMS = "https://wzmedia.dot.ca.gov/"
DISTRICTS = range(1, 13)
MINUTES = range(1, 24 * 60 + 1)
"""What an update frequency may be."""


def parse(content: bytes) -> Listing:
    """Read the cameras of one district's answer, in which every value is a text; FeedError names what is not as it was."""
    return gather("caltrans_cwwp2", records("caltrans_cwwp2", content, "data"), _native_id, _camera, BOUNDS)


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
    lists=tuple(f"{MEDIA}d{district}/cctv/cctvStatusD{district:02}.json" for district in DISTRICTS),
    parse=parse,
    headers={"Accept": "application/json"},
    times="last_modified",
)
