"""Change a recorded camera list in every way that lists go wrong, and say what must come of each."""

import copy
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

FOLDER = Path(__file__).parent / "feeds"
Document = Any
"""A list as JSON has it; XML as its root's tag over the children's tag over a list of fields by tag."""


@dataclass(frozen=True)
class Family:
    """Where a feed's fixture keeps what every feed has. Fields are dotted paths from the row, numbers index lists."""

    name: str
    rows: str
    """Path of the list of rows; empty for the answer itself."""
    fields: tuple[str, ...]
    """Fields without which no camera can be told; `path|word` where errors call it otherwise."""
    lat: str
    lon: str
    text: str
    """A field of free text."""
    id: str
    own: str
    """What of the first row's text is its own: ids and the addresses made from them."""
    numbered: str
    """The same for row `n` of a longer list."""
    image: str = ""
    """Address of the picture; empty where it is made from the id."""
    words: tuple[str, ...] = ()
    """Fields that may be null, and are there."""

    @property
    def path(self) -> Path:
        return next(FOLDER.glob(f"{self.name}.*"))

    @property
    def xml(self) -> bool:
        return self.path.suffix == ".xml"

    def read(self) -> Document:
        return _of_xml(self.path.read_bytes()) if self.xml else json.loads(self.path.read_bytes())

    def write(self, document: Document) -> bytes:
        return _to_xml(document) if self.xml else json.dumps(document, ensure_ascii=False).encode()

    def rows_of(self, document: Document) -> list[Any]:
        return _at(document, self.rows) if self.rows else document

    def long(self, rows: int = 30) -> Document:
        """Return a list of as many good rows as one bad row may be among."""
        document = self.read()
        listed = self.rows_of(document)
        told = json.dumps(listed[0])
        listed[:] = [json.loads(told.replace(self.own, self.numbered.format(n=n)) if n else told) for n in range(rows)]
        return document


@dataclass(frozen=True)
class Mutation:
    """One way in which a list goes wrong."""

    name: str
    apply: Callable[[Family, str], bytes]
    """Return the list gone wrong, at a field where it is of one."""
    outcome: str
    """`refused`, `one rejected` or `unchanged`; `no number`: refused, one rejected where the feed writes numbers as texts."""
    told: str = ""
    """What the error or the reason must say; the field where empty and the mutation is of a field."""
    at: str = ""
    """Which of a family's fields it is of: `fields`, `words`, or none."""


def every_row(change: Callable[[Document, str], None]) -> Callable[[Family, str], bytes]:
    """Change a field of every row of the fixture."""

    def apply(family: Family, field: str) -> bytes:
        document = family.read()
        for row in family.rows_of(document):
            change(row, field)
        return family.write(document)

    return apply


def one_of_thirty(change: Callable[[Document, str], None]) -> Callable[[Family, str], bytes]:
    """Change a field of the first of thirty rows."""

    def apply(family: Family, field: str) -> bytes:
        document = family.long()
        change(family.rows_of(document)[0], field)
        return family.write(document)

    return apply


def renamed(row: Document, field: str) -> None:
    holder, name = _holder(row, field)
    holder[f"{name}_v2"] = holder.pop(name)


def removed(row: Document, field: str) -> None:
    holder, name = _holder(row, field)
    del holder[name]


def flipped(row: Document, field: str) -> None:
    holder, name = _holder(row, field)
    value = holder[name]
    holder[name] = {"value": value} if isinstance(value, str | list) else str(value)


def emptied(row: Document, field: str) -> None:
    holder, name = _holder(row, field)
    holder[name] = None


def extended(row: Document, field: str) -> None:  # noqa: ARG001
    row["added_in_v2"] = "7"


def placed(lat: Callable[[float, float], Any], lon: Callable[[float, float], Any]) -> Any:
    """Return a change of a row's place by its old latitude and longitude."""

    def change(family: Family, row: Document) -> None:
        (lats, y), (lons, x) = _holder(row, family.lat), _holder(row, family.lon)
        old = lats[y], lons[x]
        for holder, name, value in ((lats, y, lat), (lons, x, lon)):
            found = value(float(old[0]), float(old[1]))
            holder[name] = str(found) if isinstance(old[0], str) else found

    return change


