"""List Hong Kong's Transport Department cameras: small stills about every two minutes."""

import codecs
from urllib.parse import quote

from pipeline.feeds import Camera, Listing
from pipeline.feeds._lists import elements, gather, lines
from pipeline.feeds._rows import Row
from pipeline.feeds._web import web

BOUNDS = (113.8, 22.1, 114.5, 22.6)
MEDIA = "https://tdcctv.data.one.gov.hk/"


def parse(content: bytes) -> Listing:
    """Read the cameras of the XML list, or of its twin in UTF-16 with tabs; FeedError names what is not as it was."""
    if content.startswith(codecs.BOM_UTF16_LE):
        rows = lines("hk_td", content, "utf-16", "\t")
    else:
        rows = elements("hk_td", content, "image")
    return gather("hk_td", rows, lambda row: row.native("key"), _camera, BOUNDS)


def _camera(row: Row) -> Camera:
    """Build a camera; its address is made from its key, because a listed one may lead to another host."""
    key = row.native("key")
    return Camera(
        native_id=key,
        name=row.name("description").removesuffix(f"[{key}]").strip(),
        lon=row.numeral("longitude"),
        lat=row.numeral("latitude"),
        image_url=f"{MEDIA}{quote(key)}.JPG",
    )


FEED = web(
    operator="Transport Department, Hong Kong SAR",
    licence="DATA.GOV.HK Terms and Conditions of Use",
    attribution="Traffic snapshot images: Transport Department, by DATA.GOV.HK; intellectual property rights of the Government of the Hong Kong SAR",
    terms_url="https://data.gov.hk/en/terms-and-conditions",
    commercial=True,
    may_store_frames=False,
    cleared=True,
    min_interval_s=120.0,
    timestamps="Last-Modified is when the still was stored, one to two minutes before",
    timezone="Asia/Hong_Kong",
    metric_crs="EPSG:2326",
    cadence_s=120.0,
    requests_per_minute=None,
    hosts=("https://static.data.gov.hk", "https://tdcctv.data.one.gov.hk"),
    bounds=BOUNDS,
    lists=("https://static.data.gov.hk/td/traffic-snapshot-images/code/Traffic_Camera_Locations_En.xml",),
    parse=parse,
    headers={"Accept": "application/xml"},
    times="last_modified",
)
