"""That pixels and vectors are gone is proven by a search that finds them wherever they are put."""

import io
import json
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders import at, rows

from pipeline import __main__ as program
from pipeline import audit, proof, sentinels, upkeep
from pipeline.lake import Lake, Place
from pipeline.storage import STAGING
from pipeline.tables import EMBEDDINGS, SNAPSHOTS

PICTURE = cv2.imencode(".jpg", np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8))[1].tobytes()
VECTORS = EMBEDDINGS.schema.empty_table()
DAY = at(9).date()
NOW = datetime.now(UTC)


def vectors() -> pa.Table:
    """Return a file's worth of vectors with the one that is planted."""
    made = [{"detection_id": f"d{n}", "encoder": "resnet", "vector": bytes(192)} for n in range(3)]
    return sentinels.planted("embeddings", pa.Table.from_pylist(made, schema=EMBEDDINGS.schema), 0)


def parquet(name: str, value: bytes) -> bytes:
    """Write a compressed Parquet file of one value."""
    out = io.BytesIO()
    pq.write_table(pa.table({name: [value, b"other"]}), out, compression="zstd")
    return out.getvalue()


def database(value: bytes) -> bytes:
    """Write a SQLite database of one value, as Airflow's own is."""
    there = sqlite3.connect(":memory:")
    there.execute("CREATE TABLE kept (value BLOB)")
    there.execute("INSERT INTO kept VALUES (?)", (value,))
    there.commit()
    return there.serialize()


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(proof.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    there = Lake(str(tmp_path / "lake"), "fdr")
    place = Place.of("frames", at(9))
    there.commit(place, [there.write(place, 0, rows("frames"))], {})
    return there


@pytest.mark.parametrize(
    "content",
    [PICTURE, b"log line " + PICTURE + b" more", PICTURE[: len(PICTURE) // 2], PICTURE[:30], database(PICTURE)],
    ids=["whole", "in a log", "half", "its head", "in a database"],
)
def test_a_picture_is_found_whatever_is_about_it(content: bytes):
    assert proof.found_in(content) == {"picture": 1, "vector": 0}


@pytest.mark.parametrize("name", ["jpeg", "note"])
def test_a_picture_is_found_in_a_compressed_column(name: str):
    assert proof.found_in(parquet(name, PICTURE))["picture"] >= 1


def test_a_vector_is_found_in_any_file_by_the_planted_one_and_in_parquet_by_its_column():
    raw = b"".join(vectors()["vector"].to_pylist())
    assert proof.found_in(b"dump" + raw)["vector"] == 1
    assert proof.found_in(parquet("note", raw))["vector"] == 1
    assert proof.found_in(parquet("vector", bytes(192)))["vector"] == 2


def test_noise_is_no_picture():
    noise = np.random.default_rng(3).integers(0, 255, 2**24, np.uint8).tobytes()
    assert proof.pictures_in(noise + 200 * (proof.SOI + b"\x00\x00\x00")) == 0


def test_the_planted_vector_is_of_unit_length_and_nobodys():
    planted = vectors().slice(3).to_pylist()[0]
    numbers = np.frombuffer(planted["vector"], "<f2").astype(float)
    assert (numbers.shape, planted["detection_id"]) == ((96,), "sentinel:0")
    assert np.linalg.norm(numbers) == pytest.approx(1, abs=1e-6)
    assert sentinels.planted("embeddings", VECTORS, 0).num_rows == 0


PLACES = (
    "fdr/looks/00000001.json",
    "fdr/frames/date=2026-03-04/hour=09/stray.bin",
    "fdr/thoroughfare.duckdb.wal",
    "fdr/runs/2026.json",
)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("content", [PICTURE, b"".join(vectors()["vector"].to_pylist())], ids=["picture", "vector"])
def test_nothing_may_lie_anywhere_in_a_lake(lake: Lake, tmp_path: Path, place: str, content: bytes):
    assert proof.search(lake, NOW).finds == ()
    path = tmp_path / "lake" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    (find,) = proof.search(lake, NOW).wrong
    assert find.where.endswith(place)


def test_temporary_folders_and_those_named_are_searched(lake: Lake, tmp_path: Path):
    for folder in ("temporary/thoroughfare-sql-x", "temporary/dask-scratch-space/worker", "exports"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "left").write_bytes(PICTURE)
    assert proof.search(lake, NOW).count("picture") == 2
    assert proof.search(lake, NOW).wrong == ()
    assert len(proof.search(lake, NOW + timedelta(hours=25)).wrong) == 2
    assert proof.search(lake, NOW, [tmp_path / "exports"]).count("picture") == 3


def test_what_a_run_at_work_has_waits_and_is_gone_a_day_after_it_died(lake: Lake, tmp_path: Path):
    now = datetime.now(UTC)
    snapshots = pa.Table.from_pylist([dict.fromkeys(SNAPSHOTS.schema.names) | {"jpeg": PICTURE}])
    for name, made in {"embeddings": vectors(), "snapshots": snapshots}.items():
        place = Place.of(name, at(9))
        lake.storage.put(f"{place.folder}/0000-{16 * 'a'}.parquet", _written(made))
    staged = tmp_path / "lake" / "fdr" / STAGING / "dead-0-0"
    staged.parent.mkdir(exist_ok=True)
    staged.write_bytes(PICTURE)
    there = proof.search(lake, NOW)
    assert (there.count("picture"), there.count("vector"), there.wrong) == (2, 4, ())
    staged.unlink()
    later = now + timedelta(hours=25)
    upkeep.expire(lake, later)
    audit.collect(lake, later)
    assert proof.search(lake, NOW).finds == ()


def test_the_command_ends_with_7_and_names_the_file(lake: Lake, tmp_path: Path, monkeypatch, capsys):
    place = Place("cameras", DAY)
    lake.commit(place, [lake.write(place, 0, rows("cameras"))], {})
    (tmp_path / "page.html").write_bytes(PICTURE)
    words = ["expire", "--lake", str(tmp_path / "lake"), "--prove", "--json"]
    assert _run(monkeypatch, *words) == 0
    assert json.loads(capsys.readouterr().out)["proof"]["finds"] == []
    assert _run(monkeypatch, *words, "--also", str(tmp_path / "page.html")) == 7
    (find,) = json.loads(capsys.readouterr().out)["proof"]["finds"]
    assert (Path(find["where"]).name, find["what"], find["count"]) == ("page.html", "picture", 1)
    assert _run(monkeypatch, *words, "--also", str(tmp_path / "absent")) == 2


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["thoroughfare", *words])
    with pytest.raises(SystemExit) as end:
        program.main()
    return int(end.value.code or 0)


def _written(made: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(made, out, compression="zstd")
    return out.getvalue()
