"""Every public feed states its terms, reads its recorded list to the camera, and can be asked through a stand-in."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from families import FAMILIES
from loopback import Loopback, Reply, says
from mutations import FOLDER
from pyproj import CRS

from pipeline import feeds
from pipeline.errors import FeedError, SettingsError
from pipeline.feeds import Camera, Listing, hk_td, lta_sg, nyc_dot
from pipeline.scans import Scan

CLEARED = {
    "tfl_jamcams",
    "tfl_clips",
    "caltrans_cwwp2",
    "digitraffic_fi",
    "lta_sg",
    "hk_td",
    "toronto",
    "calgary",
    "austin",
}
"""Feeds whose terms, as far as we could read them, allow this use without asking."""
SAMPLES = {
    "tfl_jamcams": ("place_type_jamcam_2026-09-30_trimmed.json", 5, 0),
    "caltrans_cwwp2": ("cctvStatusD07_2026-09-30_trimmed.json", 3, 1),
    "digitraffic_fi": ("weathercam_v1_stations_2026-09-30_trimmed.json", 9, 1),
    "lta_sg": ("v1_transport_traffic-images_2026-09-30_trimmed.json", 3, 0),
    "hk_td": ("Traffic_Camera_Locations_En_2026-09-30_trimmed.xml", 3, 0),
    "nyc_dot": ("cameras_2024-08.json", 921, 0),
    "ibi511": ("az511_v2_get_cameras_doc_sample.json", 2, 0),
    "nsw_livetraffic": ("liveCams_2026-10-01_first6.json", 6, 0),
    "nzta": ("cameras_all_2026-09-30_trimmed.xml", 2, 1),
    "drivebc": ("api_webcams_2026-09-30_trimmed.json", 3, 0),
    "toronto": ("traffic-camera-list-4326_2026-09-30_trimmed.json", 3, 0),
    "austin": ("b4k4-adkb_2026-09-30_trimmed.json", 2, 2),
}
"""File, cameras and rejected rows of each recorded list; of 511NY and Calgary none was recorded."""
LISTS = {
    "tfl_jamcams": "api.tfl.gov.uk/Place/Type/JamCam",
    "tfl_clips": "api.tfl.gov.uk/Place/Type/JamCam",
    "digitraffic_fi": "tie.digitraffic.fi/api/weathercam/v1/stations",
    "lta_sg": "api.data.gov.sg/v1/transport/traffic-images",
    "hk_td": "static.data.gov.hk/td/traffic-snapshot-images/code/Traffic_Camera_Locations_En.xml",
    "nyc_dot": "webcams.nyctmc.org/api/cameras",
    "ibi511": "511ga.org/api/v2/get/cameras",
    "ny511": "511ny.org/api/getcameras",
    "nsw_livetraffic": "api.transport.nsw.gov.au/v1/live/cameras",
    "nzta": "trafficnz.info/service/traffic/rest/4/cameras/all",
    "drivebc": "www.drivebc.ca/api/webcams/",
    "toronto": "ckan0.cf.opendata.inter.prod-toronto.ca/dataset/a3309088-5fd4-4d34-8297-77c8301840ac/resource/4a568300-c7f8-496d-b150-dff6f5dc6d4f/download/traffic-camera-list-4326.geojson",
    "calgary": "data.calgary.ca/resource/k7p9-kppz.json",
    "austin": "data.austintexas.gov/resource/b4k4-adkb.json",
}
"""Where each list is, without its query; Caltrans has twelve."""
NAMES = [family.name for family in FAMILIES]
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def fixture(name: str) -> bytes:
    return next(FOLDER.glob(f"{name}.*")).read_bytes()


def parsed(name: str) -> Listing:
    listing: Listing = import_module(f"pipeline.feeds.{name}").parse(fixture(name))
    return listing


def camera(name: str, native_id: str) -> Camera:
    (found,) = [each for each in parsed(name).cameras if each.native_id == native_id]
    return found


def scan(name: str, source: str = "") -> Scan:
    return Scan("t", name, "UTC", "EPSG:3857", source=source, cadence_s=600.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_feed_states_all_its_terms(name: str):
    feed = feeds.load(name)
    assert all((feed.operator, feed.licence, feed.attribution, feed.terms_url.startswith("https://"), feed.timestamps))
    assert feed.cleared == (name in CLEARED)
    assert feed.live
    assert not feed.may_store_frames
    assert feed.commercial or not feed.cleared
    assert feed.min_interval_s >= 2.0
    assert (feed.cadence_s or feed.min_interval_s) >= feed.min_interval_s
    assert all(host.startswith("https://") for host in feed.hosts)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "ibi511"])
def test_a_feeds_zone_and_metres_are_those_of_its_area(name: str):
    feed = feeds.load(name)
    west, south, east, north = feed.bounds or (0, 0, 0, 0)
    crs = CRS.from_user_input(feed.metric_crs)
    assert ZoneInfo(feed.timezone)
    assert crs.is_projected
    assert crs.axis_info[0].unit_name == "metre"
    assert crs.area_of_use
    assert crs.area_of_use.west <= (west + east) / 2 <= crs.area_of_use.east
    assert crs.area_of_use.south <= (south + north) / 2 <= crs.area_of_use.north


def test_the_feeds_that_want_a_key_are_these():
    assert {each["name"] for each in feeds.facts() if each["needs_key"]} == {"ibi511", "ny511", "nsw_livetraffic"}


def test_knowing_all_public_feeds_loads_nothing_heavy():
    asked = (
        f"import sys; from pipeline import feeds; [feeds.load(name) for name in {NAMES}]; print(sorted(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout
    assert not [
        heavy
        for heavy in ("tensorflow", "aiohttp", "duckdb", "h3", "shapely", "scipy", "pandas")
        if f"'{heavy}'" in loaded
    ]


@pytest.mark.shared
@pytest.mark.parametrize("name", SAMPLES)
def test_a_recorded_list_is_read_to_the_camera(shared: Path, name: str):
    file, cameras, rejected = SAMPLES[name]
    listing = import_module(f"pipeline.feeds.{name}").parse((shared / "feeds" / name / file).read_bytes())
    assert (len(listing.cameras), len(listing.rejected)) == (cameras, rejected)
    assert len({each.native_id for each in listing.cameras}) == cameras


@pytest.mark.shared
def test_recorded_cameras_are_told_in_full(shared: Path):
    def read(name: str) -> list[Camera]:
        listing: Listing = import_module(f"pipeline.feeds.{name}").parse(
            (shared / "feeds" / name / SAMPLES[name][0]).read_bytes()
        )
        return listing.cameras

    assert read("tfl_jamcams")[3] == Camera(
        "JamCams_00001.03675", "Blackheath Rd/Greenwich High Rd", -0.02073, 51.4742, 270.0,
        image_url="https://s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk/00001.03675.jpg",
        stream_url="https://s3-eu-west-1.amazonaws.com/jamcams.tfl.gov.uk/00001.03675.mp4",
        bearing_source="view: West",
    )  # fmt: skip
    assert read("caltrans_cwwp2")[0] == Camera(
        "7-1", "I-110 : (196) Avenue 26 Off Ramp", -118.2215, 34.0837, None, "I-110 SB", 120.0,
        "https://cwwp2.dot.ca.gov/data/d7/cctv/image/i110196avenue26offramp/i110196avenue26offramp.jpg",
        "https://wzmedia.dot.ca.gov/D7/CCTV-196.stream/playlist.m3u8",
    )  # fmt: skip
    assert read("drivebc")[0] == Camera(
        "967",
        "Slim Creek - E",
        -121.13636,
        53.72531,
        90.0,
        "Highway 16",
        1199.0,
        "https://www.drivebc.ca/images/967.jpg",
        bearing_source="orientation: E; caption: looking east",
        site="967",
    )
    assert read("nsw_livetraffic")[2].bearing_deg == 315.0
    assert read("hk_td")[0].name == "Aberdeen Praya Road near Fish Market"
    assert read("nyc_dot")[0].name == "WBB - 2 NOR @ ABOVE BEDFORD AVE & S 5 St"


@pytest.mark.shared
def test_nothing_of_the_recorded_lists_is_in_our_fixtures(shared: Path):
    ours = {each.native_id for name in NAMES for each in parsed(name).cameras}
    theirs = {
        each.native_id
        for name, (file, *_) in SAMPLES.items()
        for each in import_module(f"pipeline.feeds.{name}").parse((shared / "feeds" / name / file).read_bytes()).cameras
    }
    assert not ours & theirs


@pytest.mark.parametrize(
    ("name", "reasons"),
    [
        ("tfl_jamcams", ["available is false"]), ("caltrans_cwwp2", ["inService is false", "inService is Not Reported"]),
        ("digitraffic_fi", ["inCollection is false", "collectionStatus is REMOVED_TEMPORARILY"]), ("nyc_dot", ["isOnline is false"]),
        ("ibi511", ["Status is Disabled"]), ("ny511", ["Disabled is true", "Blocked is true"]),
        ("nzta", ["offline is true", "underMaintenance is true"]), ("drivebc", ["is_on is false", "should_appear is false"]),
        ("austin", ["VOID", "DESIRED", "REMOVED"]), ("hk_td", []), ("lta_sg", []), ("toronto", []), ("calgary", []),
        ("nsw_livetraffic", []),
    ],
)  # fmt: skip
def test_what_is_out_of_service_is_rejected_with_its_reason(name: str, reasons: list[str]):
    told = [each.reason for each in parsed(name).rejected]
    assert len(told) == len(reasons)
    assert all(reason in each for reason, each in zip(reasons, told, strict=True))


@pytest.mark.parametrize(
    ("name", "native_id", "bearing_deg"),
    [
        ("tfl_jamcams", "JamCams_09001.00001", 270.0), ("tfl_jamcams", "JamCams_09001.00002", 45.0),
        ("tfl_jamcams", "JamCams_09001.00003", None), ("caltrans_cwwp2", "13-1", 0.0), ("caltrans_cwwp2", "13-4", None),
        ("nsw_livetraffic", "00000001-0000-4000-8000-000000000000", 315.0), ("nzta", "9001", 180.0), ("nzta", "9002", None),
        ("drivebc", "9001", 90.0), ("drivebc", "9003", 225.0), ("ibi511", "901", None), ("toronto", "9001", None),
    ],
)  # fmt: skip
def test_a_bearing_is_only_what_the_feed_says_of_the_view(name: str, native_id: str, bearing_deg: float | None):
    assert camera(name, native_id).bearing_deg == bearing_deg


def test_a_view_whose_two_accounts_differ_has_no_bearing():
    assert camera("nsw_livetraffic", "00000002-0000-4000-8000-000000000000").bearing_deg is None
    assert camera("drivebc", "9002").bearing_deg is None


def test_views_of_one_pole_say_so():
    told = [(each.native_id, each.site, each.view) for each in parsed("digitraffic_fi").cameras]
    assert told[:2] == [("C9900101", "C99001", "01"), ("C9900102", "C99001", "02")]
    assert [each.site for each in parsed("ibi511").cameras[:2]] == ["az511.com/31", "az511.com/31"]
    assert camera("drivebc", "9001").site == "9001"


@pytest.mark.parametrize(
    ("name", "native_id", "source"),
    [
        ("tfl_jamcams", "JamCams_09001.00001", "view: "), ("caltrans_cwwp2", "13-1", "imageDescription: "), ("nzta", "9001", "description: "),
        ("nsw_livetraffic", "00000001-0000-4000-8000-000000000000", "direction: "), ("drivebc", "9001", "orientation: "),
    ],
)  # fmt: skip
def test_a_bearing_says_which_field_told_it(name: str, native_id: str, source: str):
    assert camera(name, native_id).bearing_source.startswith(source)


@pytest.mark.parametrize("name", NAMES)
def test_a_bearing_and_its_source_go_together(name: str):
    assert all((each.bearing_deg is None) == (not each.bearing_source) for each in parsed(name).cameras)


def test_every_view_of_a_pole_is_a_camera_of_its_own():
    assert [each.native_id for each in parsed("digitraffic_fi").cameras] == ["C9900101", "C9900102", "C9900201"]
    assert [(each.native_id, each.road) for each in parsed("ibi511").cameras] == [
        ("901", "SR-999 NB"), ("902", "SR-999 SB"), ("911", "I-99 WB"),
    ]  # fmt: skip


def test_a_camera_may_have_a_cadence_of_its_own():
    assert [each.cadence_s for each in parsed("caltrans_cwwp2").cameras] == [120.0, None]
    assert [each.cadence_s for each in parsed("drivebc").cameras] == [1199.0, None, 900.0]


def test_addresses_are_whole_and_by_https():
    assert camera("calgary", "loc901").image_url == "https://trafficcam.calgary.ca/loc901.jpg"
    assert camera("nzta", "9001").image_url == "https://trafficnz.info/camera/9001.jpg"
    assert camera("drivebc", "9001").image_url == "https://www.drivebc.ca/images/9001.jpg"
    assert camera("hk_td", "X902F").image_url == "https://tdcctv.data.one.gov.hk/X902F.JPG"
    assert camera("digitraffic_fi", "C9900101").image_url == "https://weathercam.digitraffic.fi/C9900101.jpg"
    assert (
        nyc_dot.image(Camera("a", "a", 0, 0, image_url="https://x/a/image"), NOON) == "https://x/a/image?t=1772539200"
    )


def test_names_lose_what_is_no_name():
    assert [each.name for each in parsed("hk_td").cameras] == [
        "Alder Road near Mill Lane", "Weir Tunnel - Quarry Side", "Ferry Street",
    ]  # fmt: skip
    assert [each.name for each in parsed("calgary").cameras] == [
        "Alder Trail / Mill Road NW",
        "Camera 902",
        "Weir Drive / Quarry Road SE",
    ]
    assert camera("austin", "9001").name == "ALDER BLVD / MILL RD"
    assert camera("toronto", "9003").name == "QUARRY RD"


@pytest.mark.parametrize("wrapper", ["cameras", "data", "results"])
def test_new_yorks_list_may_be_wrapped(wrapper: str):
    assert nyc_dot.parse(json.dumps({wrapper: json.loads(fixture("nyc_dot"))}).encode()) == parsed("nyc_dot")


def test_hong_kongs_list_may_be_a_table_in_utf_16():
    head = "key\tregion\tdistrict\tdescription\teasting\tnorthing\tlatitude\tlongitude\turl\r\n"
    line = (
        "X901F\tKowloon\tMill District\tAlder Road near Mill Lane [X901F]\t836000\t819000\t22.31\t114.17\thttps://x\r\n"
    )
    assert (
        hk_td.parse(b"\xff\xfe" + ("\ufeff" + head + line).encode("utf-16-le")).cameras == parsed("hk_td").cameras[:1]
    )
    with pytest.raises(FeedError, match="hk_td: 1 of 1 rows fail, first line 2: field key is missing"):
        hk_td.parse(b"\xff\xfe" + (head + line).replace("key", "code").encode("utf-16-le"))


def test_singapores_batches_are_joined_the_newest_capture_first():
    answer = json.loads(fixture("lta_sg"))
    older = {
        "timestamp": "2026-01-02T03:00:00+08:00",
        "cameras": [dict(each) for each in answer["items"][0]["cameras"]],
    }
    older["cameras"][0] |= {"camera_id": "9709", "timestamp": "2026-01-02T02:59:00+08:00"}
    older["cameras"][1]["image"] = "https://images.data.gov.sg/api/traffic-images/2025/old.jpg"
    content = json.dumps({"items": [older, *answer["items"]]}).encode()
    listing = lta_sg.parse(content)
    assert [each.native_id for each in listing.cameras] == ["9701", "9702", "9703", "9709"]
    assert listing.rejected == []
    assert "old.jpg" not in listing.cameras[1].image_url
    taken = {name: [each.at for each in found] for name, found in lta_sg.captures(content).items()}
    assert taken["9709"] == [datetime(2026, 1, 1, 18, 59, tzinfo=UTC)]
    assert max(taken["9702"]) == datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)


def test_singapores_cameras_are_those_of_all_batches_of_the_last_minutes():
    def renamed(to: str) -> bytes:
        return fixture("lta_sg").replace(b"9702", to.encode()).replace(b"0000000", to.encode() * 2)

    pages = iter([fixture("lta_sg"), renamed("9711"), renamed("9712"), b"<html>", renamed("9711"), renamed("9713")])

    class Batches(Loopback):
        def reply(self, path: str) -> Reply | None:
            assert path.startswith(f"/{LISTS['lta_sg']}")
            return says(next(pages))

    with Batches() as server:
        listing = feeds.listing(feeds.load("lta_sg"), scan("lta_sg", server.url))
    assert [each.native_id for each in listing.cameras] == ["9701", "9702", "9703", "9711", "9712", "9713"]
    assert listing.cameras[0].image_url == camera("lta_sg", "9701").image_url
    assert listing.rejected == []


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_asked_where_its_operator_keeps_it(monkeypatch: pytest.MonkeyPatch, name: str):
    for key in ("THOROUGHFARE_IBI511_KEY", "THOROUGHFARE_511NY_KEY", "THOROUGHFARE_NSW_KEY"):
        monkeypatch.setenv(key, "SENTINEL-key")
    page = fixture(name).replace(b"az511.com", b"511ga.org")
    with Loopback({f"/{LISTS[name]}": says(page)}) as server:
        listing = feeds.listing(feeds.load(name), scan(name, server.url))
        (path, headers), *more = server.asked
    assert len(more) == (5 if name == "lta_sg" else 0)
    assert len(listing.cameras) == len(parsed(name).cameras)
    assert len(listing.rejected) == len(parsed(name).rejected)
    assert ("SENTINEL" in path + str(headers)) == feeds.load(name).needs_key


def test_caltrans_keeps_a_list_a_district():
    def page(district: int) -> bytes:
        return fixture("caltrans_cwwp2").replace(b'"district": "13"', b'"district": "%d"' % district)

    lists = {f"/cwwp2.dot.ca.gov/data/d{n}/cctv/cctvStatusD{n:02}.json": says(page(n)) for n in range(1, 13)}
    with Loopback(lists) as server:
        listing = feeds.listing(feeds.load("caltrans_cwwp2"), scan("caltrans_cwwp2", server.url))
    assert len(listing.cameras) == 24
    assert {each.native_id.partition("-")[0] for each in listing.cameras} == {f"{n}" for n in range(1, 13)}


def test_a_district_whose_list_cannot_be_read_costs_that_district_alone():
    ways = [f"/cwwp2.dot.ca.gov/data/d{n}/cctv/cctvStatusD{n:02}.json" for n in range(1, 13)]
    lists = {way: says(b"no", status="503 Service Unavailable") for way in ways}
    lists |= {ways[0]: says(fixture("caltrans_cwwp2")), ways[1]: says(b"<html>")}
    with Loopback(lists) as server:
        listing = feeds.listing(feeds.load("caltrans_cwwp2"), scan("caltrans_cwwp2", server.url))
    assert [each.native_id for each in listing.cameras] == ["13-1", "13-4"]
    lost = {each.native_id: each.reason for each in listing.rejected if "cctvStatus" in each.native_id}
    assert len(lost) == 11
    assert "not valid JSON" in lost[f"https:/{ways[1]}"]
    assert "did not come" in lost[f"https:/{ways[2]}"]


def test_finland_is_told_who_asks_and_may_pack_its_answer():
    with Loopback({f"/{LISTS['digitraffic_fi']}": says(fixture("digitraffic_fi"))}) as server:
        feeds.listing(feeds.load("digitraffic_fi"), scan("digitraffic_fi", server.url))
        ((_, headers),) = server.asked
    assert headers["digitraffic-user"] == "Thoroughfare"
    assert headers["accept-encoding"] == "gzip"


def test_singapores_pictures_are_asked_where_the_newest_list_says():
    feed = feeds.load("lta_sg")
    listed, gone = parsed("lta_sg").cameras[0], Camera("9799", "9799", 103.8, 1.3)
    stale = replace(listed, image_url="https://images.data.gov.sg/api/traffic-images/2025/12/gone.jpg")
    with Loopback({f"/{LISTS['lta_sg']}": says(fixture("lta_sg"))}) as server:
        assert feed.pictures
        came, missed = feed.pictures(scan("lta_sg", server.url), [(stale, NOON), (gone, NOON)], 10.0, {})
        assert [path for path, _ in server.asked][1] == f"/{listed.image_url.removeprefix('https://')}"
    assert (came.status, came.captured_at_source) == ("ok", "feed")
    assert came.captured_at == datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)
    assert missed.status == "missed: not in the newest list"


def test_singapores_pictures_were_not_taken_at_a_time_that_is_yet_to_come():
    content = fixture("lta_sg").replace(b"2026-01-02T", b"2126-01-02T")
    with Loopback({f"/{LISTS['lta_sg']}": says(content)}) as server:
        picture = feeds.load("lta_sg").picture(scan("lta_sg", server.url), parsed("lta_sg").cameras[0], NOON)
    assert (picture.status, picture.captured_at, picture.captured_at_source) == ("ok", None, "none")


def test_singapores_pictures_are_missed_while_its_list_is_away():
    with Loopback({f"/{LISTS['lta_sg']}": says(b"no", status="503 Service Unavailable")}) as server:
        picture = feeds.load("lta_sg").picture(scan("lta_sg", server.url), parsed("lta_sg").cameras[0], NOON)
    assert picture.status == "missed: its list did not come: HTTP 503"


def test_a_511_site_is_chosen_by_the_scans_source():
    with pytest.raises(SettingsError, match="is no site of feed ibi511; choose from"):
        feeds.listing(feeds.load("ibi511"), scan("ibi511", "https://example.org"))
    with pytest.raises(SettingsError, match="THOROUGHFARE_IBI511_KEY"):
        feeds.listing(feeds.load("ibi511"), scan("ibi511", "https://az511.com"))
