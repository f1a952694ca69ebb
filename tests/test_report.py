"""Write the report of the invented night and read it: by eye of a browser, by ear of axe-core, by text and by JSON."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import night
import pyarrow as pa
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline import report
from pipeline.errors import SchemaError, SettingsError
from pipeline.report import Given, figures, ground, words
from pipeline.report.chapters import certainty, changes, coverage, heat, outcomes, privacy, quality, trips, volumes
from pipeline.report.page import render
from pipeline.scans import Scan

SCAN = Scan(
    name="demo", feed="demo", timezone="America/New_York", metric_crs="EPSG:32618", hours="07:30-07:45", cadence_s=15.0, k=3,
    exempt="a simulated city: its vehicles are nobody's",
)  # fmt: skip
ON = date(2026, 3, 3)
SCORES = {
    "detections": {
        "ap50": 0.9123, "precision": 0.97, "recall": 0.88, "n": 4210, "by_class": {"car": {"n": 3, "recall": 0.5}}, "mota": None,
    },
    "links": {
        "precision": 0.953, "n_right": 310,
        "calibration": {"ece": 0.03, "stated": [0.3, 0.6, 0.9], "came_true": [0.35, 0.5, 0.92], "n": [40, 100, 900]},
    },
}  # fmt: skip
RUN = {"stage": "frames", "steps": 1, "fresh": 1, "faults": 0, "seconds": 12.0, "rows": 360, "peak_rss_mb": 512}
LEFT_OUT = {
    "checks": {"unknown_labels": 0, "two_places_at_once": 2, "links_backwards": None}, "runs": [RUN], "scores": SCORES,
    "statements": {"two_places_at_once": "one vehicle that enters a camera before it has left the one before"},
    "lying": {"frames": {"rows": 360, "size_bytes": 4_200_000}}, "withheld": {"flow": 7, "od": None},
    "looks": [{"at": "2026-03-04T09:00:00.000000+00:00", "table": "links", "purpose": "signals of <Ring Road>"}],
    "operators": {"demo": {"operator": "Demo City", "licence": "CC0-1.0", "cleared": True}},
}  # fmt: skip


published = cache(night.published)
"""The invented night's products, made once for each k."""


def given(**changed: Any) -> Given:
    """Give the invented night, with some of what is known of it changed."""
    known = {"scan": SCAN, "scan_date": ON, "tables": night.tables(), "products": published(), **LEFT_OUT}
    return Given(**known | changed)


def weeks(count: int, **totals: float) -> dict[date, dict[str, float]]:
    """Give the totals of some weeks before, the same every week but for one vehicle more each."""
    return {ON - timedelta(weeks=n): {"vehicles": 100.0 + n, "usable": 0.9, **totals} for n in range(count, 0, -1)}


