"""Every export is read back by what it is made for, and single vehicles leave with a purpose only."""

import configparser
import csv
import itertools
import json
import warnings
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import geopandas
import jsonschema
import motmetrics
import night as made
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pystac
import pytest
import shapely
from faster_coco_eval import COCO, COCOeval_faster
from frictionless import Package, validate
from referencing import Registry, Resource
from typer.testing import CliRunner

from pipeline import exports, geo, looks, scores, tracklets
from pipeline.__main__ import app
from pipeline.errors import PrivacyError, SettingsError, StorageError, WindowNotFoundError
from pipeline.exports import Night
from pipeline.lake import Lake, Place
from pipeline.scans import Scan
from pipeline.tables import LABELS, frame_id
from pipeline.tracklets.given import tables as given

with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # it misses a smoother that nothing here asks for
    import movingpandas

DAY = date(2026, 3, 3)
NOW = datetime(2026, 3, 4, tzinfo=UTC)
SCAN = Scan("demo", "demo", "America/New_York", "EPSG:32618", k=3, exempt="a simulated city")
PROCESSING = ("expression", "lineage", "level", "facility", "software")
"""Fields of STAC's processing extension 1.1.0, which allows no others."""
TABLED = {"file:size", "file:checksum", "table:columns", "table:primary_geometry", "table:row_count"}
"""Fields of STAC's extensions file 2.1.0 and table 1.3.0 that an asset has here."""
WINDOWED = ("frames", "detections", "sightings", "observability", "links")
SINGLES = [name for name in exports.names() if exports.load(name).singles]


def frames() -> pa.Table:
    """The night's pictures, by the names that frames bear."""
    rows = [row | {"frame_id": frame_id(row["camera_id"], row["slot_at"])} for row in made.frames().to_pylist()]
    return made._table("frames", rows)


def boxes() -> pa.Table:
    """Two boxes of each sighting in two pictures, each vehicle in its own place."""
    rows = made.detections().to_pylist()
    for number, row in enumerate(rows):
        vehicle, second = divmod(number, 2)
        slot, left = (vehicle * 7) % 50 + second, 5.0 + vehicle % 40 * 8 + second
        at = made.START + timedelta(seconds=10 * slot)
        row |= {"frame_id": frame_id(row["camera_id"], at), "captured_at": at}
        row |= {"x1_px": left, "x2_px": left + 7.25, "y1_px": 20.5, "y2_px": 40.0 + second}
    return made._table("detections", rows)


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> Lake:
    """A committed night."""
    there = Lake(tmp_path_factory.mktemp("lake"), "demo")
    tables = made.tables() | {"detections": boxes(), "frames": frames()}
    tables |= {f"products/{name}": rows for name, rows in made.published().items()}
    for name, rows in tables.items():
        place = Place.of(name, made.HOUR) if name in WINDOWED else Place(name, DAY)
        there.commit(place, [there.write(place, 0, rows)], {"scan_date": str(DAY), "settings": {}})
    return there


@pytest.fixture(scope="module")
def out(lake, tmp_path_factory) -> Path:
    """Every format of the night, written once."""
    folder = tmp_path_factory.mktemp("out")
    for name in exports.names():
        exports.write(name, Night(lake, SCAN, DAY), folder / name, purpose="", now=NOW)
    return folder


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    return {str(each.relative_to(path)): each.read_bytes() for each in files}


@pytest.mark.parametrize("name", exports.names())
def test_an_export_repeats_byte_for_byte_and_names_whose_pictures_they_were(name, lake, out, tmp_path):
    exports.write(name, Night(lake, SCAN, DAY), tmp_path / "again", purpose="", now=NOW + timedelta(days=1))
    assert content(tmp_path / "again") == content(out / name)
    assert any(b"Pictures: <b>Demo City</b>" in each and b"CC0-1.0" in each for each in content(out / name).values())


@pytest.mark.parametrize("name", SINGLES)
def test_real_vehicles_leave_with_a_purpose_only_and_the_look_is_logged(name, lake, tmp_path):
    real = Night(lake, replace(SCAN, exempt=""), DAY)
    with pytest.raises(PrivacyError, match="--purpose"):
        exports.write(name, real, tmp_path / "out", purpose=" ", now=NOW)
    assert not list(tmp_path.iterdir())
    exports.write(
        name, real, tmp_path / "out", purpose="signal timing", now=NOW + timedelta(seconds=SINGLES.index(name))
    )
    assert [entry["shown"] for entry in looks.entries(lake)][-2:] == [False, True]
    assert looks.entries(lake)[-1]["purpose"] == "signal timing"


