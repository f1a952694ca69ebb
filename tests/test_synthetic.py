"""The benchmark city: the same options give the same bytes, vectors are as unlike as measured, the truth fits the tables."""

from functools import cache

import numpy as np
import pyarrow.compute as pc
import pytest
from typer.testing import CliRunner

from pipeline.errors import SettingsError
from pipeline.lake import Lake
from pipeline.synthetic import SCAN_DATE, Options, summary
from pipeline.synthetic.looks import Looks, measured
from pipeline.synthetic.night import Night
from pipeline.synthetic.score import steps, true_passes
from pipeline.synthetic.seen import Observer
from pipeline.synthetic.traffic import Passes, Traffic
from pipeline.tables import SIGHTINGS, TABLES


@cache
def traffic(**changes):
    return Traffic(Options(**changes))


@cache
def observed(**changes):
    options = Options(**changes)
    town = traffic(**changes)
    passes = next(town.hours(1))
    return passes, Observer(town.cameras, options, options.scan().starts_at(SCAN_DATE)).observe(0, passes)


def drawn(size_px, vehicles=300, **fleets):
    """Vectors of vehicles, each once at each of two cameras, less each camera's mean."""
    looks = Looks(Options(**({"taxis": 0.0, "vans": 0.0} | fleets)))
    vehicle = np.tile(np.arange(vehicles), 2)
    zeros = np.zeros(len(vehicle))
    passes = Passes(vehicle, np.repeat([0, 1], vehicles), zeros.astype(int), zeros, zeros, zeros, zeros.astype(int))
    vectors = looks.drawer(np.random.default_rng(5), 0, passes)(np.arange(len(vehicle)), np.full(len(vehicle), size_px))
    one, other = (each - each.mean(axis=0) for each in np.split(vectors.astype(np.float64), 2))
    return (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (one, other))


def test_drawn_vectors_are_as_alike_and_as_unlike_as_measured():
    one, other = drawn(44.0)
    told, own = measured(), np.eye(300, dtype=bool)
    cosine, shares = one @ other.T, measured()["shares"]
    assert np.quantile(cosine[own], shares) == pytest.approx(told["same"], abs=0.15)
    assert np.quantile(cosine[~own], shares) == pytest.approx(told["different"], abs=0.15)


def test_a_vehicle_is_found_among_others_about_as_often_as_measured():
    told, hits = measured(), []
    one, other = drawn(44.0, 22 * 20)
    for some in np.split(np.arange(len(one)), 20):
        hits += ((one[some] @ other[some].T).argmax(axis=1) == np.arange(22)).tolist()
    error = np.sqrt(told["rank1"] * (1 - told["rank1"]) / told["n_pairs"])
    assert abs(np.mean(hits) - told["rank1"]) < 2 * error


def test_small_vehicles_are_told_apart_less_well():
    alike = [np.mean((one * other).sum(axis=1)) for one, other in (drawn(22.0), drawn(36.0))]
    assert alike[0] < alike[1]


def test_taxis_are_much_alike():
    one, other = drawn(36.0, taxis=0.9)
    plain, others = drawn(36.0)
    assert np.median(one @ other.T) > np.median(plain @ others.T)


def test_vectors_are_of_unit_length():
    _, window = observed()
    vector = np.frombuffer(window.tables["embeddings"]["vector"][0].as_py(), "<f2").astype(float)
    assert (len(vector), np.linalg.norm(vector)) == (96, pytest.approx(1.0, abs=2e-3))


def test_the_same_seed_gives_the_same_tables():
    options, town = Options(), Traffic(Options())
    again = Observer(town.cameras, options, options.scan().starts_at(SCAN_DATE)).observe(0, next(town.hours(1)))
    assert all(again.tables[name].equals(rows) for name, rows in observed()[1].tables.items())


def test_another_seed_gives_another_city():
    assert not np.array_equal(traffic(seed=2).cameras.xy, traffic().cameras.xy)


def test_every_table_fits_its_schema_and_every_sighting_has_its_detections():
    _, window = observed()
    for name, rows in window.tables.items():
        TABLES[name].check(rows)
    named = window.tables["sightings"]["detection_ids"].combine_chunks().flatten()
    assert named.sort().equals(window.tables["detections"]["detection_id"].combine_chunks().sort())


def test_a_sighting_shows_a_pass_of_its_own_camera():
    passes, window = observed()
    camera = traffic().cameras.ids[passes.camera[np.argsort(passes.number)]]
    seen = window.shown >= 0
    assert np.array_equal(camera[window.shown[seen]], np.array(window.tables["sightings"]["camera_id"])[seen])


