"""The privacy report: it holds back what gives vehicles away, says why a figure is missing, and what is held is refused."""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pyarrow.compute as pc
import pytest
from builders import camera, rows, sighting, trajectory
from test_nightly import LINEAGE, ON, SCAN, kept

from pipeline import __main__ as program
from pipeline import looks, products
from pipeline.desk import Desk
from pipeline.errors import PrivacyError
from pipeline.lake import Place
from pipeline.privacy import measures, verdicts
from pipeline.privacy.moments import coarser, inner, moments
from tests import night

REAL = replace(SCAN, feed="archive", exempt="")
KEYS = ("k_violations", "recoverable_cells", "jpeg_found", "sentinel_vectors_found", "plates_read", "faces_found", "unicity", "linkage_auc", "epsilon")  # fmt: skip
PICTURE = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))[1].tobytes()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_HOME", raising=False)
    return replace(kept(tmp_path), scan=REAL)


def republished(desk: Desk, made: dict) -> None:
    """Commit other products in place of those of the night."""
    for name, table in made.items():
        place = Place(f"products/{name}", ON)
        desk.lake.commit(place, [desk.lake.write(place, 0, table)], LINEAGE | {"code": "another"})


def test_a_night_that_gives_nothing_away_may_be_published(desk: Desk):
    found = measures.measure(desk)
    assert set(KEYS) <= set(found)
    assert (found["k_violations"], found["recoverable_cells"], found["jpeg_found"]) == (0, 0, 0)
    assert (found["verdict"], found["reasons"]) == ("publish", [])


def test_what_is_not_measured_has_no_figure_and_a_reason(desk: Desk):
    found = measures.measure(desk)
    missing = {name for name in KEYS if found[name] is None}
    assert missing == {"plates_read", "faces_found", "linkage_auc", "epsilon"}
    assert missing < set(found["unmeasured"])


def test_rows_that_too_few_stand_behind_hold_a_night_back(desk: Desk):
    republished(desk, night.published(make=products.candidates))
    found = measures.measure(desk)
    assert found["k_violations"] > 0
    assert found["verdict"] == "hold"


@pytest.mark.parametrize("place", ["frames/stray.jpg", "report.html"])
def test_a_picture_anywhere_holds_a_night_back(desk: Desk, place: str):
    desk.lake.storage.put(place, PICTURE)
    found = measures.measure(desk)
    assert (found["jpeg_found"], found["verdict"]) == (1, "hold")
    assert place in found["reasons"][0]


def test_a_night_published_twice_with_small_changes_is_a_caution(desk: Desk):
    assert measures.measure(desk)["cautions"] == []
    rows = night.published()["flow"]
    two_more = pc.add(rows["support"], 2).cast(rows["support"].type)
    republished(desk, {"flow": rows.set_column(rows.schema.get_field_index("support"), "support", two_more)})
    found = measures.measure(desk)
    assert found["revision_differences"] == rows.num_rows > 0
    assert "published before with other rows" in found["cautions"][0]


def test_a_changed_log_of_looks_holds_a_night_back(desk: Desk):
    for nth in range(2):
        looks.look(desk.lake, REAL, "links", f"reason {nth}", desk.now)
    desk.lake.storage.delete("looks/00000001.json")
    assert "the log of looks was changed" in measures.measure(desk)["reasons"][0]


def test_the_look_at_trajectories_is_logged_as_any_other(desk: Desk):
    measures.measure(desk)
    assert [(each["table"], each["purpose"]) for each in looks.entries(desk.lake)] == [
        ("trajectories", measures.PURPOSE)
    ]


def test_when_trajectories_have_expired_k_is_still_held(desk: Desk):
    desk.lake.drop(Place("trajectories", ON), "retention")
    found = measures.measure(desk)
    assert (found["k_violations"], found["recoverable_cells"], found["unicity"]) == (0, None, None)
    assert {"recoverable_cells", "unicity"} <= set(found["unmeasured"])


