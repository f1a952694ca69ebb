"""The same vehicle is found again at the next camera, or nothing is said."""

import numpy as np
import pyarrow as pa
import pytest

from pipeline import transitions
from pipeline.links import Settings, link
from pipeline.query import query
from pipeline.tables import LINKS
from tests.builders import at, rows, seen, sighting, transition
from tests.corridor import WINDOW, Corridor, corridor, empty, honest

ROADLESS = transitions.Settings(metric_crs="EPSG:32618")


def ways(made: Corridor) -> pa.Table:
    return transitions.learn(made.cameras, empty("roads"), made.sightings, ROADLESS)


def linked(made: Corridor, observability: pa.Table | None = None, **settings: float) -> pa.Table:
    weighed = honest() if observability is None else observability
    return link(
        made.sightings,
        made.detections,
        made.embeddings,
        ways(made),
        weighed,
        empty("links"),
        WINDOW,
        Settings(**settings),
    )


def right(made: Corridor, links: pa.Table) -> np.ndarray:
    return np.array([made.vehicle[row["query_id"]] == made.vehicle[row["gallery_id"]] for row in links.to_pylist()])


def test_no_sightings_give_no_links():
    nothing = [
        empty(name) for name in ("sightings", "detections", "embeddings", "transitions", "observability", "links")
    ]
    assert link(*nothing, WINDOW, Settings()).equals(LINKS.empty())


def test_vehicles_that_differ_are_linked_and_rarely_wrongly():
    made = corridor(vehicles=400, noise=0.7)
    found = right(made, linked(made))
    assert found.mean() > 0.97
    assert found.sum() > 0.8 * 400 * 2 * 0.9 * 0.9


def test_probabilities_are_calibrated_where_looks_are_noisy():
    made = corridor(vehicles=500, noise=1.6)
    links = linked(made, min_probability=0.2)
    assert links["probability"].to_numpy().mean() == pytest.approx(right(made, links).mean(), abs=0.08)


def test_vehicles_that_look_alike_are_left_unlinked():
    made = corridor(vehicles=500, alike=True, noise=1.0)
    assert linked(made).num_rows < 0.03 * 500


def test_each_sighting_is_linked_once_on_either_side():
    links = linked(corridor(vehicles=300, noise=1.2), min_probability=0.1)
    assert len(set(links["query_id"].to_pylist())) == links.num_rows == len(set(links["gallery_id"].to_pylist()))


def test_no_link_is_faster_than_its_floor():
    made = corridor(vehicles=300, noise=1.2)
    floors = {(row["from_camera"], row["to_camera"]): row["floor_s"] for row in ways(made).to_pylist()}
    at = dict(zip(made.sightings["sighting_id"].to_pylist(), made.sightings["camera_id"].to_pylist(), strict=True))
    for row in linked(made, min_probability=0.1).to_pylist():
        assert row["travel_s"] >= floors[at[row["query_id"]], at[row["gallery_id"]]]


def test_a_missed_camera_is_bridged():
    made = corridor(vehicles=300, noise=0.7, seen=0.8)
    skipping = [row for row in linked(made).to_pylist() if row["query_id"][0] == "0" and row["gallery_id"][0] == "2"]
    assert len(skipping) > 10


def test_the_order_of_rows_does_not_matter():
    made = corridor(vehicles=150)
    turned = Corridor(
        *(
            table.take(np.arange(table.num_rows)[::-1])
            for table in (made.cameras, made.sightings, made.detections, made.embeddings)
        ),
        made.vehicle,
    )
    assert linked(made).equals(linked(turned))


def test_a_parked_vehicle_is_never_linked():
    made = corridor(vehicles=100)
    parked = made.sightings.set_column(
        made.sightings.schema.get_field_index("motion"), "motion", pa.array(["parked"] * made.sightings.num_rows)
    )
    still = Corridor(made.cameras, parked, made.detections, made.embeddings, made.vehicle)
    tables = (still.sightings, still.detections, still.embeddings, ways(made), honest(), empty("links"))
    assert link(*tables, WINDOW, Settings()).num_rows == 0


def ends(links: pa.Table) -> set[str]:
    """First and second camera of every link, as `01`."""
    return {row["query_id"][0] + row["gallery_id"][0] for row in links.to_pylist()}


def test_a_pair_that_cannot_support_links_gets_none():
    made = corridor(vehicles=150)
    assert {"01", "12"} <= ends(linked(made))
    assert ends(linked(made, honest(c0_c1="flow"))) & {"01", "12"} == {"12"}


@pytest.mark.parametrize(("before", "after", "pairs"), [("link", "link", 1), ("flow", "link", 0), ("link", "flow", 0)])
def test_a_pair_must_support_links_in_the_hour_of_leaving_and_of_arrival(before: str, after: str, pairs: int):
    weighed = [seen("a", before, "b"), seen("a", after, "b") | {"hour_at": at(3600)}]
    tables = {
        "sightings": rows("sightings", sighting("1", "a", 3590), sighting("2", "b", 3610)),
        "transitions": rows("transitions", transition("a", "b")),
        "observability": rows("observability", *weighed),
    }
    params = {"bucket_us": 60_000_000, "first_us": 0, "last_us": 1 << 62}
    assert query("links/candidates", params, **tables).num_rows == pairs


def test_what_was_not_weighed_is_refused():
    assert linked(corridor(vehicles=150), empty("observability")).num_rows == 0


def test_an_arrival_before_the_window_is_not_returned():
    made = corridor(vehicles=150)
    later = type(WINDOW)(WINDOW.ends_at, WINDOW.ends_at, WINDOW.ends_at + (WINDOW.ends_at - WINDOW.hour_at))
    assert (
        link(
            made.sightings, made.detections, made.embeddings, ways(made), honest(), empty("links"), later, Settings()
        ).num_rows
        == 0
    )


def test_who_was_linked_onward_in_the_window_before_is_not_linked_again():
    made = corridor(vehicles=150)
    all_, half = linked(made), linked(made).slice(0, 60)
    tables = (made.sightings, made.detections, made.embeddings, ways(made), honest())
    found = link(*tables, half, WINDOW, Settings())
    assert not set(found["query_id"].to_pylist()) & set(half["query_id"].to_pylist())
    assert found.num_rows > 0.8 * (all_.num_rows - 60)


def test_without_portraits_a_crowd_is_left_unlinked():
    made = corridor(vehicles=400)
    tables = (made.sightings, made.detections, empty("embeddings"), ways(made), honest(), empty("links"))
    assert link(*tables, WINDOW, Settings()).num_rows < 8


def test_one_lone_vehicle_in_the_gate_is_not_enough_to_be_sure():
    pair = rows("sightings", sighting("1", "a", 0), sighting("2", "b", 20))
    way = rows("transitions", transition("a", "b", travel_mu=2.5, travel_sigma=0.5))
    weighed = rows("observability", seen("a", "link"), seen("b", "link"), seen("a", "link", "b"))
    tables = (pair, empty("detections"), empty("embeddings"), way, weighed, empty("links"))
    assert link(*tables, WINDOW, Settings()).num_rows == 0
