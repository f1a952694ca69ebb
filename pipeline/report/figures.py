"""Draw small charts as inline SVG: numbers -> text that scales, prints and needs no script."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

HEADINGS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW", "away", "toward", "left", "right", "none")
"""Order in which headings are stacked; opposite ones stand far apart in colour and hatching."""
HATCHES = {
    "N": "", "NE": "M1.5,1.5h1.4M4.5,4.5h1.4", "E": "M0,6L6,0", "SE": "M0,3H6M3,0V6", "S": "M0,3H6", "SW": "M0,0L6,6", "W": "M3,0V6",
    "NW": "M0,0L6,6M0,6L6,0", "away": "", "toward": "M0,6L6,0", "left": "M1.5,1.5h1.4M4.5,4.5h1.4", "right": "M0,3H6", "none": "M0,1H6M0,5H6",
}  # fmt: skip
"""What is drawn over a heading's colour, so that no colour need be told from another."""
FLOW_PX = (420, 132)
SPREAD = ("p15_s", "p50_s", "p85_s", "p95_s", "low_s", "high_s")
"""What of a travel time is drawn."""


def hatches() -> str:
    """Define the fill of each heading once for all charts of a page."""
    drawn = "".join(
        f'<pattern id="of-{name}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<rect class="h-{name}" width="6" height="6"/><path class="hatch" d="{lines}"/></pattern>'
        for name, lines in HATCHES.items()
    )
    return f'<svg class="defs" aria-hidden="true" aria-label="" width="0" height="0"><defs>{drawn}</defs></svg>'


def swatch(heading: str) -> str:
    """Draw the sign of a heading for a legend."""
    drawn = f'<rect class="fill" style="fill:url(#of-{heading_class(heading)})" width="12" height="12"/>'
    return svg(12, 12, drawn, f"heading {heading}", "icon")


def bar(parts: Sequence[tuple[str, int]], label: str) -> str:
    """Draw one bar of stacked shares; `parts` are (CSS class, count)."""
    total = sum(count for _, count in parts) or 1
    x, drawn = 0.0, []
    for name, count in parts:
        width = 100 * count / total
        if count:
            drawn.append(
                f'<rect class="{name}" x="{x:.3f}" width="{width:.3f}" height="10"><title>{name}: {count:,}</title></rect>'
            )
        x += width
    return svg(100, 10, "".join(drawn), label, "bar", stretch=True)


def histogram(counts: Sequence[float], low: float, high: float, label: str, ticks: Sequence[str]) -> str:
    """Draw columns of equal width from `low` to `high`, with their counts as titles and `ticks` evenly below."""
    span = (high - low) / max(len(counts), 1)
    titles = [f"{low + at * span:.2f} to {low + (at + 1) * span:.2f}" for at in range(len(counts))]
    return columns(counts, titles, label, ticks)


def columns(counts: Sequence[float], titles: Sequence[str], label: str, ticks: Sequence[str]) -> str:
    """Draw one column a count, with what it stands for as its title and `ticks` spread below."""
    width, height, foot = 420.0, 130.0, 18.0
    left, top = 40.0, max([*counts, 1])
    step, floor = (width - left) / max(len(counts), 1), height - foot
    drawn = [_rule(left, width, 14, f"{top:,.0f}"), _axis(width, floor, left)]
    for at, (count, title) in enumerate(zip(counts, titles, strict=True)):
        tall = (floor - 14) * count / top
        drawn.append(
            f'<rect class="mark" x="{left + at * step + step * 0.06:.2f}" y="{floor - tall:.2f}" width="{step * 0.88:.2f}" height="{tall:.2f}">'
            f"<title>{escape(title)}: {count:,}</title></rect>"
        )
    said = f"The highest column stands for {top:,.0f}."
    return svg(width, height, "".join(drawn) + _ticks(ticks, left, width, height - 4), label, "chart", told=said)