def test_only_what_shows_a_vehicle_on_its_way_needs_a_purpose():
    assert SINGLES == ["geoparquet-trajectories", "kepler-table", "kepler-trips", "mf-json"]


def test_a_real_trip_loses_its_ends_and_its_minute(lake, out, tmp_path):
    exports.write("kepler-trips", Night(lake, replace(SCAN, exempt=""), DAY), tmp_path / "real", purpose="x", now=NOW)
    told = json.loads((tmp_path / "real").read_text())
    assert "500 m" in told["privacy"]
    lengths = sorted(feature["properties"]["length_m"] for feature in told["features"])
    whole = sorted(
        each["properties"]["length_m"] for each in json.loads((out / "kepler-trips").read_text())["features"]
    )
    assert lengths == pytest.approx([length - 1000 for length in whole], abs=0.5)
    assert all(each["geometry"]["coordinates"][0][3] % (15 * 60 * 1000) == 0 for each in told["features"])


def test_a_real_trip_too_short_to_lose_its_ends_is_left_out(tmp_path):
    there = Lake(tmp_path / "lake", "demo")
    short = made.trajectories().to_pylist()[0] | {"geometry": geo.to_wkb([[-73.98, 40.75], [-73.97, 40.75]])}
    short |= {"vertices_at": [made.START, made.START + timedelta(minutes=1)]}
    for name, rows in (("cameras", made.cameras()), ("trajectories", made._table("trajectories", [short]))):
        there.commit(Place(name, DAY), [there.write(Place(name, DAY), 0, rows)], {"scan_date": str(DAY)})
    real = Night(there, replace(SCAN, exempt=""), DAY)
    for name in SINGLES:
        written = exports.write(name, real, tmp_path / name, purpose="x", now=NOW)
        assert [each.rows for each in written] == [0]