def test_moments_are_the_sightings_of_each_trajectory():
    passed = rows(
        "trajectories",
        trajectory("t", [("s1", "a", 0), ("s2", "b", 60)]),
        trajectory("u", [("s3", "a", 5), ("gone", "b", 65)]),
    )
    seen = rows("sightings", sighting("s2", "b", 60), sighting("s1", "a", 0), sighting("s3", "a", 5))
    found = moments(passed, seen).select(["vehicle_id", "camera_id"]).to_pylist()
    assert [tuple(each.values()) for each in found] == [("t", "a"), ("t", "b"), ("u", "a")]


def test_moments_are_made_coarser_by_cells_of_cameras_and_lose_their_ends():
    passed = rows(
        "trajectories",
        trajectory("t", [(f"s{n}", f"c{n}", n) for n in range(5)]),
        trajectory("u", [("s0", "c0", 0), ("s4", "c4", 4)]),
    )
    seen = rows("sightings", *(sighting(f"s{n}", f"c{n}", n) for n in range(5)))
    known = rows("cameras", *(camera(f"c{n}", lon=-74 + 0.01 * n) for n in range(5)))
    left = inner(moments(passed, seen))
    assert left["camera_id"].to_pylist() == ["c1", "c2", "c3"]
    cells = coarser(left, known, 3)["camera_id"].to_pylist()
    assert cells[0] != cells[1] == cells[2]
    assert len(set(coarser(moments(passed, seen), known, 1)["camera_id"].to_pylist())) == 5


def test_journeys_are_told_as_they_lie_and_made_coarser(desk: Desk):
    told = measures.measure(desk)["unicity"]
    assert set(told) == {f"as they lie, {each}" for each in measures.BINS_S} | set(measures.COARSER) | {"published"}
    assert told["without ends, 60 min, cells of 16 cameras"]["2 points"] in (None, 0.0)


def test_what_is_held_is_refused_until_it_is_mended(desk: Desk):
    verdicts.refuse_held(desk.lake, ON)
    found = measures.measure(desk)
    verdicts.keep(desk.lake, found | {"verdict": "hold", "reasons": ["7 published rows"]})
    with pytest.raises(PrivacyError, match="7 published rows; mend that"):
        verdicts.refuse_held(desk.lake, ON)
    verdicts.refuse_held(desk.lake, ON + timedelta(days=1))
    verdicts.keep(desk.lake, found)
    verdicts.refuse_held(desk.lake, ON)


@pytest.mark.parametrize("words", [["map"], ["report"], ["export", "geoparquet"]], ids=" ".join)
def test_every_door_refuses_a_night_that_is_held(desk: Desk, words: list[str], monkeypatch, capsys):
    verdicts.keep(desk.lake, {"scan_date": str(ON), "verdict": "hold", "reasons": ["7 published rows"]})
    monkeypatch.setattr(sys, "argv", ["thoroughfare", *words, "--lake", desk.lake.root])
    with pytest.raises(SystemExit) as end:
        program.main()
    assert end.value.code == 8
    assert "held back by its privacy report" in capsys.readouterr().err


def test_the_command_keeps_its_figures_and_ends_with_8_where_it_holds(desk: Desk, monkeypatch, capsys):
    monkeypatch.setattr(measures, "_attacks", lambda _: None)
    monkeypatch.setattr(
        sys, "argv", ["thoroughfare", "privacy", "report", "--scan", "demo", "--lake", desk.lake.root, "--json"]
    )
    (Path(desk.lake.root) / "demo" / "stray").write_bytes(PICTURE)
    with pytest.raises(SystemExit) as end:
        program.main()
    told = json.loads(capsys.readouterr().out)
    assert (end.value.code, told["verdict"]) == (8, "hold")
    assert json.loads(desk.lake.storage.get(f"privacy/{ON}.json")) == told