def flow(
    intervals: Sequence[str],
    seen: Mapping[str, Sequence[int]],
    expected: Sequence[int],
    bounds: tuple[Sequence[int], Sequence[int]] | None,
    top: int,
    label: str,
) -> str:
    """Draw vehicles per interval, stacked by heading, with what was probably there as an outline above.

    Args:
        intervals: Local time of each interval, in order; those without rows included.
        seen: Heading to vehicles of each interval, 0 where nothing was published.
        expected: Vehicles of each interval after the share that no picture shows is added.
        bounds: Least and most that `expected` may be, drawn as a whisker; None where they are not stated.
        top: Height of the scale, the same for all charts of a page.
        label: What the chart shows, for readers who cannot see it.
    """
    width, height = FLOW_PX
    left, foot = 34, 18
    step, floor = (width - left) / max(len(intervals), 1), height - foot
    scale = (floor - 10) / max(top, 1)
    drawn = [_rule(left, width, floor - part * top * scale, f"{part * top:,.0f}") for part in (0.5, 1.0)]
    under, wide = [0.0] * len(intervals), step * 0.8
    at_x = [left + at * step + step * 0.1 for at in range(len(intervals))]
    for heading in sorted(seen, key=_place):
        boxes = []
        for at, count in enumerate(seen[heading]):
            tall = count * scale
            if count:
                boxes.append(f"M{at_x[at]:.1f},{floor - under[at]:.1f}v{-tall:.1f}h{wide:.1f}v{tall:.1f}z")
            under[at] += tall
        drawn.append(f'<path style="fill:url(#of-{heading_class(heading)})" d="{"".join(boxes)}"/>' if boxes else "")
    for at, count in enumerate(expected):
        if count:
            parts = ", ".join(f"{heading} {those[at]:,}" for heading, those in seen.items() if those[at])
            least = f" ({bounds[0][at]:,} to {bounds[1][at]:,})" if bounds else ""
            drawn.append(
                f'<rect class="expected" x="{at_x[at]:.1f}" y="{floor - count * scale:.1f}" width="{wide:.1f}" height="{count * scale:.1f}">'
                f"<title>{escape(intervals[at])}: seen {escape(parts)}; expected {count:,}{least}</title></rect>"
            )
    drawn.append(_whiskers([x + wide / 2 for x in at_x], bounds, floor, scale) if bounds else "")
    every = max(1, -(-len(intervals) // 5))
    drawn += [
        f'<text x="{at_x[at]:.1f}" y="{height - 4}">{escape(intervals[at])}</text>'
        for at in range(0, len(intervals), every)
    ]
    total = f"{sum(map(sum, seen.values())):,} vehicles seen, {sum(expected):,} expected."
    return svg(width, height, _axis(width, floor, left) + "".join(drawn), label, "chart", told=total)


def spread(at: Mapping[str, Any], top: float, label: str) -> str:
    """Draw a travel time on a scale from 0 to `top`: p15 to p85 as a bar, p95 as a stroke, the median and its bounds.

    Args:
        at: `p15_s`, `p50_s`, `p85_s`, `p95_s`, `low_s`, `high_s`; those unknown are not drawn.
        top: Right end of the scale.
        label: What it shows.
    """
    x = {name: 100 * min(max(at[name], 0), top) / (top or 1) for name in SPREAD if at.get(name) is not None}
    drawn = '<line class="track" x1="0" x2="100" y1="6" y2="6"/>'
    if {"p15_s", "p85_s"} <= set(x):
        drawn += f'<rect class="mark faint" x="{x["p15_s"]:.2f}" width="{max(x["p85_s"] - x["p15_s"], 0.5):.2f}" y="3" height="6"/>'
    if {"p85_s", "p95_s"} <= set(x):
        drawn += f'<rect class="mark" x="{x["p85_s"]:.2f}" width="{max(x["p95_s"] - x["p85_s"], 0):.2f}" y="5.4" height="1.2"/>'
    if {"low_s", "high_s"} <= set(x):
        drawn += f'<rect class="ink thin" x="{x["low_s"]:.2f}" width="{max(x["high_s"] - x["low_s"], 0.3):.2f}" y="10.6" height="0.9"/>'
    drawn += f'<rect class="ink" x="{x["p50_s"] - 0.4:.2f}" width="0.8" y="0" height="12"/>' if "p50_s" in x else ""
    return svg(100, 12, drawn, label, "bar plain", stretch=True)


def trend(values: Sequence[float], tonight: float | None, label: str) -> str:
    """Draw one column a night, the last of them tonight's, dark."""
    shown = [*values, *([] if tonight is None else [tonight])]
    top = max([*shown, 0]) or 1
    drawn = "".join(
        f'<rect class="mark{"" if at == len(values) else " faint"}" x="{at * 8}" y="{20 - 20 * value / top:.1f}" width="6" height="{20 * value / top:.1f}"/>'
        for at, value in enumerate(shown)
    )
    return svg(max(len(shown) * 8 - 2, 1), 20, drawn, label, "trend")


def reliability(stated: Sequence[float], came_true: Sequence[float], n: Sequence[int], label: str) -> str:
    """Draw stated probability against share come true; dots on the diagonal keep their word."""
    size, most = 170.0, max([*n, 1])
    drawn = [f'<line class="track" x1="0" y1="{size}" x2="{size}" y2="0"/>', _axis(size, size)]
    drawn.append(f'<text x="0" y="{size + 12}">0</text><text x="{size}" y="{size + 12}" class="right">1</text>')
    for x, y, count in zip(stated, came_true, n, strict=True):
        radius = 2 + 4 * (count / most) ** 0.5
        drawn.append(
            f'<circle class="mark" cx="{x * size:.1f}" cy="{(1 - y) * size:.1f}" r="{radius:.1f}">'
            f"<title>stated {x:.2f}, came true {y:.2f}, {count:,} cases</title></circle>"
        )
    said = "; ".join(f"stated {x:.2f} came true {y:.2f}" for x, y in zip(stated, came_true, strict=True))
    return svg(size, size, "".join(drawn), label, "square", margin=14, told=said)


def heading_class(heading: str) -> str:
    """Name the CSS class of a heading; one that is not known counts as none."""
    return heading if heading in HEADINGS else "none"


def _place(heading: str) -> int:
    return HEADINGS.index(heading_class(heading))


def svg(
    width: float,
    height: float,
    drawn: str,
    label: str,
    kind: str,
    *,
    stretch: bool = False,
    margin: int = 0,
    told: str = "",
) -> str:
    """Close the drawing, with its title and, in `told`, what it says in words; a stretched one fills its cell."""
    fit = ' preserveAspectRatio="none"' if stretch else ""
    box = f"{-margin} {-margin} {width + 2 * margin:g} {height + 2 * margin:g}"
    named = f"<title>{escape(label)}</title>" + (f"<desc>{escape(told)}</desc>" if told else "")
    return f'<svg class="{kind}" viewBox="{box}" role="img" aria-label="{escape(label)}"{fit}>{named}{drawn}</svg>'


def _whiskers(middles: Sequence[float], bounds: tuple[Sequence[int], Sequence[int]], floor: float, scale: float) -> str:
    """Draw from the least to the most of each interval."""
    lines = [
        f"M{x:.1f},{max(floor - high * scale, 2):.1f}V{floor - low * scale:.1f}"
        for x, low, high in zip(middles, *bounds, strict=True)
        if high
    ]
    return f'<path class="whisker" d="{"".join(lines)}"/>'


def _axis(width: float, y: float, left: float = 0) -> str:
    return f'<line class="axis" x1="{left:g}" x2="{width:g}" y1="{y:g}" y2="{y:g}"/>'


def _rule(left: float, width: float, y: float, text: str) -> str:
    return f'<line class="rule" x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}"/><text class="right" x="{left - 4}" y="{y + 4:.1f}">{text}</text>'


def _ticks(ticks: Sequence[str], left: float, right: float, y: float) -> str:
    """Spread labels from edge to edge."""
    anchors = ["start", *["middle"] * (len(ticks) - 2), "end"]
    return "".join(
        f'<text x="{left + (right - left) * at / max(len(ticks) - 1, 1):.1f}" y="{y:g}" style="text-anchor:{anchor}">{escape(text)}</text>'
        for at, (text, anchor) in enumerate(zip(ticks, anchors, strict=False))
    )
