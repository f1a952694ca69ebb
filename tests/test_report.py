"""Write the report of the invented night and read it, by eye of a browser and by text."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import night
import pyarrow as pa
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from pipeline import report
from pipeline.errors import SchemaError
from pipeline.report import chapters, figures, verdicts
from pipeline.scans import Scan

SCAN = Scan(
    name="demo", feed="demo", timezone="America/New_York", metric_crs="EPSG:32618", hours="07:30-07:45", cadence_s=15.0, k=3,
    exempt="a simulated city: its vehicles are nobody's",
)  # fmt: skip
SCORES = {
    "detections": {
        "ap50": 0.9123, "precision": 0.97, "recall": 0.88, "n": 4210, "by_class": {"car": {"n": 3, "recall": 0.5}}, "mota": None,
        "calibration": {"ece": 0.03, "stated": [0.3, 0.6, 0.9], "came_true": [0.35, 0.5, 0.92], "n": [40, 100, 900]},
    },
    "links": {"precision": 0.953, "recall": 0.71, "idf1": 0.804, "n_right": 310},
}  # fmt: skip


def written(path: Path, **changes: Any) -> str:
    """Write the invented night's report and return the page."""
    given = {"scan": SCAN, "scan_date": date(2026, 3, 3), "tables": night.tables(), "products": night.published()}
    return report.write(path, **(given | {"scores": SCORES} | changes)).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Start Debian's Chromium."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """Open the report, cut off from every host."""
    written(tmp_path / "report.html")
    context = browser.new_context(viewport={"width": 1100, "height": 800}, offline=True)
    opened = context.new_page()
    opened.complaints = []  # type: ignore[attr-defined]
    opened.on("console", lambda said: opened.complaints.append(said.text))  # type: ignore[attr-defined]
    opened.on(
        "request", lambda request: opened.complaints.append(request.url) if request.url.startswith("http") else None
    )  # type: ignore[attr-defined]
    opened.goto((tmp_path / "report.html").as_uri())
    yield opened
    context.close()


def test_the_browser_has_nothing_to_complain_of_and_nothing_to_ask(page: Page):
    assert page.complaints == []  # type: ignore[attr-defined]


def test_every_chart_has_a_size_and_a_name(page: Page):
    charts = page.locator("svg:not(.icon)")
    boxes = [charts.nth(at).bounding_box() for at in range(charts.count())]
    assert len(boxes) > 15
    assert all(box and box["width"] > 30 and box["height"] > 5 for box in boxes)
    assert page.locator("svg:not([aria-label])").count() == 0


def test_nothing_runs_over_the_edge_of_a_phone(page: Page):
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_no_script_is_in_the_page_whatever_a_camera_is_called(tmp_path: Path):
    text = written(tmp_path / "report.html")
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;/script&gt;" in text


def test_the_same_tables_give_the_same_page(tmp_path: Path):
    shuffled = {name: rows.take(pa.array(range(rows.num_rows - 1, -1, -1))) for name, rows in night.tables().items()}
    assert written(tmp_path / "a.html") == written(tmp_path / "b.html", tables=shuffled)


def test_an_expired_table_is_named(tmp_path: Path):
    left = {name: rows for name, rows in night.tables().items() if name not in ("detections", "links")}
    text = written(tmp_path / "report.html", tables=left)
    assert "not counted here: detections, links" in text
    assert "<b>–</b><span>vehicle boxes found in them" in text


def test_an_empty_night_is_reported(tmp_path: Path):
    text = written(tmp_path / "report.html", tables={}, products={}, scores=None)
    assert "No camera is listed." in text
    assert "No flow is published" in text
    assert "Scores against the truth" not in text


def test_a_table_with_other_columns_is_refused(tmp_path: Path):
    with pytest.raises(SchemaError, match="frames has columns"):
        written(tmp_path / "report.html", tables={"frames": pa.table({"a": [1]})})


def test_scores_are_marked_as_shares_or_counts(tmp_path: Path):
    text = written(tmp_path / "report.html")
    assert "<dt>AP50</dt><dd>91.2 %</dd>" in text
    assert "<dt>car recall</dt><dd>50.0 %</dd>" in text
    assert "<dt>n</dt><dd>4,210</dd>" in text
    assert "<dt>MOTA</dt><dd>not told</dd>" in text


