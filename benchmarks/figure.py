"""Draw predicted against realised shares as one small SVG: points by truth, the diagonal, and the goal of 10 % around it."""

from collections.abc import Mapping, Sequence
from html import escape

SIZE, FOOT = 300.0, 34.0
Points = Sequence[tuple[float, float]]
STYLE = (
    "text{font:10px sans-serif;fill:#5e6a7b}.goal{fill:#0b8a68;opacity:.14}.even{stroke:#0b8a68}.frame{fill:none;stroke:#9aa5b8}"
    "circle{fill:#11698e;opacity:.35}"
)


def scatter(truths: Mapping[str, Points], things: str = "cameras and pairs") -> str:
    """Draw one panel a truth; points are (predicted, realised)."""
    panels = [
        _panel(40 + number * (SIZE + 50), f"{name}: {len(points):,} {things}", points)
        for number, (name, points) in enumerate(truths.items())
    ]
    wide = 40 + len(panels) * (SIZE + 50)
    box = f'viewBox="0 0 {wide:g} {SIZE + 60:g}" width="{wide:g}" height="{SIZE + 60:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img"><title>predicted against realised</title>'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}</svg>\n'
    )


def _panel(left: float, name: str, points: Points) -> str:
    """Draw one truth."""

    def at(x: float, y: float) -> str:
        return f"{left + min(x, 1.0) * SIZE:.1f},{20 + (1 - min(y, 1.0)) * SIZE:.1f}"

    dots = "".join(
        '<circle cx="{}" cy="{}" r="2"/>'.format(*at(*point).split(","))
        for point in sorted({(round(x, 2), round(y, 2)) for x, y in points})
    )
    goal = f'<path class="goal" d="M{at(0, 0)}L{at(1, 0.909)}L{at(1, 1)}L{at(0.9, 1)}Z"/>'
    even = f'<path class="even" d="M{at(0, 0)}L{at(1, 1)}"/>'
    frame = f'<rect class="frame" x="{left:g}" y="20" width="{SIZE:g}" height="{SIZE:g}"/>'
    ticks = "".join(
        f'<text x="{left + share * SIZE:g}" y="{SIZE + FOOT:g}" text-anchor="middle">{share:g}</text>'
        f'<text x="{left - 5:g}" y="{24 + (1 - share) * SIZE:g}" text-anchor="end">{share:g}</text>'
        for share in (0, 0.5, 1)
    )
    titles = (
        f'<text x="{left + SIZE / 2:g}" y="12" text-anchor="middle">{escape(name)}</text>'
        f'<text x="{left + SIZE / 2:g}" y="{SIZE + FOOT + 16:g}" text-anchor="middle">predicted share (across), realised share (up)</text>'
    )
    return goal + even + frame + dots + ticks + titles
