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


def flow(*intervals: tuple[str, int, str, int], week: int = 0) -> pa.Table:
    """Five-minute rows of (camera, minute, heading, vehicles), half as many again expected, so many weeks ago."""
    ago = timedelta(days=7 * week)
    return pa.Table.from_pylist(
        [
            {
                "camera_id": id_, "heading": heading, "vehicles": vehicles, "vehicles_expected": vehicles * 3 // 2,
                "interval_at": at(60 * minute) - ago, "interval_local": local(minute) - ago,
                "seen_percent": Decimal("66.7"), "support": vehicles, "scan_date": (NIGHT - ago).date(),
            }
            for id_, minute, heading, vehicles in intervals
        ]
    )  # fmt: skip


def travel_time(*hours: tuple[str, str, int, int, int, int], source: str = "links") -> pa.Table:
    """Rows of (from, to, hour, p50, p85, support); p95 is 10 s more than p85, p80 5 s less."""
    return pa.Table.from_pylist(
        [
            {
                "from_camera": from_, "to_camera": to, "hour_local": local(60 * hour), "source": source, "support": support,
                "buffer_percent": 100 * (p85 + 10 - p50) // p50,
            }
            | {
                name: Decimal(f"{seconds}.0")
                for name, seconds in {
                    "p15_s": p50 - 5, "p50_s": p50, "p80_s": p85 - 5, "p85_s": p85, "p95_s": p85 + 10,
                    "low_s": p50 - 2, "high_s": p50 + 4,
                }.items()
            }
            for from_, to, hour, p50, p85, support in hours
        ]
    )  # fmt: skip


def od(*movements: tuple[str, str, int]) -> pa.Table:
    """Vehicles from zone to zone in one hour."""
    kinds = [{"first_zone": one, "last_zone": other, "vehicles": n} for one, other, n in movements]
    return pa.Table.from_pylist(
        [
            each | {"low_vehicles": each["vehicles"] - 1, "high_vehicles": 5 * each["vehicles"], "hour_local": LOCAL}
            for each in kinds
        ]
    )


ZONES = pa.table({"zone": ["A", "A", "B"], "camera_id": ["a", "aa", "b"]})
MORE = rows("cameras", camera("a", name="Bridge"), camera("aa", name="Quay"), camera("b", name="Ramp"))
"""Zone A is named by its first camera, Bridge."""


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
    assert (quick["travel_time_index"], quick["planning_time_index"]) == (Decimal("1.00"), Decimal("1.50"))
    assert (slow["travel_time_index"], slow["planning_time_index"]) == (Decimal("2.00"), Decimal("3.25"))


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
    (hour,) = ask("od_by_hour", cameras=MORE, zones=ZONES, od=od(("A", "B", 30), ("B", "A", 10)))
    assert (hour["vehicles"], hour["movements"], hour["largest"]) == (40, 2, "Bridge > Ramp")
    assert hour["largest_percent"] == Decimal("75.0")


def test_od_by_zone_adds_hours_and_shares_out_each_origin():
    found = ask("od_by_zone", cameras=MORE, zones=ZONES, od=od(("A", "B", 20), ("A", "B", 10), ("A", "A", 10)))
    assert [(row["first_name"], row["last_name"], row["vehicles"], row["percent"]) for row in found] == [
        ("Bridge", "Ramp", 30, Decimal("75.0")), ("Bridge", "Bridge", 10, Decimal("25.0")),
    ]  # fmt: skip
    assert (found[0]["low_vehicles"], found[0]["high_vehicles"]) == (28, 150)


def test_imbalance_sets_both_directions_side_by_side():
    (pair,) = ask("imbalance", cameras=MORE, zones=ZONES, od=od(("A", "B", 30), ("B", "A", 10), ("A", "A", 50)))
    assert (pair["one_name"], pair["there"], pair["back"]) == ("Bridge", 30, 10)
    assert pair["imbalance_percent"] == Decimal("50.0")


