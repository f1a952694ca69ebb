"""Every check is silent over a sound night and names the rows that must not be."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from builders import NIGHT as HOUR
from builders import at, detection, frame, link, rows, seen, sighting, single, trajectory, transition

from pipeline import geo, products, query, tables, trajectories, upkeep
from pipeline.lake import Lake, Place

PARAMS = {
    "k": products.Settings.k,
    "max_speed_mps": trajectories.Settings.max_speed_mps,
    "position_m": trajectories.Settings.position_m,
}
PASS = sighting("1", "a", 0, 4), sighting("2", "b", 24, 28)
NIGHT: dict[str, list[dict[str, Any]]] = {
    "frames": [frame("a", 0), frame("a", 6), frame("a", 12, "dark"), frame("b", 0)],
    "detections": [detection("1#0", frame_id=frame("a", 0)["frame_id"], camera_id="a")],
    "sightings": [*PASS, single("3", "a", 90), sighting("4", "b", 95, motion="parked", heading="none")],
    "transitions": [transition("a", "b"), transition("a", "b", heading="none", floor_s=30.0)],
    "observability": [
        seen("a", "link", slots_planned=3, slots_seen=2), seen("b", "link", slots_planned=1, slots_seen=1),
        seen("a", "trajectory", "b"),
    ],
    "links": [link("1", "2", 20)],
    "trajectories": [trajectory("t", [("1", "a", 2), ("2", "b", 26)])],
}  # fmt: skip
SUPPORTS = pa.table({"product": ["flow", "od"], "support": [10, 12]})


def found(check: str, **changed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run a check over the sound night with some tables changed."""
    made = {name: rows(name, *(changed | {}).get(name, sound), raw=True) for name, sound in NIGHT.items()}
    made["supports"] = pa.Table.from_pylist(changed["supports"]) if "supports" in changed else SUPPORTS
    stated = query.header(f"checks/{check}")
    params = {name: PARAMS[name] for name in stated["params"]}
    return query.query(f"checks/{check}", params, **{name: made[name] for name in stated["reads"]}).to_pylist()


