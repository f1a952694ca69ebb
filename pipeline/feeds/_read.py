"""Read what strangers send: strict JSON and plain XML, in bounds; anything else is a FeedError that names it."""

import itertools
import json
import math
import re
from typing import Any, NoReturn
from xml.etree import ElementTree as ET

from defusedxml import ElementTree as Defused

from pipeline.errors import FeedError

LIMIT_BYTES = 20 * 2**20
"""No camera list is longer."""
LIMIT_DEPTH = 64
"""No list nests deeper."""
LIMIT_DIGITS = 30
"""No number in a list is longer."""
LIMIT_PARTS = 1_000_000
"""No list has more objects, lists or elements."""
STRINGS = re.compile(rb'"(?:[^"\\]|\\.?)*+(?:"|\Z)', re.DOTALL)
"""Strings, or what is left of one: every byte is looked at once."""
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def read_json(content: bytes, what: str) -> Any:
    """Return what JSON says.

    Refused: anything but UTF-8 (a byte order mark is passed over), more than `LIMIT_BYTES`, deeper than `LIMIT_DEPTH`, a
    key twice in one object, NaN and infinities (1e999 is one), numbers of more than `LIMIT_DIGITS`, half characters.

    Args:
        content: The bytes as they came.
        what: Names the list in the error, as in `caltrans d4`.

    Raises:
        FeedError: naming the list and what is wrong with it.
    """
    text = _text(content, what)
    steps = STRINGS.sub(b"", content).translate(None, NO_BRACKETS)
    if max(itertools.accumulate(STEPS[step] for step in steps), default=0) > LIMIT_DEPTH:
        _refuse(what, f"it nests deeper than {LIMIT_DEPTH}")
    if len(steps) > 2 * LIMIT_PARTS:
        _refuse(what, f"it has more than {LIMIT_PARTS} parts")
    try:
        value = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite, parse_int=_short
        )
        if b"\\u" in content:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        _refuse(what, f"not valid JSON: {_told(error)}")
    return value


def read_xml(content: bytes, what: str) -> ET.Element:
    """Return the root of an XML list; one with a document type or entities is refused, for they can bite.

    Raises:
        FeedError: naming the list and what is wrong with it.
    """
    text = _text(content, what)
    if text.count("<") > 2 * LIMIT_PARTS:
        _refuse(what, f"it has more than {LIMIT_PARTS} parts")
    try:
        root: ET.Element = Defused.fromstring(content, forbid_dtd=True)
    except Defused.DTDForbidden:
        _refuse(what, "it has a document type, which no camera list needs")
    except (ET.ParseError, ValueError, LookupError) as error:
        _refuse(what, f"not valid XML: {_told(error)}")
    deepest, level = 0, [root]
    while level and deepest <= LIMIT_DEPTH:
        deepest, level = deepest + 1, [child for each in level for child in each]
    return _refuse(what, f"it nests deeper than {LIMIT_DEPTH}") if level else root


def _text(content: bytes, what: str) -> str:
    """Return UTF-8 text of a sane length."""
    if not content.strip():
        _refuse(what, "it is empty")
    if len(content) > LIMIT_BYTES:
        _refuse(what, f"{len(content)} bytes are more than {LIMIT_BYTES}")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _refuse(what, f"not UTF-8 text: byte {error.start} cannot be read")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build an object whose keys stand once."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {next(name for name in names if names.count(name) > 1)[:40]!r} stands twice")
    return made


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _finite(text: str) -> float:
    """Return a number that is one."""
    if len(text) > LIMIT_DIGITS or not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:LIMIT_DIGITS]} is no number")
    return number


def _short(text: str) -> int:
    """Return a whole number of sane length."""
    if len(text) > LIMIT_DIGITS:
        raise ValueError(f"{text[:LIMIT_DIGITS]}... has {len(text)} digits")
    return int(text)


def _told(error: Exception) -> str:
    """Say an error in a line, without what it holds of the list."""
    return "half a character" if isinstance(error, UnicodeError) else f"{error}"[:120]


def _refuse(what: str, why: str) -> NoReturn:
    raise FeedError(f"{what}: {why}; the last list that was read stays in the lake: look at the address by hand")