def test_what_is_there_stays_unless_it_is_an_export_and_force_is_passed(lake, tmp_path):
    night, told = Night(lake, SCAN, DAY), {"purpose": "", "now": NOW}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    for force in (False, True):
        with pytest.raises(SettingsError, match="name another"):
            exports.write("geoparquet", night, tmp_path / "mine", force=force, **told)
    exports.write("coco", night, tmp_path / "a.json", **told)
    with pytest.raises(SettingsError, match="--force"):
        exports.write("coco", night, tmp_path / "a.json", **told)
    exports.write("geoparquet", night, tmp_path / "geo", **told)
    exports.write("motchallenge", night, tmp_path / "geo", force=True, **told)
    assert not list((tmp_path / "geo").glob("*.parquet"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.json", "geo", "mine"]


def test_a_night_that_lacks_a_table_writes_nothing(lake, tmp_path):
    with pytest.raises(WindowNotFoundError):
        exports.write("coco", Night(lake, SCAN, DAY + timedelta(days=1)), tmp_path / "out", purpose="", now=NOW)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_refuses_leaves_what_was_there(lake, tmp_path, monkeypatch):
    night, target = Night(lake, SCAN, DAY), tmp_path / "geo"
    exports.write("geoparquet", night, target, purpose="", now=NOW)
    before = content(target)
    monkeypatch.setattr(Path, "rename", refuse_the_new(Path.rename))
    with pytest.raises(StorageError, match="--out"):
        exports.write("motchallenge", night, target, purpose="", now=NOW, force=True)
    assert content(target) == before
    assert [each.name for each in tmp_path.iterdir()] == ["geo"]


def refuse_the_new(rename):
    def refuse(path, target):
        if path.name == "whole":
            raise OSError(28, "No space left on device")
        return rename(path, target)

    return refuse


def test_an_unknown_format_names_those_there(lake, tmp_path):
    with pytest.raises(SettingsError, match="geoparquet"):
        exports.write("shapefile", Night(lake, SCAN, DAY), tmp_path / "out", purpose="", now=NOW)


def test_kepler_trips_and_their_table_are_the_trajectories_as_timed_lines(out):
    features = json.loads((out / "kepler-trips").read_text())["features"]
    lines = [feature["geometry"]["coordinates"] for feature in features]
    assert len(lines) == 60
    assert all(len(vertex) == 4 and isinstance(vertex[3], int) for line in lines for vertex in line)
    assert all(a[3] < b[3] for line in lines for a, b in itertools.pairwise(line))
    starts = sorted(row["vertices_at"][0] for row in made.trajectories().to_pylist())
    assert [line[0][3] for line in lines] == [int(at.timestamp() * 1000) for at in starts]
    rows = records(out / "kepler-table" / "trips.csv")
    read = [[float(row["lng"]), float(row["lat"]), 0, stamp(row["timestamp"])] for row in rows]
    assert read == [vertex for line in lines for vertex in line]
    assert Counter(row["id"] for row in rows) == Counter({str(n): len(line) for n, line in enumerate(lines, 1)})


def records(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def stamp(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def files(out: Path) -> list[Path]:
    return [*sorted((out / "geoparquet").glob("*.parquet")), out / "geoparquet-trajectories"]


def test_geoparquet_reads_the_same_in_geopandas_duckdb_and_pyarrow(out):
    assert {path.stem for path in files(out)} >= {"cameras", "flow", "heatmap", "od", "zones", "travel_time"}
    with duckdb.connect() as connection:
        for path in files(out):
            frame = geopandas.read_parquet(path)
            table = pq.read_table(path)
            about = json.loads(table.schema.metadata[b"geo"])
            assert about["version"] == "1.1.0"
            assert frame.crs == "OGC:CRS84"
            assert about["columns"]["geometry"]["covering"]["bbox"]["ymax"] == ["bbox", "ymax"]
            assert set(frame.geom_type) <= set(about["columns"]["geometry"]["geometry_types"])
            assert list(shapely.from_wkb(table["geometry"].to_pylist())) == frame.geometry.tolist()
            seen = connection.execute("SELECT ST_AsWKB(geometry) FROM read_parquet($1)", [str(path)]).fetchall()
            assert [shapely.from_wkb(bytes(wkb)) for (wkb,) in seen] == frame.geometry.tolist()
            held = connection.execute("SELECT count(*), max(bbox.xmax) FROM read_parquet($1)", [str(path)]).fetchone()
            assert held == (len(frame), frame.total_bounds[2] if len(frame) else None)
            assert len(geopandas.read_parquet(path, bbox=tuple(frame.total_bounds))) == len(frame)
            assert len(geopandas.read_parquet(path, bbox=(0, 0, 1, 1))) == 0


def test_gdal_takes_the_columns_and_shapes_of_every_geoparquet_file(out, tmp_path):
    for path in files(out):
        table = pq.read_table(path)
        flat = table.drop_columns(["bbox", *(f.name for f in table.schema if pa.types.is_list(f.type))])
        kind = json.loads(table.schema.metadata[b"geo"])["columns"]["geometry"]["geometry_types"][0]
        flat = flat.cast(
            pa.schema([pa.field(f.name, pa.float64() if pa.types.is_decimal(f.type) else f.type) for f in flat.schema])
        )
        copy = tmp_path / f"{path.stem}.gpkg"
        pyogrio.write_arrow(flat, copy, driver="GPKG", geometry_type=kind, crs="OGC:CRS84", geometry_name="geometry")
        back = pyogrio.read_dataframe(copy)
        assert [shape.normalize() for shape in back.geometry] == [
            shape.normalize() for shape in geopandas.read_parquet(path).geometry
        ]


@pytest.mark.filterwarnings("ignore:Time zone information dropped", "ignore:The inplace keyword")
def test_movingpandas_reads_every_moving_feature_in_both_encodings(out):
    path = out / "mf-json"
    told = json.loads(path.read_text())
    trips = movingpandas.read_mf_json(path, "trip").trajectories
    assert [len(trip.df) for trip in trips] == [len(each["geometry"]["coordinates"]) for each in told["features"]]
    for trip, feature in zip(trips, told["features"], strict=True):
        assert [list(point.coords[0]) for point in trip.df.geometry] == feature["geometry"]["coordinates"]
        times = [f"{at.isoformat(timespec='milliseconds')}Z" for at in trip.df.index.tz_localize(None)]
        assert times == feature["properties"]["datetimes"] == feature["temporalGeometry"]["datetimes"]
        assert times == sorted(set(times))
    plain = {key: value for key, value in told["features"][0].items() if key != "temporalGeometry"}
    alone = movingpandas.io.read_mf_dict(plain, traj_id="1")
    assert alone.df.geometry.tolist() == trips[0].df.geometry.tolist()
    assert told["features"][0]["properties"]["speed_kmh"] == alone.df["speed_kmh"].unique().tolist()


@pytest.mark.filterwarnings("ignore:Operation with tuple")
def test_motchallenge_is_read_by_our_scorer_and_by_motmetrics(out):
    naming = scores.Naming(cameras=tuple(made.CAMERA_NODES), frames=frames())
    truth = scores.read(out / "motchallenge", naming).boxes
    assert truth.num_rows == boxes().num_rows
    slot = dict(zip(frames()["frame_id"].to_pylist(), frames()["slot_at"].to_pylist(), strict=True))
    wanted = {(row["camera_id"], slot[row["frame_id"]], row["x1_px"], row["y2_px"]) for row in boxes().to_pylist()}
    assert {(row["camera_id"], row["slot_at"], row["x1_px"], row["y2_px"]) for row in truth.to_pylist()} == wanted
    assert set(Counter(truth["vehicle_id"].to_pylist()).values()) == {2}
    first = min((out / "motchallenge").glob("*/gt/gt.txt"))
    read = motmetrics.io.loadtxt(first, fmt="mot15-2D", min_confidence=1)
    assert len(read) == len(first.read_text().splitlines())
    sequence = configparser.ConfigParser()
    sequence.read(first.parents[1] / "seqinfo.ini")
    assert sequence["Sequence"]["framerate"] == "0.1"


def test_ai_city_text_is_linked_again_and_scores_perfectly(out):
    folder = out / "aicity"
    scene = tracklets.Scene(folder / "tracks.txt", 0.1, known_as=folder / "clocks.csv", places=folder / "cameras.csv")
    back = given(scene)
    assert back["detections"].num_rows == boxes().num_rows
    assert back["sightings"].num_rows == made.sightings().num_rows
    truth = scores.read(
        folder / "tracks.txt", scores.Naming(feed="demo", cameras=tuple(made.CAMERA_NODES), frames=frames())
    )
    found = scores.track_scores(truth, made.sightings(), boxes(), frames())
    assert (found.idf1, found.mota) == (1.0, 1.0)


def test_gmns_tables_keep_the_rules_of_the_specification(out):
    tables = {name: records(out / "gmns" / f"{name}.csv") for name in ("node", "link", "config")}
    nodes = {row["node_id"]: (float(row["x_coord"]), float(row["y_coord"])) for row in tables["node"]}
    assert len(nodes) == len(tables["node"]) == made.NODES
    assert len({row["link_id"] for row in tables["link"]}) == len(tables["link"]) == made.roads().num_rows
    for row in tables["link"]:
        ends = shapely.get_coordinates(shapely.from_wkt(row["geometry"]))
        assert nodes[row["from_node_id"]] == pytest.approx(tuple(ends[0]), abs=1e-6)
        assert nodes[row["to_node_id"]] == pytest.approx(tuple(ends[-1]), abs=1e-6)
        assert (row["directed"], row["dir_flag"], float(row["length"])) == ("true", "1", 150.0)
    (config,) = tables["config"]
    assert (config["crs"], config["long_length"], config["id_type"]) == ("EPSG:4326", "meter", "string")


def test_coco_is_read_by_our_scorer_and_by_faster_coco_eval(out):
    told = json.loads((out / "coco").read_text())
    naming = scores.Naming(cameras=tuple(made.CAMERA_NODES))
    truth = scores.readers.read_coco(told, naming)
    usable = {row["frame_id"] for row in frames().to_pylist() if row["state"] == "ok"}
    wanted = [row for row in boxes().to_pylist() if row["frame_id"] in usable]
    assert truth.boxes.num_rows == len(wanted)
    assert Counter(truth.boxes["label"].to_pylist()) == Counter(row["label"] for row in wanted)
    assert len(told["images"]) == len(usable)
    assert [each["name"] for each in told["categories"]] == list(LABELS)
    known = COCO(str(out / "coco"))
    keys = ("image_id", "category_id", "bbox", "score")
    judge = COCOeval_faster(
        known, known.loadRes([{key: each[key] for key in keys} for each in told["annotations"]]), "bbox"
    )
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    assert judge.stats[0] == pytest.approx(1.0)


def test_a_data_package_is_valid_and_its_columns_are_described(out):
    report = validate(str(out / "datapackage" / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note", "resourceName", "fieldName"])
    package = Package(str(out / "datapackage" / "datapackage.json"))
    assert {"cameras", "observability", "flow", "od"} <= set(package.resource_names)
    camera = package.get_resource("cameras").read_rows()[0].to_dict()
    assert float(camera["lon"]) == pytest.approx(made.cameras().to_pylist()[0]["lon"])
    told = json.loads((out / "datapackage" / "datapackage.json").read_text())
    bare = {
        f"{r['name']}.{f['name']}" for r in told["resources"] for f in r["schema"]["fields"] if not f.get("description")
    }
    assert not bare
    assert told["licenses"][0]["title"] == "CC0-1.0"


def test_a_stac_item_is_valid_and_its_files_are_those_beside_it(out):
    folder = Path(pystac.__file__).parent / "validation" / "jsonschemas"
    known = {path.name: json.loads(path.read_text()) for path in folder.rglob("*.json")}
    addresses = {f"{each['$id'].rpartition('/')[0]}/{name}": each for name, each in known.items() if "$id" in each}
    registry = Registry().with_resources((at, Resource.from_contents(each)) for at, each in addresses.items())
    schema = known["item.json"]
    item = json.loads((out / "stac" / "item.json").read_text())
    jsonschema.Draft7Validator(schema, registry=registry).validate(item)
    read = pystac.Item.from_dict(item)
    assert read.common_metadata.start_datetime < read.common_metadata.end_datetime
    assert {key for key in item["properties"] if ":" in key} <= {f"processing:{each}" for each in PROCESSING}
    for asset in item["assets"].values():
        assert {key for key in asset if ":" in key} == TABLED
        assert asset["file:checksum"][:4] == "1220"  # a multihash of SHA-256
        path = out / "stac" / asset["href"]
        table = pq.read_table(path)
        assert path.stat().st_size == asset["file:size"]
        assert [each["name"] for each in asset["table:columns"]] == table.column_names
        assert asset["table:row_count"] == table.num_rows


def test_the_command_writes_into_the_lake_and_tells_rows_and_sizes(lake, tmp_path):
    told = CliRunner().invoke(app, ["export", "aicity", "--lake", lake.root, "--json"])
    assert told.exit_code == 0, told.output
    made_there = json.loads(told.stdout)
    assert Path(made_there["path"]) == Path(lake.root) / "exports" / "demo-2026-03-03-aicity"
    assert made_there["files"][0]["rows"] == boxes().num_rows
    shown = CliRunner().invoke(app, ["export", "gmns", "--lake", lake.root, "--out", str(tmp_path / "g")])
    assert "node.csv" in shown.output
    assert "not cleared" not in shown.output
    again = CliRunner().invoke(app, ["export", "gmns", "--lake", lake.root, "--out", str(tmp_path / "g")])
    assert isinstance(again.exception, SettingsError)
    explained = "".join(CliRunner().invoke(app, ["export", "--help"]).output.split())
    assert ",".join(exports.names()) in explained


def test_the_command_warns_where_the_terms_of_a_feed_are_not_cleared(tmp_path):
    there = Lake(tmp_path / "lake", "demo")
    cameras = [row | {"cleared": False, "licence": "ask first"} for row in made.cameras().to_pylist()]
    for name, rows in (("cameras", made._table("cameras", cameras)), ("roads", made.roads())):
        there.commit(Place(name, DAY), [there.write(Place(name, DAY), 0, rows)], {"scan_date": str(DAY)})
    shown = CliRunner().invoke(app, ["export", "gmns", "--lake", there.root])
    assert "ask first" in shown.output
    assert "not cleared" in shown.output