def test_travel_times_learned_begin_with_the_best_known():
    ways = [transition("a", "b", travel_mu=0.0, floor_s=29.0, support=40), transition("b", "a", support=0)]
    best, guess = ask("travel_times_learned", ZONE, cameras=CAMERAS, transitions=rows("transitions", *ways))
    assert (best["from_name"], best["median_s"], best["support"]) == ("Bridge", Decimal("30.0"), 40)
    assert guess["source"] == "road"


def test_travel_time_by_pair_tells_the_buffer_and_how_sure_the_median_is():
    (row,) = ask("travel_time_by_pair", cameras=CAMERAS, travel_time=travel_time(("a", "b", 0, 40, 50, 12)))
    assert (row["from_name"], row["to_name"], row["buffer_percent"]) == ("Bridge", "Ramp", 50)
    assert (row["p15_s"], row["low_s"], row["high_s"], row["p95_s"]) == (35, 38, 44, 60)


def test_reliability_is_as_fhwa_defines_it():
    times = travel_time(("a", "b", 0, 40, 50, 20), ("a", "b", 1, 80, 125, 20), ("b", "a", 0, 40, 64, 20))
    worst, slow, quick = ask("reliability", cameras=CAMERAS, travel_time=times)
    # 80th over 50th percentile: 59 / 40, 120 / 80, 45 / 40; 95th over the median of the quickest hour: 135 / 40
    assert (worst["lottr"], worst["is_reliable"]) == (Decimal("1.50"), False)
    assert (slow["from_name"], slow["lottr"], slow["is_reliable"]) == ("Ramp", Decimal("1.48"), True)
    assert (worst["planning_time_index"], worst["buffer_percent"]) == (Decimal("3.38"), 69)
    assert (quick["lottr"], quick["planning_time_index"]) == (Decimal("1.13"), Decimal("1.50"))


def test_delay_is_of_the_linked_vehicles_against_the_quickest_hour():
    times = travel_time(("a", "b", 0, 40, 50, 20), ("a", "b", 1, 100, 125, 30))
    flows = travel_time(("a", "b", 2, 10, 20, 0), source="flows")
    (pair,) = ask(
        "delay_by_pair", cameras=CAMERAS, travel_time=pa.concat_tables([times, flows], promote_options="permissive")
    )
    # 30 vehicles of 60 s each
    assert (pair["vehicle_hours"], pair["most_delay_s"], pair["vehicles"]) == (Decimal("0.50"), Decimal("60.0"), 50)
    assert pair["slowest_hour_local"] == local(60)


def test_least_certain_times_begin_with_the_widest_interval():
    times = travel_time(("a", "b", 0, 60, 70, 20), ("b", "a", 0, 30, 40, 20))
    wide, narrow = ask("least_certain_times", cameras=CAMERAS, travel_time=times)
    assert (wide["from_name"], wide["width_percent"], narrow["width_percent"]) == ("Ramp", 20, 10)


def test_the_quietest_hour_is_one_that_was_seen_in_full():
    full = [("a", 60 * hour + 5 * n, "N", 20 - 5 * hour) for hour in range(2) for n in range(12)]
    (row,) = ask("quietest_hour_by_camera", cameras=CAMERAS, flow=flow(*full, ("a", 120, "N", 1)))
    assert (row["hour_local"], row["vehicles"], row["percent_of_busiest"]) == (local(60), 180, Decimal("75.0"))


def test_the_design_hour_tells_how_sharp_and_how_one_sided_the_peak_is():
    (row,) = ask(
        "design_hour",
        cameras=CAMERAS,
        flow=flow(("a", 0, "N", 20), ("a", 60, "N", 45), ("a", 65, "S", 15), ("a", 65, "none", 20)),
    )
    assert (row["hour_local"], row["vehicles"], row["k_percent"]) == (local(60), 80, Decimal("80.0"))
    assert (row["main_heading"], row["d_percent"]) == ("N", Decimal("75.0"))


