"""A registry is a folder that others can read: CSV, JSON Schema, GeoParquet, licences, rejected rows, duplicates."""

import csv
import errno
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import geopandas
import jsonschema
import numpy as np
import pyarrow.parquet as pq
import pytest
from test_cameras import FEED, SCAN

from pipeline import feeds, registry
from pipeline.errors import IntegrityError, PrivacyError, SchemaError, SettingsError, StorageError
from pipeline.feeds import Camera, Listing, Rejected
from pipeline.registry import Registry, files

DAY = date(2026, 5, 8)
METRE = 1 / 111_195.08
LISTED = [
    Camera("b", "Bridge", -73.98, 40.75, 90.5, "FDR", 2.0, "https://a.example/b.jpg", bearing_source="view: East"),
    Camera("a", '=HYPERLINK("x"), Arch\n"2"', -73.97, 40.76),
]
OURS = replace(SCAN, name="ours")
THEIRS = replace(SCAN, name="theirs", feed="other", licence="", attribution="Pictures: them")
NOT_OURS = [Rejected("c", "latitude 0.0, longitude 0.0 is no place"), Rejected("-d", "out of service")]


@pytest.fixture(autouse=True)
def shelf(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make `feeds.load` answer with feeds of the test, by name."""

    def put(**listed: Any) -> None:
        shown = {name: replace(FEED, listing=lambda _, each=each: each) for name, each in listed.items()}
        monkeypatch.setattr(feeds, "load", lambda name: shown[name])

    put(made=Listing(LISTED, NOT_OURS))
    return put


def made(*scans, within_m: float = 25.0) -> Registry:
    return registry.collect(list(scans) or [OURS], DAY, within_m)


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def typed(row: dict[str, str]) -> dict[str, Any]:
    """Read a row of `cameras.csv` as its schema says."""
    reads = {"number": float, "boolean": {"true": True, "false": False}.__getitem__, "string": str}
    kinds = {name: each["type"] for name, each in files.json_schema()["properties"].items()}
    plain = {name: kind[0] if isinstance(kind, list) else kind for name, kind in kinds.items()}
    return {name: None if cell == "" else reads[plain[name]](cell) for name, cell in row.items()}


def test_the_schema_is_one_and_every_row_of_the_table_fits_it():
    schema = files.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    rows = [typed(row) for row in table(files.contents(made())["cameras.csv"])]
    for row in rows:
        jsonschema.validate(row, schema, jsonschema.Draft202012Validator)
    assert [row["bearing_deg"] for row in rows if row["native_id"] == "b"] == [90.5]


@pytest.mark.parametrize(
    "wrong",
    [{"lat": 91.0}, {"lon": "12"}, {"bearing_deg": 360.0}, {"cadence_s": 0.0}, {"stable_id": "b"}, {"cleared": None}, {"plate": "x"}],
)  # fmt: skip
def test_a_row_that_is_no_camera_does_not_fit_the_schema(wrong: dict[str, Any]):
    row = typed(table(files.contents(made())["cameras.csv"])[0])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(row | wrong, files.json_schema(), jsonschema.Draft202012Validator)


def test_the_schema_tells_what_every_column_means():
    columns = files.json_schema()["properties"]
    assert list(columns) == registry.SCHEMA.names
    assert all(each["description"] for each in columns.values())


def test_no_spreadsheet_runs_a_name_and_the_parquet_has_it_verbatim():
    registered = made()
    names = {row["native_id"]: row["name"] for row in table(files.contents(registered)["cameras.csv"])}
    assert names["a"] == '\'=HYPERLINK("x"), Arch\n"2"'
    assert (
        LISTED[1].name in pq.read_table(io.BytesIO(files.contents(registered)["cameras.parquet"]))["name"].to_pylist()
    )


def test_geopandas_duckdb_and_pyarrow_read_the_same_points(tmp_path):
    files.write(made(), tmp_path / "out")
    path = tmp_path / "out/cameras.parquet"
    frame = geopandas.read_parquet(path)
    assert frame.crs == "OGC:CRS84"
    wanted = {(row["lon"], row["lat"]) for row in frame.to_dict("records")}
    assert {(point.x, point.y) for point in frame.geometry} == wanted
    assert len(geopandas.read_parquet(path, bbox=(-73.985, 40.74, -73.975, 40.755))) == 1
    rows = duckdb.read_parquet(str(path)).order("camera_id")
    told = rows.project("typeof(geometry), geometry::VARCHAR, bbox.xmin").fetchall()
    assert told[1] == ("GEOMETRY('OGC:CRS84')", "POINT (-73.98 40.75)", -73.98)
    about = json.loads(pq.read_schema(path).metadata[b"geo"])
    assert (about["version"], about["columns"]["geometry"]["bbox"]) == ("1.1.0", [-73.98, 40.75, -73.97, 40.76])


def test_the_licence_travels_with_the_cameras():
    (told,) = table(files.contents(made())["feeds.csv"])
    assert (told["licence"], told["attribution"], told["listed_on"]) == ("CC0", "Pictures: us", "2026-05-08")
    assert told["verdict"] == "may be published as its licence says: CC0"
    assert (told["cameras"], told["rejected"]) == ("2", "2")


@pytest.mark.parametrize(("commercial", "words"), [(True, ""), (False, ", not for commercial use")])
def test_what_a_cleared_feed_allows_is_said(*, commercial: bool, words: str):
    feed = replace(FEED, licence="OGL", commercial=commercial)
    assert registry.verdict(feed, OURS) == f"may be published with its attribution{words}"


def test_what_has_no_licence_is_not_to_be_published():
    assert "no licence is stated" in made(replace(OURS, licence="")).feeds[0]["verdict"]


def test_an_uncleared_feed_is_refused_and_with_a_permission_says_so(monkeypatch):
    monkeypatch.setattr(feeds, "load", lambda _: replace(FEED, cleared=False))
    with pytest.raises(PrivacyError, match="not cleared"):
        made()
    told = made(replace(OURS, permission=" letter of 1 May ")).feeds[0]
    assert told["verdict"] == "not cleared: publish only what this permission allows: letter of 1 May"
    assert told["permission"] == "letter of 1 May"


def test_rejected_rows_stand_with_their_reasons(tmp_path):
    files.write(made(), tmp_path / "out")
    assert table((tmp_path / "out/rejected.csv").read_bytes())[1]["native_id"] == "'-d"
    kept = [(row["scan"], row["native_id"], row["reason"]) for row in files.rejected(tmp_path / "out")]
    assert kept == [("ours", each.native_id, each.reason) for each in NOT_OURS]


def test_a_camera_of_another_registry_nearby_is_a_duplicate_of_the_first_named(shelf):
    near = Camera("z", "Brücke", -73.98, 40.75 + 10 * METRE)
    shelf(made=Listing(LISTED), other=Listing([near, Camera("y", "Pier", -73.9, 40.7)]))
    registered = made(OURS, THEIRS)
    (pair,) = registered.duplicates
    assert (pair["camera_id"], pair["other_camera_id"], pair["metres"], pair["chosen"]) == (
        "other:z",
        "made:b",
        10.0,
        True,
    )
    first = dict(zip(*(registered.cameras[name].to_pylist() for name in ("camera_id", "duplicate_of")), strict=True))
    assert {camera for camera, other in first.items() if other} == {"other:z"}
    assert made(THEIRS, OURS).duplicates[0]["camera_id"] == "made:b"
    assert made(OURS, THEIRS, within_m=9.0).duplicates == []


def test_views_of_one_pole_in_one_feed_are_no_duplicates(shelf):
    shelf(made=Listing([Camera("n", "Mast N", -73.98, 40.75), Camera("s", "Mast S", -73.98, 40.75)]))
    registered = made()
    assert registered.duplicates == []
    assert len(set(registered.cameras["site_id"].to_pylist())) == 1


def test_a_view_that_looks_elsewhere_is_no_duplicate(shelf):
    shelf(made=Listing(LISTED), other=Listing([Camera("z", "Bridge", -73.98, 40.75, 270.0)]))
    assert made(OURS, THEIRS).duplicates == []


def test_each_camera_repeats_one_and_an_equal_name_counts_before_metres(shelf):
    ours = [Camera("1", "Mast North", -73.98, 40.75), Camera("2", "Mast South", -73.98, 40.75 + 4 * METRE)]
    theirs = [Camera("9", "MAST SOUTH", -73.98, 40.75), Camera("8", "Mast", -73.98, 40.75 + 5 * METRE)]
    shelf(made=Listing(ours), other=Listing(theirs))
    chosen = {pair["camera_id"]: pair["other_camera_id"] for pair in made(OURS, THEIRS).duplicates if pair["chosen"]}
    assert chosen == {"other:9": "made:2", "other:8": "made:1"}
    assert len(made(OURS, THEIRS).duplicates) == 4


def test_what_three_registries_list_is_the_first_ones(shelf):
    places = (40.75, 40.75 + 20 * METRE, 40.75 + 40 * METRE)
    shelf(**{f"f{n}": Listing([Camera("1", "Mast", -73.98, lat)]) for n, lat in enumerate(places)})
    registered = made(*(replace(SCAN, name=f"s{n}", feed=f"f{n}") for n in range(3)))
    first, second, third = registered.cameras.sort_by("feed").to_pylist()
    assert second["duplicate_of"] == third["duplicate_of"] == first["stable_id"]


def test_a_camera_of_two_scans_of_one_feed_stands_once():
    again = replace(OURS, name="again", cameras=("b",))
    assert made(OURS, again).cameras.num_rows == 2
    with pytest.raises(SettingsError, match=r"\['ours'\] are named twice"):
        made(OURS, OURS)


def test_equal_lists_in_another_order_give_equal_bytes(shelf):
    before = files.contents(made())
    shelf(made=Listing(LISTED[::-1], NOT_OURS))
    assert files.contents(made()) == before


def test_a_registry_of_no_camera_can_be_written_and_read(shelf, tmp_path):
    shelf(made=Listing([]))
    files.write(made(), tmp_path / "out")
    assert files.read(tmp_path / "out").equals(registry.SCHEMA.empty_table())
    assert geopandas.read_parquet(tmp_path / "out/cameras.parquet").empty
    assert files.rejected(tmp_path / "out") == []


def test_a_written_registry_is_read_as_it_was(tmp_path):
    registered = made()
    files.write(registered, tmp_path / "far/out")
    assert files.read(tmp_path / "far/out").equals(registered.cameras)


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "theirs").write_text("x")
    with pytest.raises(SettingsError, match="something is there already; name a new folder"):
        files.write(made(), tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["theirs"]


@pytest.mark.parametrize("cut", range(6))
def test_a_registry_is_written_whole_or_not_at_all(tmp_path, monkeypatch, cut: int):
    real, written = files._keep, []

    def keep(path: Path, content: bytes) -> None:
        if len(written) == cut:
            raise KeyboardInterrupt
        written.append(path.name)
        real(path, content)

    monkeypatch.setattr(files, "_keep", keep)
    with pytest.raises(KeyboardInterrupt):
        files.write(made(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_in_a_sentence(tmp_path, monkeypatch):
    def keep(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_keep", keep)
    with pytest.raises(StorageError, match=r"cannot be written \(No space left on device\); free space"):
        files.write(made(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_bucket_is_no_folder():
    with pytest.raises(SettingsError, match="into a folder of this machine"):
        files.hold_free(Path("s3://bucket/cameras"))


def test_a_folder_without_a_registry_is_said(tmp_path):
    with pytest.raises(SettingsError, match="no registry there"):
        files.read(tmp_path)


def test_a_damaged_or_older_registry_is_said(tmp_path):
    files.write(made(), tmp_path / "out")
    path = tmp_path / "out/cameras.parquet"
    rows = pq.read_table(path)
    pq.write_table(rows.drop_columns(["stable_id"]), path)
    with pytest.raises(SchemaError, match=r"columns \['stable_id'\] are missing"):
        files.read(tmp_path / "out")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(IntegrityError, match="export the registry again"):
        files.read(tmp_path / "out")
    (tmp_path / "out/rejected.csv").write_text('"scan","feed"\n"a"\n')
    with pytest.raises(IntegrityError, match="export the registry again"):
        files.rejected(tmp_path / "out")


def test_ids_of_ten_thousand_cameras_differ():
    rng = np.random.default_rng(7)
    listed = [Camera(f"{n}", f"Road {n % 100}", *rng.uniform((-120, 33), (-114, 42))) for n in range(10_000)]
    ids = [each["stable_id"] for each in registry.cameras.identify("made", listed)]
    assert len(set(ids)) == len(ids)
