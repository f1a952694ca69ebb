"""List New Zealand's state highway cameras; an answer's ids are nested, and its addresses are relative."""

from pipeline.feeds import Camera, Listing
from pipeline.feeds._headings import bearing, leading, road
from pipeline.feeds._lists import elements, gather
from pipeline.feeds._rows import Row, UnfitError, address
from pipeline.feeds._web import web

BOUNDS = (166.3, -47.4, 178.7, -34.3)
SITE = "https://trafficnz.info"


def parse(content: bytes) -> Listing:
    """Read the cameras of an answer; FeedError names what is not as it was."""
    return gather("nzta", elements("nzta", content, "camera"), lambda row: row.native("id"), _camera, BOUNDS)


def _camera(row: Row) -> Camera:
    """Build a camera; the sentence in `description` tells where it looks, `direction` is that of travel."""
    for flag in ("offline", "underMaintenance"):
        if row.word(flag, "true", "false") == "true":
            raise UnfitError(f"out of service: {flag} is true")
    return Camera(
        native_id=row.native("id"),
        name=row.name("name"),
        lon=row.numeral("longitude"),
        lat=row.numeral("latitude"),
        **bearing(description=leading(row.some("description"))),
        road=road(row.some("highway"), row.some("direction")),
        image_url=address(SITE + row.name("imageUrl"), f"{SITE}/camera/", "imageUrl"),
    )


FEED = web(
    operator="NZ Transport Agency Waka Kotahi",
    licence="to be verified: CC-BY-4.0 by one account, the operator's own terms by another",
    attribution="Pictures: NZ Transport Agency Waka Kotahi",
    terms_url="https://nzta.govt.nz/traffic-and-travel-information/use-our-data/",
    commercial=False,
    may_store_frames=False,
    cleared=False,
    min_interval_s=300.0,
    timestamps="the feed gives none",
    timezone="Pacific/Auckland",
    metric_crs="EPSG:2193",
    cadence_s=None,
    requests_per_minute=None,
    hosts=(SITE,),
    bounds=BOUNDS,
    lists=(f"{SITE}/service/traffic/rest/4/cameras/all",),
    parse=parse,
    headers={"Accept": "application/xml"},
    times="none",
)