def in_one(change: Callable[[Family, Document], None]) -> Callable[[Family, str], bytes]:
    return lambda family, _: one_of_thirty(lambda row, _: change(family, row))(family, "")


def in_all(change: Callable[[Family, Document], None]) -> Callable[[Family, str], bytes]:
    return lambda family, _: every_row(lambda row, _: change(family, row))(family, "")


def said(text: str) -> Callable[[Family, str], bytes]:
    """Put a text into the free text of one of thirty rows."""
    return in_one(lambda family, row: _put(row, family.text, text))


def of_bytes(change: Callable[[bytes], bytes]) -> Callable[[Family, str], bytes]:
    return lambda family, _: change(family.path.read_bytes())


def twice(family: Family, field: str) -> bytes:  # noqa: ARG001
    document = family.long()
    listed = family.rows_of(document)
    listed.append(copy.deepcopy(listed[0]))
    return family.write(document)


def without_rows(family: Family, field: str) -> bytes:  # noqa: ARG001
    document = family.read()
    family.rows_of(document).clear()
    return family.write(document)


def beyond(family: Family, field: str) -> bytes:  # noqa: ARG001
    changed = in_one(placed(lambda lat, _: lat, lambda *_: 987654321.5))(family, "")
    return changed.replace(b"987654321.5", b"1e999")


def deep(family: Family, field: str) -> bytes:  # noqa: ARG001
    return b"<a>" * 100_000 + b"</a>" * 100_000 if family.xml else b"[" * 100_000 + b"]" * 100_000


def field_twice(family: Family, field: str) -> bytes:  # noqa: ARG001
    """Write the id of every row twice, with another value."""
    content, (_, name) = family.write(family.read()), _holder(family.rows_of(family.read())[0], family.id)
    begin = f"<{name}>".encode() if family.xml else f'"{name}":'.encode()
    again = b"<%s>9</%s>" % (name.encode(), name.encode()) if family.xml else b'"%s": "9", ' % name.encode()
    return content.replace(begin, again + begin)


def half_character(family: Family, field: str) -> bytes:  # noqa: ARG001
    written = said("HALF")(family, "")
    return written.replace(b"HALF", b"&#xD83D;" if family.xml else b"\\ud83d")


def exploding(family: Family, field: str) -> bytes:  # noqa: ARG001
    """Define entities that fill the memory."""
    steps = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 9))
    head = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "boom">{steps}]>'
    return f"{head}<x>&e8;</x>".encode()