SOUND = NIGHT["trajectories"][0]
RUSHED = {
    "geometry": geo.to_wkb([[-73.98, 40.75], [-73.98, 40.7595], [-73.98, 40.76]]), "length_m": 1112.0,
    "vertices_at": [at(2), at(20), at(26)],
}  # fmt: skip
STATES = frame("a", 0, "foggy"), frame("a", 6, "dark", reason=None)
BOXES = [
    detection(str(n), box, frame_id=frame("a", 0)["frame_id"], camera_id="a")
    for n, box in enumerate([(-1, 0, 9, 9), (9, 0, 8, 9), (0, 0, 353, 9), (0, 5, 9, 241)])
]
CASES: dict[str, list[tuple[dict[str, list[dict[str, Any]]], int]]] = {
    "detections_outside_their_frame": [
        ({"detections": BOXES}, 4),
        ({"detections": [detection("x", frame_id="nowhere")]}, 1),
        ({"frames": [frame("a", 0, "dark")]}, 1),
    ],
    "impossible_links": [
        ({"links": [link("1", "2", 4.9)]}, 1),
        ({"links": [link("1", "2", 60.1)]}, 1),
        ({"links": [link("2", "1", 20)]}, 1),
    ],
    "impossible_probabilities": [
        ({"links": [link("1", "2", probability=1.1), link("3", "4", distance=2.2)]}, 2),
        ({"links": [link("1", "2", runner_up=-0.1)]}, 1),
        ({"trajectories": [NIGHT["trajectories"][0] | {"probability": float("nan")}]}, 1),
    ],
    "impossible_speeds": [
        ({"trajectories": [NIGHT["trajectories"][0] | {"length_m": 24 * 45 + 170.5}]}, 1),
        ({"trajectories": [NIGHT["trajectories"][0] | {"length_m": float("nan")}]}, 1),
    ],
    "links_backwards": [
        ({"links": [link("2", "1", -28)]}, 1),
        ({"links": [link("1", "2", 21)]}, 1),
        ({"links": [link("1", "3", 86)]}, 1),
    ],
    "links_beyond_observability": [
        ({"observability": [seen("a", "link"), seen("a", "flow", "b")]}, 1),
        ({"observability": []}, 1),
    ],
    "trajectories_beyond_observability": [
        ({"observability": [seen("a", "link"), seen("b", "link"), seen("a", "link", "b")]}, 1),
        ({"observability": []}, 1),
        ({"trajectories": [SOUND | {"bridged": [True]}]}, 1),
        (
            {
                "trajectories": [SOUND | {"bridged": [True]}],
                "observability": [seen("a", "trajectory", "m"), seen("m", "trajectory", "b")],
            },
            0,
        ),
    ],
    "legs_without_link": [
        ({"links": []}, 1),
        ({"trajectories": [SOUND | {"bridged": [True]}]}, 1),
        ({"trajectories": [SOUND | {"bridged": []}]}, 1),
    ],
    "vertices_out_of_step": [
        ({"trajectories": [SOUND | {"vertices_at": [at(2), at(9), at(26)]}]}, 1),
        ({"trajectories": [SOUND | {"vertices_at": [at(26), at(2)]}]}, 1),
        ({"trajectories": [SOUND | {"vertices_at": [at(2), at(27)]}]}, 1),
    ],
    "impossible_lines": [
        ({"trajectories": [SOUND | {"length_m": 400.0}]}, 1),
        ({"trajectories": [SOUND | RUSHED]}, 1),
    ],
    "sightings_out_of_order": [
        ({"sightings": [sighting("1", "a", 4, 0), single("2", "a", 0, detection_ids=[])]}, 2),
        ({"sightings": [single("1", "a", 0, motion="moving"), sighting("2", "a", 0, heading="up")]}, 2),
        ({"sightings": [sighting("1", "a", 0, motion="flying"), sighting("2", "a", 0, motion="single")]}, 2),
    ],
    "slots_that_do_not_add_up": [
        ({"frames": NIGHT["frames"][1:]}, 1),
        ({"frames": [*NIGHT["frames"], frame("c", 0)]}, 1),
        ({"observability": []}, 2),
    ],
    "slots_with_two_frames": [({"frames": [frame("a", 0), frame("a", 0, frame_id="again")]}, 1)],
    "too_little_support": [({"supports": [{"product": "flow", "support": n} for n in (9, 9, 10, 1)]}, 2)],
    "two_links_for_one_sighting": [
        ({"links": [link("1", "2"), link("1", "3")]}, 1),
        ({"links": [link("1", "3"), link("2", "3")]}, 1),
    ],
    "two_places_at_once": [({"sightings": [sighting("1", "a", 0, 25), PASS[1]]}, 1)],
    "two_sightings_for_one_detection": [({"sightings": [PASS[0], single("9", "b", 0, detection_ids=["1#0"])]}, 1)],
    "two_trajectories_for_one_sighting": [
        ({"trajectories": [*NIGHT["trajectories"], trajectory("u", [("2", "b", 26), ("4", "c", 95)])]}, 1)
    ],
    "uneven_trajectories": [
        ({"trajectories": [trajectory("t", [("1", "a", 2)])]}, 1),
        ({"trajectories": [trajectory("t", [("1", "a", 26), ("2", "b", 2)])]}, 1),
        ({"trajectories": [NIGHT["trajectories"][0] | {"camera_ids": ["a"]}]}, 1),
    ],
    "unknown_labels": [
        ({"detections": [detection("x", label="person"), detection("y", score=1.5)]}, 2),
        ({"sightings": [sighting("1", "a", 0, label="person")]}, 1),
    ],
    "unknown_sightings": [({"links": [link("1", "9")]}, 1), ({"sightings": [PASS[0]]}, 1)],
    "unknown_states": [({"frames": list(STATES)}, 2)],
}


@pytest.mark.parametrize("check", [name.split("/")[1] for name in query.names("checks")])
def test_a_check_is_silent_over_a_sound_night_and_speaks_over_each_fault(check: str):
    assert found(check) == []
    for changed, faults in CASES[check]:
        assert len(found(check, **changed)) == faults, changed


def test_the_lists_in_the_checks_are_those_of_the_tables():
    for check, names in (("unknown_states", tables.FRAME_STATES), ("unknown_labels", tables.LABELS)):
        assert ", ".join(f"'{name}'" for name in names) in query.read(f"checks/{check}")


def test_verify_runs_the_checks_with_the_settings_the_night_was_made_with(tmp_path: Path):
    lake = Lake(tmp_path, "demo")
    made = {"cameras": rows("cameras"), "trajectories": rows("trajectories", *NIGHT["trajectories"])}
    made["products/flow"] = pa.table({"support": [7]})
    for name, table in made.items():
        place = Place(name, HOUR.date())
        settings = {"k": "8"} if name == "products/flow" else {"max_speed_mps": "4", "position_m": "3"}
        lineage = {"scan_date": str(HOUR.date()), "settings": settings}
        lake.commit(place, [lake.write(place, 0, table)], lineage)
    faulty = {fault.where.split()[0] for fault in upkeep.verify(lake)}
    assert faulty == {"checks/impossible_lines", "checks/impossible_speeds", "checks/too_little_support"}
