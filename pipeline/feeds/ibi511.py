"""List the cameras of a 511 site of the IBI/Arcadis kind (v2), chosen by the scan's `source`: each view is a camera."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pipeline.errors import SettingsError
from pipeline.feeds import Camera, Feed, Key, Listing
from pipeline.feeds._headings import bearing, carriageway, looking, road
from pipeline.feeds._lists import gather, records
from pipeline.feeds._rows import Row, UnfitError
from pipeline.feeds._web import LOOPBACK, web
from pipeline.scans import Scan

BOUNDS = (-170.0, 28.8, -74.0, 71.5)
"""From Alaska to Louisiana and Ontario."""
SITES = (
    "https://511ga.org", "https://az511.com", "https://511wi.gov", "https://www.udottraffic.utah.gov", "https://www.nvroads.com",
    "https://511.idaho.gov", "https://511.alaska.gov", "https://511la.org", "https://511on.ca", "https://511.alberta.ca",
)  # fmt: skip
"""Georgia, Arizona, Wisconsin, Utah, Nevada, Idaho, Alaska, Louisiana, Ontario, Alberta."""


def parse(content: bytes) -> Listing:
    """Read the views of an answer's sites; FeedError names what is not as it was."""
    return gather("ibi511", records("ibi511", content, ""), _native_id, _camera, BOUNDS, lambda row: row.views("Views"))


def _native_id(row: Row) -> str:
    """Return a view's id: pictures are named by it, never by the site's."""
    return str(row.whole("view.Id"))


def _camera(row: Row) -> Camera:
    """Build the camera of a view; the direction is that of travel, so only a sentence about the view tells where it looks."""
    if (status := row.word("view.Status", "Enabled", "Disabled")) != "Enabled":
        raise UnfitError(f"out of service: Status is {status}")
    told = row.text("view.Description")
    direction = row.some("site.Direction")
    return Camera(
        native_id=_native_id(row),
        name=told or row.name("site.Location"),
        lon=row.number("site.Longitude"),
        lat=row.number("site.Latitude"),
        **bearing(Description=looking(told)),
        road=road(row.some("site.Roadway"), direction if carriageway(direction) else told),
        image_url=_address(row),
        site=_site(row),
    )


def _address(row: Row) -> str:
    """Return the address of a view's picture, on whichever of the sites lists it."""
    return row.address("view.Url", f"{_lister(row)}/map/Cctv/")


def _site(row: Row) -> str:
    """Return the number of a view's pole with the site that counts so: each counts for itself."""
    number = row.label("site.Id")
    return f"{_lister(row).removeprefix('https://')}/{number}" if number else ""


def _lister(row: Row) -> str:
    """Return the site that lists a view."""
    return next((each for each in SITES if row.text("view.Url").startswith(each)), SITES[0])


def _at(site: str) -> Feed:
    """Return the feed of one site."""
    return web(
        operator="the state or province of the chosen 511 site",
        licence="each site's developer agreement",
        attribution="Pictures: the 511 service named by the scan's source",
        terms_url="https://511ga.org/developers/doc",
        commercial=False,
        may_store_frames=False,
        cleared=False,
        min_interval_s=30.0,
        timestamps="none to trust: Last-Modified is made up for each answer, burned-in clocks run minutes behind",
        timezone="",
        metric_crs="",
        cadence_s=None,
        requests_per_minute=10.0,
        hosts=(site,),
        bounds=BOUNDS,
        needs_key=True,
        lists=(f"{site}/api/v2/get/cameras?format=json",),
        parse=parse,
        headers={"Accept": "application/json"},
        key=Key(env="THOROUGHFARE_IBI511_KEY", query="key"),
        times="none",
        kinds=("jpeg", "png"),
    )


def _asked(name: str) -> Callable[..., Any]:
    """Return what asks the site that the scan's `source` names, or a stand-in on this machine for the first."""

    def ask(scan: Scan, *rest: Any) -> Any:
        site = scan.source.rstrip("/")
        if site in SITES:
            return getattr(_at(site), name)(replace(scan, source=""), *rest)
        if site.startswith(LOOPBACK):
            return getattr(_at(SITES[0]), name)(scan, *rest)
        raise SettingsError(
            f"scan {scan.name}: source {scan.source!r} is no site of feed ibi511; choose from {list(SITES)}"
        )

    return ask


FEED = replace(
    _at(SITES[0]),
    hosts=SITES,
    cameras=_asked("cameras"),
    listing=_asked("listing"),
    slots=_asked("slots"),
    picture=_asked("picture"),
    pictures=_asked("pictures"),
    fingerprint=_asked("fingerprint"),
)
