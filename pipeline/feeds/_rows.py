"""Read the fields of one row of a camera list by name; what is not as the feed has always sent it is an error that names it."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

LONGEST = 1000
"""Characters of a field; no feed writes more."""
NATIVE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:()+~-]{0,99}")
"""What a feed may call a camera."""
ABSENT = ("", "Not Reported")
"""What feeds write where they know nothing."""


class FieldError(ValueError):
    """A field is not what the feed has always sent: its row cannot be read."""


class UnfitError(ValueError):
    """The row can be read, and is no camera to observe."""


class DoubtfulError(UnfitError):
    """The row can be read, and its place, its id or its address cannot be right."""


@dataclass(frozen=True)
class Row:
    """One object of a list. Fields are named by dotted paths (`location.latitude`)."""

    values: Any
    path: str
    """Where it stands in the list (`features[3]`)."""

    def _found(self, field: str, kind: type | tuple[type, ...], what: str) -> Any:
        """Return a field of a kind; FieldError names the one that is not there or of another kind."""
        value = self.values
        for name in field.split("."):
            if not isinstance(value, dict) or name not in value:
                raise FieldError(f"{self.path}: field {field} is missing")
            value = value[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise FieldError(f"{self.path}: field {field} is {_shown(value)}, not {what}")
        return value

    def text(self, field: str) -> str:
        """Return a text that may be empty, without white space around it."""
        value: str = self._found(field, str, "a text").strip()
        if len(value) > LONGEST:
            raise FieldError(f"{self.path}: field {field} is longer than {LONGEST}")
        return value

    def some(self, field: str) -> str | None:
        """Return a text that the feed may leave empty or null; None where it does."""
        value = self._found(field, (str, type(None)), "a text or null")
        return None if value is None or self.text(field) in ABSENT else self.text(field)

    def maybe(self, field: str) -> str | None:
        """Return a text that the feed may leave out; None where it does."""
        outer, _, name = field.rpartition(".")
        holder = self._found(outer, dict, "an object") if outer else self.values
        return self.some(field) if isinstance(holder, dict) and name in holder else None

    def name(self, field: str) -> str:
        """Return a text that may not be empty."""
        if not (value := self.text(field)):
            raise FieldError(f"{self.path}: field {field} is empty")
        return value

    def word(self, field: str, *known: str) -> str:
        """Return one of the words that the feed is known to write."""
        if (value := self.text(field)) not in known:
            raise FieldError(f"{self.path}: field {field} is {_shown(value)}, not one of {', '.join(known)}")
        return value

    def flag(self, field: str) -> bool:
        """Return true or false."""
        value: bool = self._found(field, bool, "true or false")
        return value

    def whole(self, field: str) -> int:
        """Return a whole number."""
        value: int = self._found(field, int, "a whole number")
        if abs(value) >= 10**15:
            raise FieldError(f"{self.path}: field {field} is longer than any the feed sends")
        return value

    def number(self, field: str) -> float:
        """Return a number."""
        return _float(self._found(field, (int, float), "a number"))

    def numeral(self, field: str) -> float:
        """Return a number that the feed writes as a text; NaN where the text is none."""
        text = self.text(field)
        try:
            return float(text)
        except ValueError:
            return math.nan

    def moment(self, field: str) -> datetime:
        """Return an instant, UTC; FieldError for a time that does not name its zone."""
        text = self.name(field)
        try:
            at = datetime.fromisoformat(text)
            told = at.astimezone(UTC) if at.tzinfo else None
        except (ValueError, OverflowError):
            told = None
        if told is None:
            raise FieldError(f"{self.path}: field {field} is {_shown(text)}, not a time with its zone")
        return told

    def native(self, field: str) -> str:
        """Return an id that the feed writes as a text."""
        if not NATIVE_ID.fullmatch(value := self.text(field)):
            raise FieldError(f"{self.path}: field {field} is {_shown(value)}, not an id")
        return value

    def label(self, field: str) -> str:
        """Return a text or a whole number as a text; empty where the feed leaves it out."""
        outer, _, name = field.rpartition(".")
        holder = self._found(outer, dict, "an object") if outer else self.values
        value = holder.get(name) if isinstance(holder, dict) else None
        if value is None:
            return ""
        return str(self.whole(field)) if isinstance(value, int) else self.text(field)

    def rows(self, field: str) -> list["Row"]:
        """Return the objects of a list inside the row."""
        found = self._found(field, list, "a list")
        return [Row(each, f"{self.path}.{field}[{number}]") for number, each in enumerate(found)]

    def views(self, field: str) -> list["Row"]:
        """Return a row for each object of a list inside this one: the object as `view`, this one as `site`."""
        return [Row({"site": self.values, "view": each.values}, each.path) for each in self.rows(field)]

    def point(self, field: str) -> tuple[float, float]:
        """Return lon, lat of a GeoJSON Point, or of a MultiPoint of one point."""
        kind = self.word(f"{field}.type", "Point", "MultiPoint")
        found = self._found(f"{field}.coordinates", list, "a list")
        pair = found[0] if kind == "MultiPoint" and len(found) == 1 else found
        if not isinstance(pair, list) or len(pair) < 2 or not all(_is_number(each) for each in pair[:2]):
            raise FieldError(f"{self.path}: field {field}.coordinates is {_shown(found)}, not one point")
        return _float(pair[0]), _float(pair[1])

    def link(self, field: str, below: str) -> str:
        """Return the address of something else than a picture; empty where the feed leaves it out or leads elsewhere."""
        try:
            return self.address(field, below) if self.maybe(field) else ""
        except (FieldError, DoubtfulError):
            return ""

    def address(self, field: str, below: str) -> str:
        """Return the address of a picture, by https; DoubtfulError where there is none below the one named."""
        value = self.text(field)
        if value in ABSENT:
            raise DoubtfulError(f"no picture: {field} is empty")
        return address(value, below, field)


def address(value: str, below: str, field: str) -> str:
    """Return an address, http raised to https; DoubtfulError where it is not below `below`."""
    raised = "https://" + value.removeprefix("http://") if value.startswith("http://") else value
    plain = raised.isascii() and raised.isprintable() and not set(raised) & set(' "<>\\^`{|}')
    if not plain or not raised.startswith(below) or ".." in urlsplit(raised).path.split("/"):
        raise DoubtfulError(f"{field} {_shown(value)} does not lead to {below}")
    return raised


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: float) -> float:
    """Return a JSON number; one beyond all floats is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _shown(value: Any) -> str:
    """Show the start of a value in one printable line."""
    return ascii(value)[:80]
