"""Read where a camera looks from its feed's words: `N-W`, `West (A2 twds New Cross)`, `... looking west towards Sutherland`.

Only words about the view tell a bearing. The direction of travel on the camera's road (`I-5 North`, `SR-95 NB`) does not:
along that road it may look either way, so it names the carriageway and leaves the bearing unknown.
"""

import re

POINT = r"(?:(?:north|south)[\s-]?(?:east|west)|north|south|east|west|[NS]-?[EW]|[NSEW])"
"""A compass point: eight words or letters."""
NAMED = re.compile(rf"\s*({POINT})\s*", re.IGNORECASE)
LEADING = re.compile(
    rf"\s*(?:zoom|view|looking|facing)?\s*({POINT})\s*(?:$|[-(,:;]|(?:along|towards?|twds)\b)", re.IGNORECASE
)
LOOKING = re.compile(
    rf"\b(?:look(?:s|ing)|fac(?:es|ing)|view(?:s|ing)?)\s+(?:to(?:wards?)?\s+)?(?:the\s+)?({POINT})(?:bound)?\b(?!\s*(?:and|or|&|/))",
    re.IGNORECASE,
)
TRAVEL = re.compile(r"\b(?:([NSEW])/?B|(north|south|east|west)bound)\b", re.IGNORECASE)
APART_DEG = 45.0
"""Two accounts of one view that differ by more contradict each other."""


def named(text: str | None) -> float | None:
    """Return the bearing of a field that holds nothing but a compass point (`N-W`, `South`), degrees."""
    return _bearing(NAMED.fullmatch(text or ""))


def leading(text: str | None) -> float | None:
    """Return the bearing of a text that begins with one (`ZOOM WEST-The Grove`, `South along Hinds Highway`), degrees."""
    return _bearing(LEADING.match(text or ""))


def looking(text: str | None) -> float | None:
    """Return the bearing of a sentence about the view (`Airport Drive looking east towards the city.`), degrees."""
    return _bearing(LOOKING.search(text or ""))


def agreed(*bearings: float | None) -> float | None:
    """Return the first known bearing, None where two contradict each other."""
    known = [each for each in bearings if each is not None]
    apart = any(abs((each - known[0] + 180.0) % 360.0 - 180.0) > APART_DEG for each in known)
    return known[0] if known and not apart else None


def carriageway(text: str | None) -> str | None:
    """Return `NB`, `SB`, `EB` or `WB` of a text about travel (`SR-95 NB 249.80`, `Southbound`, `North`)."""
    sides = {(letter or word[0]).upper() + "B" for letter, word in TRAVEL.findall(text or "")}
    if not sides and (text or "").strip().lower() in ("north", "south", "east", "west"):
        sides = {(text or "").strip()[0].upper() + "B"}
    return sides.pop() if len(sides) == 1 else None


def road(name: str | None, travel: str | None) -> str | None:
    """Join a road's name and its direction of travel: `I-110 SB`; None without a name."""
    side = carriageway(travel)
    return f"{name} {side}" if name and side and carriageway(name) is None else name or None


def _bearing(match: re.Match[str] | None) -> float | None:
    """Return the bearing of the compass point that a pattern found."""
    from pipeline import geo  # here, because listing the feeds' terms needs no geometry

    return geo.bearing(match[1]) if match else None