def test_network_hours_share_out_the_night():
    cells = [("x", 0, 30), ("y", 0, 30), ("x", 1, 20)]
    heat = [{"cell": cell, "hour_local": local(60 * hour), "vehicle_minutes": Decimal(n)} for cell, hour, n in cells]
    first, second = ask("network_hours", heatmap=pa.Table.from_pylist(heat))
    assert (first["vehicle_minutes"], first["percent"], first["cells"]) == (60, Decimal("75.0"), 2)
    assert (second["percent"], second["cells"]) == (Decimal("25.0"), 1)


def test_occupancy_weighs_five_minutes_by_their_pictures():
    five = [(0, 30, "1.00", "60.0"), (5, 10, "5.00", "100.0")]
    rows_ = [
        {"camera_id": "a", "interval_local": local(minute), "pictures": n, "vehicles_per_picture": Decimal(mean)}
        | {"occupied_percent": Decimal(occupied)}
        for minute, n, mean, occupied in five
    ]
    (hour,) = ask("occupancy_by_camera", cameras=CAMERAS, occupancy=pa.Table.from_pylist(rows_))
    # (30 x 1 + 10 x 5) / 40 and (30 x 60 + 10 x 100) / 40
    assert (hour["pictures"], hour["vehicles_per_picture"], hour["occupied_percent"]) == (40, Decimal("2.00"), 70)
    assert (hour["most_vehicles_per_picture"], hour["fullest_local"]) == (5, local(5))


def test_heavy_vehicles_are_a_share_of_those_whose_kind_is_told():
    kinds = {"car": 60, "truck": 15, "bus": 5, "vehicle": 900}
    mixed = [{"camera_id": "a", "hour_local": LOCAL, "label": kind, "vehicles": n} for kind, n in kinds.items()]
    (hour,) = ask("heavy_vehicles", cameras=CAMERAS, mix=pa.Table.from_pylist(mixed))
    assert (hour["heavy"], hour["vehicles"], hour["heavy_percent"]) == (20, 80, Decimal("25.0"))


def speeds(*quarters: tuple[int, int, int]) -> pa.Table:
    """Rows of (leg, quarter of an hour, km/h); odd legs go from a to b, even ones back."""
    return pa.Table.from_pylist(
        [
            {
                "corridor": "a-a", "leg": leg, "from_camera": "a" if leg % 2 else "b", "to_camera": "b" if leg % 2 else "a",
                "from_m": 500 * (leg - 1), "to_m": 500 * leg, "interval_local": local(15 * quarter), "support": 12,
                "speed_kmh": Decimal(kmh), "low_speed_kmh": Decimal(kmh - 3), "high_speed_kmh": Decimal(kmh + 2),
            }
            for leg, quarter, kmh in quarters
        ]
    )  # fmt: skip


def test_speed_by_corridor_goes_leg_by_leg_in_driving_order():
    found = ask("speed_by_corridor", cameras=CAMERAS, speed_profile=speeds((2, 0, 20), (1, 1, 40), (1, 0, 50)))
    assert [(row["interval_local"], row["leg"], row["from_name"], row["speed_kmh"]) for row in found] == [
        (local(0), 1, "Bridge", 50), (local(0), 2, "Ramp", 20), (local(15), 1, "Bridge", 40),
    ]  # fmt: skip


def test_the_slowest_leg_is_slow_against_its_own_best():
    steady, jammed = (1, 0, 20), (2, 1, 15)
    first, second = ask("slowest_legs", cameras=CAMERAS, speed_profile=speeds(steady, (1, 1, 20), (2, 0, 60), jammed))
    assert (first["leg"], first["worst_local"], first["percent_of_best"]) == (2, local(15), Decimal("25.0"))
    assert (second["leg"], second["percent_of_best"]) == (1, Decimal("100.0"))


