"""Draw small charts as inline SVG: numbers -> text that scales, prints and needs no script."""

from collections.abc import Mapping, Sequence
from html import escape

HEADINGS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW", "away", "toward", "left", "right", "none")
"""Order in which headings are stacked; opposite ones stand far apart in colour."""
FLOW_PX = (420, 132)


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


def histogram(counts: Sequence[int], low: float, high: float, label: str, ticks: Sequence[str]) -> str:
    """Draw columns of equal width from `low` to `high`, with their counts as titles and `ticks` evenly below."""
    width, height, foot = 420.0, 130.0, 18.0
    left, top, span = 34.0, max([*counts, 1]), (high - low) / max(len(counts), 1)
    step, floor = (width - left) / max(len(counts), 1), height - foot
    drawn = [_rule(left, width, 14, f"{top:,}"), _axis(width, floor, left)]
    for at, count in enumerate(counts):
        tall = (floor - 14) * count / top
        drawn.append(
            f'<rect class="mark" x="{left + at * step + 1:.2f}" y="{floor - tall:.2f}" width="{step - 2:.2f}" height="{tall:.2f}">'
            f"<title>{low + at * span:.2f} to {low + (at + 1) * span:.2f}: {count:,}</title></rect>"
        )
    return svg(width, height, "".join(drawn) + _ticks(ticks, left, width, height - 4), label, "chart")


def flow(
    intervals: Sequence[str], seen: Mapping[str, Sequence[int]], expected: Sequence[int], top: int, label: str
) -> str:
    """Draw vehicles per interval, stacked by heading, with what was probably there as an outline above.

    Args:
        intervals: Local time of each interval, in order; those without rows included.
        seen: Heading to vehicles of each interval, 0 where nothing was published.
        expected: Vehicles of each interval after the share that no picture shows is added.
        top: Height of the scale, the same for all charts of a page.
        label: What the chart shows, for readers who cannot see it.
    """
    width, height = FLOW_PX
    left, foot = 30, 18
    step = (width - left) / max(len(intervals), 1)
    scale = (height - foot - 10) / max(top, 1)
    drawn = [_rule(left, width, height - foot - share * top * scale, f"{share * top:.0f}") for share in (0.5, 1.0)]
    for at, moment in enumerate(intervals):
        x, wide, y = left + at * step + step * 0.1, step * 0.8, float(height - foot)
        full = expected[at] * scale
        drawn.append(
            f'<rect class="expected" x="{x:.2f}" y="{y - full:.2f}" width="{wide:.2f}" height="{full:.2f}">'
            f"<title>{moment}: {expected[at]:,} expected</title></rect>"
            if full
            else ""
        )
        for heading in sorted(seen, key=_place):
            tall = seen[heading][at] * scale
            y -= tall
            if tall:
                drawn.append(
                    f'<rect class="h-{heading_class(heading)}" x="{x:.2f}" y="{y:.2f}" width="{wide:.2f}" height="{tall:.2f}">'
                    f"<title>{moment} {escape(heading)}: {seen[heading][at]:,} seen</title></rect>"
                )
    every = max(1, -(-len(intervals) // 5))
    drawn += [
        f'<text x="{left + at * step + step * 0.1:.1f}" y="{height - 4}">{escape(intervals[at])}</text>'
        for at in range(0, len(intervals), every)
    ]
    return svg(width, height, _axis(width, height - foot, left) + "".join(drawn), label, "chart")


def spread(percentiles: Sequence[float], top: float, label: str) -> str:
    """Draw a range with its middle (low, middle, high) on a scale from 0 to `top`."""
    at = [100 * value / (top or 1) for value in percentiles]
    drawn = (
        '<line class="track" x1="0" x2="100" y1="5" y2="5"/>'
        f'<rect class="mark soft" x="{at[0]:.2f}" width="{max(at[2] - at[0], 0.5):.2f}" y="2.5" height="5"/>'
        f'<rect class="mark" x="{at[1] - 0.6:.2f}" width="1.2" y="0.5" height="9"/>'
    )
    return svg(100, 10, drawn, label, "bar", stretch=True)


def reliability(stated: Sequence[float], came_true: Sequence[float], n: Sequence[int], label: str) -> str:
    """Draw stated probability against share come true; dots on the diagonal keep their word."""
    size, most = 170.0, max([*n, 1])
    drawn = [f'<line class="track" x1="0" y1="{size}" x2="{size}" y2="0"/>', _axis(size, size)]
    for x, y, count in zip(stated, came_true, n, strict=True):
        radius = 2 + 4 * (count / most) ** 0.5
        drawn.append(
            f'<circle class="mark" cx="{x * size:.1f}" cy="{(1 - y) * size:.1f}" r="{radius:.1f}">'
            f"<title>stated {x:.2f}, came true {y:.2f}, {count:,} cases</title></circle>"
        )
    return svg(size, size, "".join(drawn), label, "square", margin=8)


def heading_class(heading: str) -> str:
    """Name the CSS class of a heading; one that is not known counts as none."""
    return heading if heading in HEADINGS else "none"


def _place(heading: str) -> int:
    return HEADINGS.index(heading_class(heading))


def svg(
    width: float, height: float, drawn: str, label: str, kind: str, *, stretch: bool = False, margin: int = 0
) -> str:
    """Close the drawing; a stretched one fills its cell."""
    fit = ' preserveAspectRatio="none"' if stretch else ""
    box = f"{-margin} {-margin} {width + 2 * margin:g} {height + 2 * margin:g}"
    return f'<svg class="{kind}" viewBox="{box}" role="img" aria-label="{escape(label)}"{fit}>{drawn}</svg>'


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
