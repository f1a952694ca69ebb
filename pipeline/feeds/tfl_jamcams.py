"""List TfL's JamCams: London's traffic cameras, a new still about every five minutes."""

from pipeline.feeds import Camera, Listing
from pipeline.feeds._headings import bearing, leading
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row, UnfitError
from pipeline.feeds._web import web

BOUNDS = (-0.6, 51.2, 0.4, 51.8)
LISTS = ("https://api.tfl.gov.uk/Place/Type/JamCam",)
MEDIA = "https://s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk/"


def parse(content: bytes) -> Listing:
    """Read the places of an answer; FeedError names what is not as it was."""
    places = records("tfl_jamcams", content, "")
    return gather("tfl_jamcams", places, lambda place: place.native("id"), camera, BOUNDS, keyed)


def keyed(place: Row) -> list[Row]:
    """Put a place's list of additional properties under their keys."""
    listed = {each.text("key"): each.values.get("value") for each in place.rows("additionalProperties")}
    return [Row(place.values | {"additionalProperties": listed}, place.path)]


def camera(place: Row) -> Camera:
    """Build the camera of a place; its `view` says where it looks, or what at."""
    if place.word("additionalProperties.available", "true", "false") == "false":
        raise UnfitError("out of service: available is false")
    return Camera(
        native_id=place.native("id"),
        name=place.name("commonName"),
        lon=place.number("lon"),
        lat=place.number("lat"),
        **bearing(view=leading(place.maybe("additionalProperties.view"))),
        image_url=place.address("additionalProperties.imageUrl", MEDIA),
        stream_url=place.link("additionalProperties.videoUrl", MEDIA),
    )


FEED = web(
    operator="Transport for London",
    licence="OGL-UK-2.0",
    attribution="Powered by TfL Open Data. Contains OS data © Crown copyright and database rights 2016 and Geomni UK Map data © and database rights 2019",
    terms_url="https://tfl.gov.uk/corporate/terms-and-conditions/transport-data-service",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=240.0,
    timestamps="Last-Modified is when the still was stored, seconds after it was taken; `modified` of the list is not a time of pictures",
    timezone="Europe/London",
    metric_crs="EPSG:27700",
    cadence_s=300.0,
    requests_per_minute=None,
    hosts=("https://api.tfl.gov.uk", "https://s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk/"),
    bounds=BOUNDS,
    lists=LISTS,
    parse=parse,
    headers={"Accept": "application/json"},
    times="last_modified",
)
