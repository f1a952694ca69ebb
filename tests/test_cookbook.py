"""The cookbook's questions, each over a few rows whose answer is worked out by hand."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from builders import NIGHT, at, camera, detection, frame, rows, seen, sighting, single, transition

from pipeline import query

CAMERAS = rows("cameras", camera("a", name="Bridge"), camera("b", name="Ramp"))
LOCAL = (NIGHT - timedelta(hours=5)).replace(tzinfo=None)
ZONE = {"timezone": "America/New_York"}


def ask(name: str, params: dict[str, Any] | None = None, **tables: pa.Table) -> list[dict[str, Any]]:
    return query.query(f"cookbook/{name}", params, **tables).to_pylist()


def local(minutes: float) -> datetime:
    return LOCAL + timedelta(minutes=minutes)


def flow(*intervals: tuple[str, int, str, int]) -> pa.Table:
    """Five-minute rows of (camera, minute, heading, vehicles), half as many again expected."""
    return pa.Table.from_pylist(
        [
            {
                "camera_id": id_, "heading": heading, "interval_at": at(60 * minute), "interval_local": local(minute),
                "vehicles": vehicles, "vehicles_expected": vehicles * 3 // 2, "seen_percent": Decimal("66.7"),
            }
            for id_, minute, heading, vehicles in intervals
        ]
    )  # fmt: skip


def travel_time(*hours: tuple[str, str, int, int, int, int]) -> pa.Table:
    """Rows of (from, to, hour, p50, p85, support)."""
    return pa.Table.from_pylist(
        [
            {
                "from_camera": from_, "to_camera": to, "hour_local": local(60 * hour),
                "p50_s": Decimal(f"{p50}.0"), "p85_s": Decimal(f"{p85}.0"), "support": support, "source": "links",
            }
            for from_, to, hour, p50, p85, support in hours
        ]
    )  # fmt: skip


def od(*movements: tuple[str, str, int]) -> pa.Table:
    kinds = [{"first_camera": one, "last_camera": other, "vehicles": n} for one, other, n in movements]
    return pa.Table.from_pylist([each | {"hour_local": LOCAL} for each in kinds])


def test_hourly_volume_adds_headings_and_what_was_not_seen():
    hours = ask("hourly_volume", cameras=CAMERAS, flow=flow(("a", 0, "N", 10), ("a", 5, "S", 20), ("a", 60, "N", 4)))
    assert [(h["hour_local"], h["vehicles"], h["vehicles_expected"]) for h in hours] == [
        (local(0), 30, 45), (local(60), 4, 6),
    ]  # fmt: skip


def test_directional_split_shares_out_each_camera():
    split = ask("directional_split", cameras=CAMERAS, flow=flow(("a", 0, "N", 30), ("a", 5, "S", 10), ("b", 0, "E", 7)))
    assert [(s["camera_id"], s["heading"], s["percent"]) for s in split] == [
        ("a", "N", Decimal("75.0")), ("a", "S", Decimal("25.0")), ("b", "E", Decimal("100.0")),
    ]  # fmt: skip


def test_peak_hour_factor_needs_all_four_quarters():
    quarters = [("a", 15 * n, "N", 40 if n == 1 else 20) for n in range(4)]
    (hour,) = ask("peak_hour_factor", cameras=CAMERAS, flow=flow(*quarters, ("b", 0, "N", 9)))
    assert (hour["camera_id"], hour["vehicles"], hour["busiest_quarter"]) == ("a", 100, 40)
    assert hour["peak_hour_factor"] == Decimal("0.63")


def test_network_volume_counts_cameras():
    quarters = ask("network_volume", flow=flow(("a", 0, "N", 10), ("b", 10, "N", 5), ("a", 15, "N", 1)))
    assert [(q["quarter_local"], q["passes"], q["cameras"]) for q in quarters] == [(local(0), 15, 2), (local(15), 1, 1)]


def test_turning_shares_are_of_the_vehicles_followed_on():
    times = travel_time(("a", "b", 0, 30, 40, 20), ("a", "b", 1, 30, 40, 10), ("a", "a", 0, 90, 99, 10))
    shares = ask("turning_shares", cameras=CAMERAS, travel_time=times)
    assert [(s["to_name"], s["vehicles"], s["percent"]) for s in shares] == [
        ("Ramp", 30, Decimal("75.0")), ("Bridge", 10, Decimal("25.0")),
    ]  # fmt: skip


def test_travel_time_index_is_against_the_quickest_hour():
    times = travel_time(("a", "b", 0, 40, 50, 20), ("a", "b", 1, 80, 120, 20))
    quick, slow = ask("travel_time_index", cameras=CAMERAS, travel_time=times)
    assert (quick["travel_time_index"], quick["planning_time_index"]) == (Decimal("1.00"), Decimal("1.25"))
    assert (slow["travel_time_index"], slow["planning_time_index"]) == (Decimal("2.00"), Decimal("3.00"))


def test_speed_by_pair_is_over_the_road():
    ways = rows("transitions", transition("a", "b", road_m=500.0), transition("a", "b", heading="S", road_m=900.0))
    (pair,) = ask(
        "speed_by_pair", cameras=CAMERAS, travel_time=travel_time(("a", "b", 0, 36, 50, 20)), transitions=ways
    )
    assert (pair["road_m"], pair["median_kmh"], pair["slow_kmh"]) == (500, Decimal("50.0"), Decimal("36.0"))


def test_fullest_views_begin_with_the_fullest():
    views = [
        {"camera_id": id_, "hour_local": LOCAL, "vehicles_per_picture": Decimal(n), "vehicle_minutes": Decimal(60 * n)}
        | {"pictures": 60, "support": 40}
        for id_, n in (("a", 2), ("b", 7))
    ]
    found = ask("fullest_views", cameras=CAMERAS, counts=pa.Table.from_pylist(views))
    assert [row["name"] for row in found] == ["Ramp", "Bridge"]


def test_hottest_cells_tell_their_busiest_hour():
    heat = [("x", 0, 30, 12), ("x", 1, 45, 15), ("y", 0, 25, 11)]
    cells = pa.Table.from_pylist(
        [
            {"cell": cell, "hour_local": local(60 * hour), "vehicle_minutes": Decimal(n), "support": support}
            for cell, hour, n, support in heat
        ]
    )
    hot, other = ask("hottest_cells", heatmap=cells)
    assert (hot["cell"], hot["percent"], hot["busiest_hour_local"]) == ("x", Decimal("75.0"), local(60))
    assert (hot["most_vehicles"], other["percent"]) == (15, Decimal("25.0"))


def test_stopped_share_leaves_out_the_parked_and_hours_of_too_few():
    still = [sighting("1", "a", 0, motion="stopped"), sighting("2", "a", 9), sighting("p", "a", 9, motion="parked")]
    lone = sighting("3", "b", 0, motion="stopped")
    (hour,) = ask("stopped_share", ZONE | {"k": 2}, cameras=CAMERAS, sightings=rows("sightings", *still, lone))
    assert (hour["camera_id"], hour["vehicles"], hour["stopped_percent"]) == ("a", 2, Decimal("50.0"))
    assert hour["hour_local"] == LOCAL


def test_dwell_leaves_out_what_was_seen_once():
    stays = [sighting("1", "a", 0, 4), sighting("2", "a", 0, 6), sighting("3", "a", 0, 9), single("4", "a", 0)]
    (row,) = ask("dwell_by_camera", {"k": 3}, cameras=CAMERAS, sightings=rows("sightings", *stays))
    assert (row["p50_s"], row["p85_s"], row["vehicles"]) == (Decimal("6.0"), Decimal("9.0"), 3)


def test_speed_by_camera_is_of_vehicles_whose_speed_was_told():
    told = [("1", 0, 10.0), ("2", 60, 14.0), ("3", 120, 12.6), ("4", 299, 12.0), ("5", 300, 30.0)]
    seen = [sighting(name, "a", second, speed_mps=speed, speed_error_mps=0.5) for name, second, speed in told]
    seen += [
        sighting("untold", "a", 10),
        sighting("still", "a", 20, motion="parked", speed_mps=0.1, speed_error_mps=0.2),
    ]
    (row,) = ask("speed_by_camera", ZONE | {"k": 3}, cameras=CAMERAS, sightings=rows("sightings", *seen))
    assert (row["interval_local"], row["mean_mps"], row["p85_mps"]) == (local(0), Decimal("12.2"), Decimal("14.0"))
    assert (row["error_mps"], row["vehicles"]) == (Decimal("0.5"), 4)


def test_queue_growth_is_against_the_five_minutes_before():
    stops = [sighting(f"{minute}.{n}", "a", 60 * minute, motion="stopped") for minute in (0, 5, 15) for n in range(2)]
    stops += [sighting("more", "a", 310, motion="stopped"), sighting("few", "b", 0, motion="stopped")]
    found = ask("queue_growth", ZONE | {"k": 2}, cameras=CAMERAS, sightings=rows("sightings", *stops))
    assert [(row["interval_local"], row["stopped"], row["growth"]) for row in found] == [
        (local(0), 2, None), (local(5), 3, 1), (local(15), 2, None),
    ]  # fmt: skip


def test_observable_pairs_tell_the_worst_hour():
    hours = [
        seen("a", "link", "b", p=0.9),
        seen("a", "count", "b", p=0.1, hour_at=at(3600), reason="fog"),
        seen("a", "link"),
    ]
    (pair,) = ask("observable_pairs", cameras=CAMERAS, observability=rows("observability", *hours))
    assert (pair["from_name"], pair["to_name"], pair["worst_verdict"]) == ("Bridge", "Ramp", "count")
    assert (pair["worst_seen_percent"], pair["worst_reason"]) == (Decimal("10.0"), "fog")


def test_picture_states_share_out_each_hour():
    frames = rows("frames", frame("a", 0), frame("b", 0), frame("a", 6), frame("b", 6, "dark"), frame("a", 3600))
    ok, dark, later = ask("picture_states", ZONE, frames=frames)
    assert (ok["state"], ok["percent"], ok["cameras"]) == ("ok", Decimal("75.0"), 2)
    assert (dark["state"], dark["pictures"], later["hour_local"]) == ("dark", 1, local(60))


def test_cadence_is_measured_between_usable_pictures():
    times = [0, 2, 4, 14]
    frames = rows("frames", *(frame("a", s) for s in times), frame("a", 6, "frozen"))
    (row,) = ask("cadence_by_camera", cameras=CAMERAS, frames=frames)
    assert (row["p50_s"], row["longest_s"]) == (Decimal("2.00"), Decimal("10.00"))


@pytest.mark.parametrize(("heights", "below_24", "below_12"), [((30, 40), 0, 0), ((30, 20, 10, 8), 75, 50)])
def test_too_small_to_link_counts_by_height(heights, below_24, below_12):
    seen_ = rows("detections", *(detection(f"{n}", (0, 0, 9, high), camera_id="a") for n, high in enumerate(heights)))
    (row,) = ask("too_small_to_link", cameras=CAMERAS, detections=seen_)
    assert (row["below_24_px_percent"], row["below_12_px_percent"]) == (Decimal(below_24), Decimal(below_12))


def test_od_by_hour_names_the_largest_movement():
    (hour,) = ask("od_by_hour", od=od(("a", "b", 30), ("b", "a", 10)))
    assert (hour["vehicles"], hour["movements"], hour["largest"]) == (40, 2, "a > b")
    assert hour["largest_percent"] == Decimal("75.0")


def test_imbalance_sets_both_directions_side_by_side():
    (pair,) = ask("imbalance", cameras=CAMERAS, od=od(("a", "b", 30), ("b", "a", 10), ("a", "a", 50)))
    assert (pair["there"], pair["back"], pair["imbalance_percent"]) == (30, 10, Decimal("50.0"))


def test_travel_times_learned_begin_with_the_best_known():
    ways = [transition("a", "b", travel_mu=0.0, floor_s=29.0, support=40), transition("b", "a", support=0)]
    best, guess = ask("travel_times_learned", ZONE, cameras=CAMERAS, transitions=rows("transitions", *ways))
    assert (best["from_name"], best["median_s"], best["support"]) == ("Bridge", Decimal("30.0"), 40)
    assert guess["source"] == "road"
