"""Write what code knows of every public feed into its page: `python tests/feed_pages.py` after a feed's facts have changed."""

from pathlib import Path

from families import FAMILIES

from pipeline import feeds
from pipeline.observability import Settings

FOLDER = Path(__file__).parents[1] / "docs" / "feeds"
BEGIN, END = "<!-- facts: python tests/feed_pages.py -->\n", "<!-- end of facts -->"
NAMES = sorted(family.name for family in FAMILIES)
HONEST = Settings()
"""What a passing vehicle is taken to stay in view, and the thresholds between verdicts."""


def facts(name: str) -> str:
    """Return the table of one feed's facts."""
    feed = feeds.load(name)
    rows = {
        "operator": feed.operator,
        "licence": feed.licence,
        "attribution": feed.attribution,
        "terms": feed.terms_url,
        "commercial use": _said(feed.commercial),
        "pictures may be kept": _said(feed.may_store_frames),
        "cleared": _said(feed.cleared),
        "key": _said(feed.needs_key),
        "timezone": feed.timezone or "the scan's",
        "metric CRS": feed.metric_crs or "the scan's",
        "new picture": _seconds(feed.cadence_s, "each camera's own, or not stated"),
        **({"a clip shows": _seconds(feed.clip_s)} if feed.clip_s else {}),
        "pictures of the past": _past(feed),
        "asked at most": f"a camera every {_seconds(feed.min_interval_s)}",
        "requests a minute": f"{feed.requests_per_minute:g}" if feed.requests_per_minute else "no cap stated",
        "area (west, south, east, north)": ", ".join(f"{each:g}" for each in feed.bounds or ()),
        "servers": ", ".join(feed.hosts),
        "times": feed.timestamps,
        "a pass of 8 s is in a picture": f"{_p_seen(name):.2f}; at both of two cameras {_p_seen(name) ** 2:.3f}",
        "verdict to expect": _verdict(_p_seen(name)),
    }
    return "\n".join(["| fact | |", "|---|---|", *(f"| {fact} | {value} |" for fact, value in rows.items()), ""])


def index() -> str:
    """Return the table of all feeds."""
    head = "| feed | operator | licence | cleared | key | a camera at most every | pictures of the past | p(8 s pass seen) | verdict to expect |"
    rows = [
        f"| [{name}]({name}.md) | {feed.operator} | {feed.licence} | {_said(feed.cleared)} | {_said(feed.needs_key)} | "
        f"{_seconds(feed.min_interval_s)} | {_past(feed)} | {_p_seen(name):.2f} | {_verdict(_p_seen(name))} |"
        for name, feed in ((name, feeds.load(name)) for name in NAMES)
    ]
    return "\n".join([head, "|---" * 9 + "|", *rows, ""])


def written(page: Path) -> str:
    """Return a page with its facts as code has them now."""
    text = page.read_text(encoding="utf-8")
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    return text[:before] + (index() if page.stem == "README" else facts(page.stem)) + text[after:]


def _p_seen(name: str) -> float:
    """Return the chance that a pass is in a picture at the cadence stated, or as often as may be asked."""
    feed = feeds.load(name)
    return min(1.0, (HONEST.dwell_s + (feed.clip_s or 0.0)) / max(feed.cadence_s or 0.0, feed.min_interval_s))


def _past(feed: feeds.Feed) -> str:
    """Say what an operator keeps."""
    if feed.history_s is None:
        return "none"
    hours = feed.history_s / 3600
    return (
        f"{hours:g} h" if hours < 72 else f"{hours / 24 / 365.25:g} years"
    ) + f", one in {_seconds(feed.history_step_s)}"


def _verdict(p_seen: float) -> str:
    """Return the most that a chance to be seen can support."""
    if p_seen >= HONEST.link_p_seen and p_seen**2 >= HONEST.link_p_pair:
        return "trajectory" if p_seen**2 >= HONEST.trajectory_p_pair else "link"
    return "flow" if p_seen >= HONEST.flow_p_seen else "count"


def _said(fact: bool) -> str:
    return "yes" if fact else "no"


def _seconds(value: float | None, otherwise: str = "") -> str:
    return otherwise if value is None else f"{value:g} s"


if __name__ == "__main__":
    for path in [FOLDER / "README.md", *(FOLDER / f"{name}.md" for name in NAMES)]:
        path.write_text(written(path), encoding="utf-8")
