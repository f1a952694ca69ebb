"""Write a night's facts as one page that asks nothing of any host: facts of `report.json`, roads -> HTML."""

from collections import Counter
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import jinja2
import pyarrow as pa
from markupsafe import Markup

from pipeline.report import figures, ground, words
from pipeline.report.given import Facts, Rows
from pipeline.tables import FRAME_STATES

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
TITLES = {
    "line": "The line", "coverage": "What the feed can honestly support", "outcomes": "Feeds and what became of their pictures",
    "volumes": "Counts and flows", "times": "Travel times", "trips": "From where to where", "heat": "Where vehicles spent their time",
    "certainty": "Links and how sure they are", "changes": "What changed", "scores": "Scores against the truth",
    "quality": "Data quality", "cost": "Cost and speed of the run", "privacy": "Privacy",
}  # fmt: skip
"""Chapter to its title, in the order of the page; the last of the page are the sources."""
ROOM_ABOVE = 1.3
"""Height of a chart of flows over its highest column: whiskers may be far higher, and are cut."""


def render(facts: Facts, roads: pa.Table) -> str:
    """Draw the page from facts as JSON holds them, and the roads under its two maps."""
    cells = facts["heat"]["cells"]["rows"]
    land = ground.Ground(facts["coverage"]["places"], cells, roads) if facts["coverage"]["places"] else None
    states = Counter[str]()
    for feed in facts["outcomes"]["feeds"]:
        states.update(feed["states"])
    return _environment(facts).get_template("page.html").render(
        night=facts, titles=TITLES.items(), policy=POLICY, css=_file("page.css"),
        states=[(state, states[state]) for state in FRAME_STATES],
        verdict_map=Markup(land.verdicts(facts["coverage"]["ways"])) if land else "",  # noqa: S704
        heat_map=Markup(land.heat(cells, facts["heat"]["top"])) if land and cells else "",  # noqa: S704
    )  # fmt: skip


def _environment(facts: Facts) -> jinja2.Environment:
    """Open the templates, with the charts and the words they call by name."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: _file(f"pages/{name}")),
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    for each in (words.number, words.percent, words.short, words.size, words.signed, words.clock):
        made.globals[each.__name__] = each
    made.globals |= {
        "veiled": words.told,
        "troubles": troubles,
        "shades_of": shades_of,
        "fullest": fullest,
        "longest": longest,
    }
    made.globals |= {"deepest": deepest, "slow": slow, "ask": lambda where: ask(where, facts["scan"])}
    drawings: tuple[Callable[..., str], ...] = (
        figures.hatches, figures.swatch, figures.bar, figures.histogram, figures.spread, figures.trend, ground.icon,
        flow_chart, hourly, share_bar, reliability,
    )  # fmt: skip
    made.globals |= {drawing.__name__: _drawn(drawing) for drawing in drawings}
    return made


def flow_chart(each: Facts, charts: Facts) -> str:
    """Draw one camera's flow on the scale of all."""
    bounds = None if each["low_vehicles"] is None else (each["low_vehicles"], each["high_vehicles"])
    highest = ROOM_ABOVE * max(max(*one["vehicles_expected"], *_stacked(one)) for one in charts["cameras"])
    label = f"vehicles per {charts['minutes']} minutes at {each['name']}"
    starts = [words.clock(moment) for moment in charts["starts_local"]]
    return figures.flow(starts, each["headings"], each["vehicles_expected"], bounds, round(highest), label)


def _stacked(each: Facts) -> list[int]:
    """Add up a camera's headings by interval."""
    return [sum(those) for those in zip(*each["headings"].values(), strict=True)]


def hourly(hours: Rows) -> str:
    """Draw vehicle-minutes by hour."""
    named = [words.clock(row["hour_local"]) for row in hours]
    return figures.columns([row["vehicle_minutes"] for row in hours], named, "vehicle-minutes by hour", [named[0], named[-1]])  # fmt: skip


def share_bar(seconds: float | None, most: float, stage: str) -> str:
    """Draw how long a stage took, beside the slowest."""
    at = {"p15_s": 0.0, "p85_s": seconds or 0.0}
    return figures.spread(at, most, f"{stage}: {words.short(seconds)} s")


def reliability(told: Facts) -> str:
    """Draw what links stated against what came true."""
    return figures.reliability(told["stated"], told["came_true"], told["n"], "calibration of links")


def troubles(states: dict[str, int]) -> str:
    """Say which pictures could not be used."""
    return ", ".join(f"{count:,} {state}" for state, count in states.items() if count and state != "ok")


def shades_of(cells: Rows) -> list[tuple[int, float, float]]:
    """Give the legend of the heatmap."""
    return ground.legend([row["vehicle_minutes"] for row in cells])


def fullest(fullness: Facts) -> float:
    """Return the most vehicles per picture of any hour shown."""
    cells = (cell for row in fullness["cameras"]["rows"] for cell in row["hours"] if cell)
    return max((cell["vehicles_per_picture"] for cell in cells), default=1) or 1


def longest(pairs: Rows) -> float:
    """Return the right end of the scale of travel times: the longest 95th percentile of the hours shown."""
    shown = [row["hours"][row["busiest"]] for row in pairs]
    return max((row["p95_s"] or row["p85_s"] or 0 for row in shown), default=1) or 1


def deepest(matrix: Sequence[Sequence[int | None]]) -> int:
    """Return the most vehicles of any cell."""
    return max((count or 0 for cells in matrix for count in cells), default=1) or 1


def slow(stages: Rows) -> float:
    """Return the seconds of the slowest stage."""
    return max((row["seconds"] or 0 for row in stages), default=1) or 1


def ask(where: str, scan: Facts) -> str:
    """Say which command tells all rows of a list that was cut."""
    night = f"{scan['name']} --date {scan['scan_date']}"
    if where == "status":
        return f"thoroughfare status {night}"
    question = where if "/" in where else f'"FROM {where}"'
    return f"thoroughfare sql {question} --scan {night}"


def _drawn(drawing: Any) -> Any:
    """Let a template write a drawing as it is: each escapes the names it is given."""
    return lambda *args, **named: Markup(drawing(*args, **named))  # noqa: S704


def _file(name: str) -> str:
    return files("pipeline.report").joinpath(name).read_text(encoding="utf-8")
