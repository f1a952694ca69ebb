"""Read where a camera looks from its feed's words: `N-W`, `West (A2 twds New Cross)`, `... looking west towards Sutherland`.

Only words about the view tell a bearing. The direction of travel on the camera's road (`I-5 North`, `SR-95 NB`) does not:
along that road it may look either way, so it names the carriageway and leaves the bearing unknown.
"""

import re
from typing import Any, NamedTuple

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


class Told(NamedTuple):
    """Where a text says that its camera looks."""

    bearing_deg: float
    """Degrees clockwise from north."""
    words: str
    """The words that say so."""


def named(text: str | None) -> Told | None:
    """Read a field that holds nothing but a compass point (`N-W`, `South`)."""
    return _told(NAMED.fullmatch(text or ""))


def leading(text: str | None) -> Told | None:
    """Read a text that begins with one (`ZOOM WEST-The Grove`, `South along Hinds Highway`)."""
    return _told(LEADING.match(text or ""))


def looking(text: str | None) -> Told | None:
    """Read a sentence about the view (`Airport Drive looking east towards the city.`)."""
    return _told(LOOKING.search(text or ""))


def bearing(**accounts: Told | None) -> dict[str, Any]:
    """Return a camera's `bearing_deg` and `bearing_source`, from what fields of its feed tell.

    The first that tells counts; where two contradict each other, nothing is known.
    """
    told = {field: account for field, account in accounts.items() if account}
    known = [account.bearing_deg for account in told.values()]
    if not known or any(abs((each - known[0] + 180.0) % 360.0 - 180.0) > APART_DEG for each in known):
        return {"bearing_deg": None, "bearing_source": ""}
    return {
        "bearing_deg": known[0],
        "bearing_source": "; ".join(f"{field}: {account.words}" for field, account in told.items()),
    }


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


def _told(match: re.Match[str] | None) -> Told | None:
    """Return what a pattern found: the bearing of its compass point, and the words up to it."""
    from pipeline import geo  # here, because listing the feeds' terms needs no geometry

    return Told(geo.bearing(match[1]), match.string[match.start() : match.end(1)].strip()) if match else None