def weeks(*hours: int, tonight: int) -> pa.Table:
    """Vehicles of one hour tonight and, from last week backwards, in the weeks before."""
    counted = enumerate((tonight, *hours))
    return pa.concat_tables(
        [flow(("a", 0, "N", n // 2), ("a", 55, "N", n - n // 2), week=week) for week, n in counted if n]
    )


def test_an_hour_stands_out_against_the_same_weekday_of_the_weeks_before():
    # deviations from the median 100: 10, 0, 10; variance (1.2533 x 20 / 2)^2 = 157; 9.925 x sqrt(157 x 1.524) = 153.5
    calm = query.query("gold/anomalies", ZONE, flow=weeks(90, 100, 110, tonight=253))
    (odd,) = query.query("gold/anomalies", ZONE, flow=weeks(90, 100, 110, tonight=300)).to_pylist()
    assert calm.num_rows == 0
    assert (odd["vehicles"], odd["usual_vehicles"], odd["percent"], odd["nights"]) == (300, 100, 200, 3)
    assert (odd["low_vehicles"], odd["high_vehicles"], odd["hour_local"]) == (0, 254, LOCAL)


def test_two_nights_or_another_weekday_are_no_usual():
    assert query.query("gold/anomalies", ZONE, flow=weeks(100, 100, tonight=900)).num_rows == 0
    other = pa.concat_tables([weeks(100, 100, tonight=900), flow(("a", 24 * 60, "N", 100), week=3)])
    assert query.query("gold/anomalies", ZONE, flow=other).num_rows == 0


def test_usual_goes_back_eight_weeks_and_no_further():
    # eight weeks alike: Poisson, 3.499 x sqrt(100 x (1 + 1.571 / 8)) = 38.3
    (odd,) = query.query("gold/anomalies", ZONE, flow=weeks(*[100] * 8, 5000, tonight=60)).to_pylist()
    assert (odd["nights"], odd["low_vehicles"], odd["high_vehicles"], odd["percent"]) == (8, 61, 139, -40)


def test_unusual_hours_begin_with_the_farthest_from_usual():
    made = query.query("gold/anomalies", ZONE, flow=weeks(*[100] * 4, tonight=300))
    quiet = pa.concat_tables([flow(("b", 0, "S", 1000 if week else 100), week=week) for week in range(5)])
    both = pa.concat_tables([made, query.query("gold/anomalies", ZONE, flow=quiet)], promote_options="permissive")
    first, second = ask("unusual_hours", cameras=CAMERAS, anomalies=both)
    assert (first["name"], first["percent"], second["name"], second["percent"]) == ("Bridge", 200, "Ramp", -90)


def test_busier_than_usual_sets_the_last_night_against_the_weeks_before():
    (row,) = ask("busier_than_usual", cameras=CAMERAS, flow=weeks(100, 80, 90, 130, tonight=120))
    assert (row["vehicles"], row["usual_vehicles"], row["percent"]) == (120, 90, 33)
    assert (row["busier_than"], row["nights"], row["scan_date"]) == (3, 4, NIGHT.date())


def test_before_after_compares_nights_on_both_sides_of_a_date():
    nights = weeks(150, 110, 90, tonight=130)
    (hour,) = ask("before_after", {"date": str((NIGHT - timedelta(days=7)).date())}, cameras=CAMERAS, flow=nights)
    assert (hour["name"], hour["hour_of_day"], hour["nights_before"], hour["nights_after"]) == ("Bridge", 7, 2, 2)
    # means 100 and 140; variances 200 / 2 and 200 / 2; 196 x sqrt(200) / 100 = 27.7
    assert (hour["before_vehicles"], hour["after_vehicles"], hour["change_percent"]) == (100, 140, 40)
    assert (hour["low_change_percent"], hour["high_change_percent"]) == (12, 68)


def test_directness_sets_the_road_against_the_crow_s_way():
    apart = rows("cameras", camera("a", name="Bridge", lat=40.75), camera("b", name="Ramp", lat=40.76))
    ways = rows("transitions", transition("a", "b", road_m=1500.0), transition("a", "b", heading="S", road_m=9000.0))
    (pair,) = ask("directness", cameras=apart, transitions=ways)
    # a hundredth of a degree of 111,195 m
    assert (pair["road_m"], pair["straight_m"], pair["detour_factor"]) == (1500, 1112, Decimal("1.35"))