def anomalies() -> pa.Table:
    """Give one hour that stands out in the invented night, and the same a week before."""
    row = {"camera_id": "demo:0", "heading": "E", "hour_local": night.HOUR.replace(tzinfo=None), "vehicles": 90, "usual_vehicles": 40,
           "low_vehicles": 30, "high_vehicles": 50, "nights": 4, "percent": 125, "support": 90}  # fmt: skip
    rows = [{**row, "hour_at": night.HOUR}, {**row, "hour_at": night.HOUR - timedelta(days=7)}]
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the invented night's report once."""
    made = given(before=weeks(4), gold={"anomalies": anomalies()})
    return report.write(tmp_path_factory.mktemp("report") / "report.html", made)


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, written: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Open the report by day and by night, cut off from every host."""
    context = browser.new_context(viewport={"width": 1100, "height": 800}, offline=True, color_scheme=request.param)
    opened = context.new_page()
    opened.complaints = []  # type: ignore[attr-defined]
    opened.on("console", lambda said: opened.complaints.append(said.text))  # type: ignore[attr-defined]
    opened.on("request", lambda asked: opened.complaints.append(asked.url) if asked.url.startswith("http") else None)  # type: ignore[attr-defined]
    opened.goto(written.as_uri())
    yield opened
    context.close()


def test_the_browser_has_nothing_to_complain_of_and_axe_finds_no_barrier(page: Page):
    assert page.complaints == []  # type: ignore[attr-defined]
    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"][:200] for node in each["nodes"]][:3]) for each in found] == []


def test_every_chart_has_a_size_and_a_name_and_a_phone_shows_all(page: Page):
    charts = page.locator("svg:not(.icon):not(.defs)")
    boxes = [charts.nth(at).bounding_box() for at in range(charts.count())]
    assert len(boxes) > 15
    assert all(box and box["width"] > 5 and box["height"] > 5 for box in boxes)
    assert page.locator("svg[role=img]:not([aria-label])").count() == 0
    assert page.locator("svg.map .spot").count() == 6
    assert page.locator("svg.map .way").count() == 2
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_it_prints_on_paper_of_its_own_size(browser: Browser, written: Path, tmp_path: Path):
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(written.as_uri())
    printed = page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True)
    context.close()
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 14


def test_the_page_is_made_from_its_json_and_the_roads_alone(written: Path):
    facts = json.loads(written.with_suffix(".json").read_text(encoding="utf-8"))
    assert render(facts, given().table("roads")) == written.read_text(encoding="utf-8")


def test_the_documented_keys_are_those_of_the_json(written: Path):
    told = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")
    facts = json.loads(written.with_suffix(".json").read_text(encoding="utf-8"))
    assert {name for name in facts if f"`{name}`" not in told} == set()
    chapters = {f"{name}.{key}" for name, there in facts.items() if isinstance(there, dict) for key in there}
    assert {each for each in chapters if f"`{each}`" not in told} == set()
    assert facts["schema"] in told


def test_no_script_is_in_the_page_whatever_a_camera_is_called(written: Path):
    text = written.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;/script&gt;" in text
    assert "signals of &lt;Ring Road&gt;" in text


def test_the_same_tables_give_the_same_bytes(tmp_path: Path):
    shuffled = {name: rows.take(pa.array(range(rows.num_rows - 1, -1, -1))) for name, rows in night.tables().items()}
    for name, tables in (("a", night.tables()), ("b", shuffled)):
        report.write(tmp_path / f"{name}.html", given(tables=tables))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_expired_tables_and_an_empty_night_are_told(tmp_path: Path):
    left = {name: rows for name, rows in night.tables().items() if name not in ("detections", "links")}
    text = report.write(tmp_path / "old.html", given(tables=left)).read_text(encoding="utf-8")
    assert "not counted here: detections, links" in text
    assert "<b>–</b><span>vehicle boxes found in them" in text
    assert "Links are no longer in the lake" in text
    empty = Given(SCAN, ON, {}, {})
    text = report.write(tmp_path / "empty.html", empty).read_text(encoding="utf-8")
    for words_ in ("No camera is listed.", "No flow is published", "No check was run", "Too few nights to tell"):
        assert words_ in text


def test_a_night_of_an_earlier_version_is_reported(tmp_path: Path):
    """Products without bounds and zones, as they were before these were added."""
    old = {
        name: rows.drop([each for each in rows.column_names if each.startswith(("low_", "high_", "lottr", "p80"))])
        for name, rows in published().items()
        if name in ("counts", "flow", "heatmap", "travel_time")
    }
    od = [{"first_camera": "demo:0", "last_camera": "demo:2", "vehicles": 12, "p50_s": 60, "support": 12}]
    text = report.write(tmp_path / "r.html", given(products={**old, "od": pa.Table.from_pylist(od)})).read_text("utf-8")
    assert "by the first camera (rows)" in text
    assert "if every bound erred" not in text


def test_what_cannot_be_written_or_is_no_table_is_refused(tmp_path: Path):
    with pytest.raises(SettingsError, match="facts go into that file"):
        report.write(tmp_path / "report.json", given())
    with pytest.raises(SettingsError, match="cannot be written"):
        report.write(tmp_path, given())
    with pytest.raises(SchemaError, match="frames has columns"):
        report.reckon(given(tables={"frames": pa.table({"a": [1]})}))


def test_scores_are_marked_as_shares_or_counts(written: Path):
    text = written.read_text(encoding="utf-8")
    for said in ("<dt>AP50</dt><dd>91.2 %</dd>", "<dt>car recall</dt><dd>50.0 %</dd>", "<dt>n</dt><dd>4,210</dd>", "<dt>MOTA</dt><dd>not told</dd>"):  # fmt: skip
        assert said in text


def test_states_of_a_camera_and_of_a_feed_sum_to_what_was_planned():
    cameras = coverage.facts(given())["cameras"]["rows"]
    assert [sum(row["states"].values()) for row in cameras] == [60] * 6
    feed = outcomes.facts(given())["feeds"][0]
    assert feed["planned"] == sum(feed["states"].values()) == 360
    assert sum(row["pictures"] for row in feed["reasons"]["rows"]) == 360 - feed["states"]["ok"]


def test_pictures_lost_for_one_cause_are_counted_together_and_poison_apart():
    frames = night.frames().slice(0, 3).to_pylist()
    reasons = ("same pixels as at 11:55:00Z", "same pixels as at 12:05:00Z", "quarantined: killed its reader")
    rows = [{**row, "state": "broken", "reason": why} for row, why in zip(frames, reasons, strict=True)]
    tables = {"cameras": night.cameras(), "frames": pa.Table.from_pylist(rows, night.frames().schema)}
    feed = outcomes.facts(given(tables=tables))["feeds"][0]
    assert feed["reasons"]["rows"][0] == {
        "state": "broken",
        "reason": "same pixels as at …",
        "pictures": 2,
        "cameras": 1,
    }
    assert feed["quarantined"] == 1


def test_totals_of_flow_add_up_and_lie_within_their_bounds():
    told = volumes.facts(given())
    assert sum(row["vehicles"] for row in told["cameras"]["rows"]) == told["total"]["vehicles"]
    assert told["total"]["low_vehicles"] <= told["total"]["vehicles_expected"] <= told["total"]["high_vehicles"]


def test_what_is_not_shown_is_what_could_be_less_what_is():
    rows = {row["product"]: row for row in privacy.withheld(given(products=published()))}
    assert rows["od"]["of"] == 50  # of 60: to the nearest 50
    for row in (rows["od"], rows["flow"]):
        assert row["left"] == words.about(max(row["of"] - row["vehicles"], 0))
    assert rows["flow"]["left"] > 0
    assert rows["flow"]["rows_withheld"] == 7


def test_the_last_passing_of_a_vehicle_is_left_alone():
    assert certainty.abstained(given()) == {"could": 240, "alone": 60, "share": 0.25}


def test_a_night_is_deleted_days_after_its_end():
    rows = {row["table"]: row["until"] for row in privacy.retention(given())}
    assert rows["detections"] == "7 days after the night or its making, not before 2026-03-10"
    assert rows["snapshots"].startswith("as soon as")


def test_too_few_nights_tell_no_change_and_enough_tell_what_none_reached():
    assert changes.facts(given(before=weeks(2)))["basis"] is None
    told = changes.facts(given(before=weeks(3)))
    rows = {row["name"]: row for row in told["totals"]}
    assert told["basis"] == "same weekdays"
    assert (rows["vehicles"]["usual"], rows["vehicles"]["outside"]) == (102.0, True)


def test_nights_are_held_against_eight_weekdays_and_eight_nights_before():
    chosen = changes.nights([ON - timedelta(days=n) for n in range(1, 100)], ON)
    assert sum(each.weekday() == ON.weekday() for each in chosen) == 8
    assert len(chosen) == 15


def test_anomalies_of_other_nights_are_left_out():
    told = changes.facts(given(before=weeks(4), gold={"anomalies": anomalies()}))
    assert [each["name"] for each in told["anomalies"]["rows"]] == ["Harbour Bridge"]


def test_checks_that_failed_come_first_and_those_not_asked_are_no_success():
    told = quality.facts(given())
    assert told["counts"] == {"held": 1, "failed": 1, "not asked": 1}
    assert told["checks"][0]["check"] == "two_places_at_once"


def test_speed_is_pictures_by_the_seconds_of_steps(written: Path):
    cost = json.loads(written.with_suffix(".json").read_text(encoding="utf-8"))["cost"]
    assert (cost["pictures_per_s"], cost["peak_mb"], cost["size_bytes"]) == (30.0, 512, 4_200_000)


def test_shares_near_one_and_few_vehicles_are_not_written_as_what_they_are_not():
    assert [words.percent(words.share(*each)) for each in ((1999, 2000), (1, 2000), (0, 0))] == [">99 %", "<1 %", "–"]
    rows = coverage.cameras(given(scan=replace(SCAN, k=41)), {})
    assert [words.told(row["passings"], 41) for row in rows] == ["under 41"] * 6
    assert words.told(words.veiled(0, 10), 10) == "0"


def test_a_list_that_was_cut_says_of_how_many_and_where_all_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(coverage, "MAX_CAMERAS", 2)
    text = report.write(tmp_path / "r.html", given()).read_text(encoding="utf-8")
    assert "2 of 6 are shown; all: <code>thoroughfare sql &#34;FROM coverage&#34; --scan demo --date 2026-03-03" in text


def test_cameras_at_one_pole_are_drawn_beside_each_other():
    views = [
        {"camera_id": str(n), "lon": -73.98, "lat": 40.75, "verdict": "count", "name": f"View {n}"} for n in range(4)
    ]
    chart = ground.Ground(views, [], night.roads().slice(0, 0)).verdicts([])
    places = set(re.findall(r"translate\(([\d.]+) ([\d.]+)\)", chart))
    assert len(places) == 4
    assert max(abs(float(x) - 380) for x, _ in places) < 20


def test_a_night_of_a_thousand_cameras_is_a_page_people_can_read(tmp_path: Path):
    places = [(f"c{n:04d}", -74 + n % 32 / 100, 40.6 + n // 32 / 100) for n in range(1000)]
    cameras = pa.Table.from_pylist(
        [{**night.cameras().to_pylist()[0], "camera_id": id_, "name": f"Camera {id_}", "lon": lon, "lat": lat} for id_, lon, lat in places],
        night.cameras().schema,
    )  # fmt: skip
    seen = night.observability().to_pylist()
    pairs = [{**seen[-1], "camera_id": a[0], "pair_camera_id": b[0]} for a, b in zip(places, places[1:] + places[:1], strict=True)]  # fmt: skip
    alone = [{**seen[0], "camera_id": id_} for id_, *_ in places]
    flow = published()["flow"].to_pylist()
    products = {"flow": pa.Table.from_pylist([{**row, "camera_id": id_} for id_, *_ in places for row in flow[:12]])}
    tables = {"cameras": cameras, "observability": pa.Table.from_pylist(alone + pairs, night.observability().schema)}
    path = report.write(tmp_path / "city.html", given(tables=tables, products=products))
    text = path.read_text(encoding="utf-8")
    assert text.count('class="spot v-trajectory" transform') > 1000 > text.count("<tr>")
    assert path.stat().st_size < 1_000_000
    assert path.with_suffix(".json").stat().st_size < 2_000_000


def test_cells_of_the_heatmap_are_shaded_in_classes_of_much_the_same_number():
    told = heat.facts(given())
    shades = ground.shades([row["vehicle_minutes"] for row in told["cells"]["rows"]])
    assert set(shades) <= set(range(1, ground.CLASSES + 1))
    assert shades == sorted(shades, reverse=True)
    assert ground.shades([5.0, 5.0]) == [1, 1]


def test_a_zone_is_named_by_its_cameras():
    zones = [{"zone": "z", "camera_id": f"demo:{n}"} for n in (0, 2, 3)]
    od = [{"first_zone": "z", "last_zone": "z", "vehicles": 12, "p50_s": 60, "support": 12}]
    told = trips.facts(
        given(products={name: pa.Table.from_pylist(rows) for name, rows in (("zones", zones), ("od", od))})
    )
    assert told["ends"] == [{"id": "z", "name": "Harbour Bridge and 2 more"}]
    assert told["matrix"] == [[12]]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("one still in 300 s sees 3% of passing vehicles (taken to stay 8 s; 1% to 5% if half): too seldom, counts only", "too seldom"),
        ("no usable picture of 300 planned", "no usable picture of … planned"),
        ("at one of the two, one still in 5 s sees 44% of passing vehicles: too few for flows, counts only", "too few for flows"),
        ("one still in 2 s sees over 99% of passing vehicles; one camera alone makes no trajectory", "one camera alone makes no trajectory"),
    ],
)  # fmt: skip
def test_a_cause_is_the_last_clause_of_a_reason_without_its_figures(reason: str, cause: str):
    assert coverage.cause(reason) == cause


def test_cameras_and_pairs_are_counted_by_verdict_and_cause():
    counted = coverage.causes(coverage.usual(night.observability()))
    assert [(row["kind"], row["verdict"], row["count"]) for row in counted][:3] == [
        ("camera", "none", 1), ("camera", "count", 1), ("camera", "flow", 1),
    ]  # fmt: skip
    assert sum(row["count"] for row in counted if row["kind"] == "pair") == len(night.neighbours())


def test_every_heading_has_a_hatching_and_an_unknown_one_is_drawn_as_none():
    assert set(figures.HATCHES) == set(figures.HEADINGS)
    assert figures.heading_class('"><script>') == "none"