MUTATIONS = (
    Mutation("a field renamed", every_row(renamed), "refused", at="fields"),
    Mutation("a field removed", every_row(removed), "refused", at="fields"),
    Mutation("a field of another type", every_row(flipped), "refused", at="fields"),
    Mutation("a field null", every_row(emptied), "refused", at="fields"),
    Mutation("a word renamed", every_row(renamed), "refused", at="words"),
    Mutation("a field renamed in one row of thirty", one_of_thirty(renamed), "one rejected", at="fields"),
    Mutation("a field removed in one row of thirty", one_of_thirty(removed), "one rejected", at="fields"),
    Mutation("a field of another type in one row of thirty", one_of_thirty(flipped), "one rejected", at="fields"),
    Mutation("a field null in one row of thirty", one_of_thirty(emptied), "one rejected", at="fields"),
    Mutation("a field more", every_row(extended), "unchanged"),
    Mutation("a field twice", field_twice, "refused"),
    Mutation("an id twice", twice, "one rejected", "twice"),
    Mutation("an id that climbs", in_one(lambda f, row: _put(row, f.id, "../../etc/passwd")), "one rejected"),
    Mutation("an id of 300 characters", in_one(lambda f, row: _put(row, f.id, "a" * 300)), "one rejected"),
    Mutation("a picture elsewhere", in_one(lambda f, row: _put(row, f.image, "https://127.0.0.1/x.jpg")), "one rejected", "lead"),
    Mutation("all pictures elsewhere", in_all(lambda f, row: _put(row, f.image, "https://example.org/x.jpg")), "refused", "lead"),
    Mutation("a picture by file", in_one(lambda f, row: _put(row, f.image, "file:///etc/passwd")), "one rejected", "lead"),
    Mutation("no number for a latitude", in_one(placed(lambda *_: math.nan, lambda _, lon: lon)), "no number"),
    Mutation("an infinite longitude", in_one(placed(lambda lat, _: lat, lambda *_: math.inf)), "no number"),
    Mutation("a longitude beyond all numbers", beyond, "no number"),
    Mutation("a place at zero", in_one(placed(lambda *_: 0.0, lambda *_: 0.0)), "one rejected", "no place"),
    Mutation("a place swapped", in_one(placed(lambda _, lon: lon, lambda lat, _: lat)), "one rejected", "swapped"),
    Mutation("a place far away", in_one(placed(lambda *_: 12.5, lambda *_: 1.5)), "one rejected", "outside"),
    Mutation("all places at zero", in_all(placed(lambda *_: 0.0, lambda *_: 0.0)), "refused", "no place"),
    Mutation("all places swapped", in_all(placed(lambda _, lon: lon, lambda lat, _: lat)), "refused", "swapped"),
    Mutation("cut in half", of_bytes(lambda content: content[: len(content) // 2]), "refused"),
    Mutation("a page instead", of_bytes(lambda _: b"<html><h4>Page not found</h4></html>"), "refused"),
    Mutation("nothing", of_bytes(lambda _: b""), "refused"),
    Mutation("no rows", without_rows, "refused"),
    Mutation("other things", of_bytes(lambda _: b'{"error": {"code": 429}}'), "refused"),
    Mutation("a number", of_bytes(lambda _: b"7"), "refused"),
    Mutation("a byte-order mark", of_bytes(lambda content: b"\xef\xbb\xbf" + content), "unchanged"),
    Mutation("Latin-1", lambda f, _: said("Caf\u00e9")(f, "").decode().encode("latin-1"), "refused"),
    Mutation("UTF-16", of_bytes(lambda content: content.decode().encode("utf-16")), "refused"),
    Mutation("too deep", deep, "refused"),
    Mutation("half a character", half_character, "refused"),
    Mutation("entities that explode", exploding, "refused"),
)  # fmt: skip


def _at(document: Document, path: str) -> Any:
    for name in path.split("."):
        document = document[int(name) if isinstance(document, list) else name]
    return document


def _holder(row: Document, field: str) -> tuple[Any, Any]:
    """Return what holds a field, and the field's name or number there."""
    outer, _, name = field.rpartition(".")
    holder = _at(row, outer) if outer else row
    return holder, int(name) if isinstance(holder, list) else name


def _put(row: Document, field: str, value: Any) -> None:
    holder, name = _holder(row, field)
    holder[name] = value


def _of_xml(content: bytes) -> Document:
    """Return a list in XML as `{root: {row: [fields]}}`."""
    root = ET.fromstring(content)  # noqa: S314 - our own file

    def fields(element: ET.Element) -> Any:
        return {child.tag: fields(child) for child in element} if len(element) else element.text or ""

    return {root.tag: {root[0].tag: [fields(child) for child in root]}}


def _to_xml(document: Document) -> bytes:
    """Return `{root: {row: [fields]}}` as XML."""
    ((root_tag, listed),) = document.items()
    root = ET.Element(root_tag)
    ((row_tag, rows),) = listed.items()

    def fill(element: ET.Element, value: Any) -> ET.Element:
        if isinstance(value, dict):
            element.extend(fill(ET.Element(tag), inner) for tag, inner in value.items())
        else:
            element.text = None if value is None else str(value)
        return element

    root.extend(fill(ET.Element(row_tag), row) for row in rows)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)