def test_states_of_a_camera_sum_to_its_planned_observations():
    rows = chapters.cameras(night.tables(), k=3)
    assert [row["planned"] for row in rows] == [60] * 6
    assert "<title>dark:" in rows[3]["bar"]


def test_what_is_not_shown_is_what_could_be_less_what_is():
    rows = {row["name"]: row for row in chapters.withheld(night.tables(), night.published(k=3))}
    assert rows["od"]["of"] == 60
    assert rows["od"]["left"] == 60 - rows["od"]["shown"] > 0


def test_the_last_passing_of_a_vehicle_is_left_alone():
    assert chapters.abstained(night.tables()) == {"could": 240, "alone": 60, "share": "25 %"}


def test_a_night_is_deleted_days_after_its_end():
    rows = {row["name"]: row["until"] for row in chapters.retention(SCAN, date(2026, 3, 3), night.tables())}
    assert rows["detections"] == "7 days after the night or its making, not before 2026-03-10"
    assert rows["snapshots"].startswith("as soon as")


def test_a_share_near_one_is_not_written_as_one():
    assert chapters.share(1999, 2000) == ">99 %"
    assert chapters.share(1, 2000) == "<1 %"
    assert chapters.share(0, 0) == "–"


def test_few_passings_at_a_camera_are_not_told():
    assert [row["sightings"] for row in chapters.cameras(night.tables(), k=41)] == ["under 41"] * 6
    assert chapters.veiled(0, 10) == "0"


def test_the_map_draws_every_camera_by_shape_and_the_pairs_that_support_links(page: Page):
    drawn = page.locator("svg.map")
    assert (
        drawn.get_attribute("aria-label")
        == "map of 6 cameras by what they support: 1 none, 1 count, 1 flow, 1 link, 2 trajectory"
    )
    assert drawn.locator(".spot").count() == 6
    assert drawn.locator(".way").count() == 2
    boxes = [drawn.locator(".spot").nth(n).bounding_box() for n in range(6)]
    assert all(box and 8 < box["width"] < 30 for box in boxes)


def test_cameras_at_one_pole_are_drawn_beside_each_other():
    views = [
        {"camera_id": str(n), "lon": -73.98, "lat": 40.75, "verdict": "count", "name": f"View {n}"} for n in range(4)
    ]
    chart = verdicts.chart(views, [], night.roads().slice(0, 0), {})
    places = set(re.findall(r"translate\(([\d.]+) ([\d.]+)\)", chart))
    assert len(places) == 4
    assert max(abs(float(x) - 380) for x, _ in places) < 20


def test_nine_hundred_cameras_are_drawn_without_names_in_little_room():
    many = [
        {
            "camera_id": str(n),
            "lon": -74 + n % 30 / 100,
            "lat": 40.6 + n // 30 / 100,
            "verdict": "link",
            "name": f"Camera {n}",
        }
        for n in range(900)
    ]
    pairs = [{"camera_id": str(n), "pair_camera_id": str(n + 1), "verdict": "link"} for n in range(899)]
    chart = verdicts.chart(many, pairs, night.roads().slice(0, 0), {})
    assert chart.count('class="spot') == 900
    assert "<text" not in chart
    assert len(chart) < 200_000


def test_no_camera_gives_no_map():
    assert verdicts.chart([], [], night.roads(), {}) == ""


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
    assert verdicts.cause(reason) == cause


def test_cameras_and_pairs_are_counted_by_verdict_and_cause():
    counted = verdicts.causes(chapters.verdicts(night.observability()))
    assert [(row["kind"], row["verdict"], row["count"]) for row in counted][:3] == [
        ("camera", "none", 1), ("camera", "count", 1), ("camera", "flow", 1),
    ]  # fmt: skip
    assert sum(row["count"] for row in counted if row["kind"] == "pair") == len(night.neighbours())


def test_an_unknown_heading_is_drawn_as_none():
    assert figures.heading_class('"><script>') == "none"