def test_boxes_and_pictures_a_sighting_are_those_of_real_stills():
    _, window = observed()
    count = pc.list_value_length(window.tables["sightings"]["detection_ids"]).to_numpy()
    found = window.tables["detections"]
    longer = np.maximum(*(found[f"{axis}2_px"].to_numpy() - found[f"{axis}1_px"].to_numpy() for axis in "xy"))
    assert (count.mean(), (count == 1).mean()) == (pytest.approx(1.82, abs=0.15), pytest.approx(0.47, abs=0.06))
    assert np.quantile(longer, [0.1, 0.5, 0.9]) == pytest.approx([13.3, 24.8, 63.0], rel=0.2)


def test_at_a_still_a_minute_nobody_is_followed_and_few_are_seen():
    passes, window = observed(cadence_s=60.0)
    rows = window.tables["sightings"]
    assert set(rows["motion"].to_pylist()) == {"lone"}
    assert set(rows["heading"].to_pylist()) == {"none"}
    assert rows.num_rows < 0.3 * len(passes)


def test_loss_loses_boxes():
    (_, lossy), (_, plain) = observed(loss=0.5), observed()
    shares = lossy.tables["detections"].num_rows / plain.tables["detections"].num_rows
    assert shares == pytest.approx(0.53, abs=0.06)  # ghosts are lost too, but drawn anew


def test_a_clock_that_is_wrong_shifts_what_its_camera_says_and_not_its_slots():
    skew_s = traffic(skewed=0.5).cameras.skew_s
    assert set(np.abs(skew_s)) == {0.0, 480.0}
    frames = observed(skewed=0.5)[1].tables["frames"].to_pylist()
    off_s = {(row["captured_at"] - row["slot_at"]).total_seconds() for row in frames if row["state"] == "ok"}
    assert off_s == {-480.0, 0.0, 480.0}


def test_overlapping_views_show_one_vehicle_at_two_cameras_at_once():
    passes, window = observed(overlapping=True)
    order = np.lexsort((passes.entered_s, passes.vehicle))
    same = passes.vehicle[order][1:] == passes.vehicle[order][:-1]
    at_once = passes.entered_s[order][1:] < passes.left_s[order][:-1]
    assert at_once[same].mean() > 0.3
    assert len(np.unique(window.shown)) == len(window.shown)


def test_hours_hang_together():
    first, second = list(Traffic(Options(size="district")).hours(2))
    both = np.intersect1d(first.number, second.number)
    assert len(both)
    assert np.all(first.left_s[np.isin(first.number, both)] >= 3600.0)
    assert second.number.max() == len(np.union1d(first.number, second.number)) - 1


def test_an_invented_night_lies_in_a_lake_with_its_truth(tmp_path):
    night = Night(Options(cadence_s=60.0), Lake(str(tmp_path), "district"))
    night.make()
    passes, sightings = true_passes(night), night.tables("sightings")
    assert SIGHTINGS.check(sightings).num_rows == sum(map(len, night.truth.shown))
    assert passes.num_rows == len(np.unique(np.concatenate([part.number for part in night.truth.passes])))


def test_a_link_of_two_neighbouring_passes_is_a_step_found():
    from tests.builders import link, rows, sighting

    both = rows("sightings", sighting("a", "one", 0), sighting("b", "two", 60), sighting("c", "three", 120))
    passes = both.select(["camera_id", "entered_at"]).append_column("vehicle_id", [[7, 7, 7]])
    found = steps(passes, np.arange(3), both, rows("links", link("a", "b"), link("a", "c")))
    assert (found["precision"], found["recall"], found["n_steps"]) == (1.0, 0.5, 2)


@pytest.mark.parametrize(("name", "value"), [("size", "town"), ("loss", 1.5), ("seed", -1), ("cadence_s", 0.0)])
def test_what_cannot_be_made_is_refused(name, value):
    with pytest.raises(SettingsError, match=name.removesuffix("_s")):
        Options(**{name: value})


def test_a_lake_that_holds_something_is_refused(tmp_path):
    from pipeline.__main__ import app

    (tmp_path / "mine").write_text("x")
    told = CliRunner().invoke(app, ["bench-city", "--size", "district", "--lake", str(tmp_path)])
    assert isinstance(told.exception, SettingsError)
    assert "something is there already" in str(told.exception)


def test_a_summary_says_what_could_not_be_told():
    made = {"rows": {"links": 0}, "verdicts": {"pairs": {"count": 3}}, "scores": {"links": {"idf1": None}}}
    assert "n/a  links: idf1" in summary(made)
