"""Send a camera list in 24 bad ways to its feed's module and to `thoroughfare cameras`, most of them those of tests/mutations.py."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from families import FAMILIES
from loopback import Loopback, says
from mutations import MUTATIONS, Family, _put, in_one, placed

from pipeline.errors import FeedError
from tests.faults import night
from tests.faults.rows import Input, Row, Seen

TFL = FAMILIES[0]
KNOWN = {mutation.name: mutation for mutation in MUTATIONS}
REFUSED, REJECTED, UNCHANGED = "refused", "one row rejected", "read as if nothing had happened"
FIELD = "a field that every row has had is not as it was: the list has changed, and no row of it can be believed"
STRICT = "strict JSON only: what two readers may read differently is read by none"
ONE = "a row that cannot be right is rejected alone; the others go on"
SPARED = "nothing the reader needs has changed"
KEPT = "ids are texts: no path is ever made of one"


@dataclass(frozen=True)
class Change:
    """One way in which a list goes wrong."""

    apply: Callable[[Family, str], bytes]
    told: str = ""
    """What the error or the reason must say; the field itself where it is of one."""
    each_field: bool = False


def of(name: str, told: str = "") -> Change:
    """Take a change of tests/mutations.py."""
    mutation = KNOWN[name]
    return Change(mutation.apply, told or mutation.told, each_field=mutation.at == "fields")


def called(native: str, told: str = "id") -> Change:
    """Call the first of thirty cameras so."""
    return Change(in_one(lambda family, row: _put(row, family.id, native)), told)


def number(text: bytes) -> Change:
    """Write a latitude that is no number of JSON."""
    in_its_place = in_one(placed(lambda *_: 987654321.5, lambda _, lon: lon))
    return Change(lambda family, field: in_its_place(family, field).replace(b"987654321.5", text), "is no number")


_CASES: tuple[tuple[str, str, str, str, Change], ...] = (
    ("renamed", "a field called otherwise in every row", REFUSED, FIELD, of("a field renamed")),
    ("removed", "a field missing from every row", REFUSED, FIELD, of("a field removed")),
    ("extra", "a field more in every row", UNCHANGED, SPARED, of("a field more")),
    ("type-flip", "a field of another type in every row", REFUSED, FIELD, of("a field of another type")),
    ("null", "a field null in every row", REFUSED, FIELD, of("a field null")),
    ("depth-100k", "lists in lists, 100,000 deep", REFUSED, "64 levels at most, counted before it is parsed", of("too deep", "nests deeper")),
    ("dup-keys", "the same key twice in an object", REFUSED, STRICT, of("a field twice", "stands twice")),
    ("NaN", "NaN for a latitude", REFUSED, STRICT, number(b"NaN")),
    ("Infinity", "Infinity for a latitude", REFUSED, STRICT, number(b"Infinity")),
    ("1e999", "1e999 for a latitude", REFUSED, STRICT, number(b"1e999")),
    ("surrogate", "half a character in a name", REFUSED, STRICT, of("half a character", "half a character")),
    ("BOM", "a byte-order mark before the list", UNCHANGED, SPARED, of("a byte-order mark")),
    ("latin-1", "a list in Latin-1", REFUSED, "UTF-8 only: a guess would garble names", of("Latin-1", "not UTF-8")),
    ("utf-16", "a list in UTF-16", REFUSED, "UTF-8 only: a guess would garble names", of("UTF-16", "not UTF-8")),
    ("dup-id", "two cameras of one id", REJECTED, "the first stands; the later one is told", of("an id twice")),
    ("id-traversal", "an id ../../etc/passwd", REJECTED, ONE, called("../../etc/passwd")),
    ("id-abs", "an id /etc/passwd", REJECTED, ONE, called("/etc/passwd")),
    ("id-nul", "an id with a NUL", REJECTED, ONE, called("cam\0.jpg")),
    ("id-300", "an id of 300 characters", REJECTED, ONE, called("a" * 300)),
    ("id-reserved", "an id CON, which is no file of Windows", UNCHANGED, KEPT, called("CON")),
    ("id-unicode-confusable", "an id with a Cyrillic A", REJECTED, "no feed writes one: it can only stand for another", called("J\u0430mCams_09001.00001")),
    ("zero-zero", "a camera at (0, 0)", REJECTED, ONE, of("a place at zero")),
    ("swapped", "a camera with latitude and longitude swapped", REJECTED, ONE, of("a place swapped")),
    ("mixed-CRS", "a camera in metres of the British grid", REJECTED, ONE, Change(in_one(placed(lambda *_: 181_000.0, lambda *_: 531_000.0)), "outside")),
)  # fmt: skip
INPUTS = tuple(Input("feed", name, what, expected, why) for name, what, expected, why, _ in _CASES)


def held(folder: Path) -> list[Row]:
    """Send each to the feed's module and to the command."""
    folder.mkdir(parents=True, exist_ok=True)
    with Loopback() as server:
        night.write_settings(folder / "settings.toml", "faults", server.url)
        return [Row(each, _outcome(case[-1], folder, server)) for each, case in zip(INPUTS, _CASES, strict=True)]


def _outcome(change: Change, folder: Path, server: Loopback) -> Seen:
    """Read a list that has gone wrong, for each field that it may go wrong at; all must end the same."""
    seen = [_read(change, field, folder, server) for field in (TFL.fields if change.each_field else ("",))]
    wrong = "; ".join(sorted({each.wrong for each in seen if each.wrong}))
    told = sorted({each.told for each in seen}, key=len)
    return (
        Seen(told[0], wrong) if len({each.partition(":")[0] for each in told}) == 1 else Seen(" or ".join(told), wrong)
    )


def _read(change: Change, field: str, folder: Path, server: Loopback) -> Seen:
    """Read a list that has gone wrong at one field, by both doors."""
    path, _, word = field.partition("|")
    content, told = change.apply(TFL, path), word or path.rpartition(".")[2] or change.told
    server.pages[night.LIST] = says(content)
    asked = ["cameras", "faults", "--settings", str(folder / "settings.toml")]
    answer, rejected = night.said([*asked, "--json"]), night.said([*asked, "--rejected", "--json"])
    by_module, sentence = _parsed(content)
    if answer.code:
        wrong = _no_sentence(answer, told) if by_module == REFUSED else f"the module says {by_module}"
        return Seen(f"{REFUSED}: {sentence}", wrong)
    rows, reasons = json.loads(answer.out), _new(row["reason"] for row in json.loads(rejected.out))
    lost = _count(content) - len(rows) - (len(json.loads(rejected.out)) - len(reasons))
    by_command = (
        UNCHANGED if not reasons and not lost else REJECTED if len(reasons) == lost == 1 else f"{lost} rows lost"
    )
    wrong = [] if by_command == by_module else [f"the module says {by_module}, the command {by_command}"]
    wrong += [f"{reason!r} does not say {told!r}" for reason in reasons if told and told not in reason]
    return Seen(": ".join([by_command, *reasons]), "; ".join(wrong))


def _parsed(content: bytes) -> tuple[str, str]:
    """Read a list by its feed's module; return what came of it, and the sentence where it was refused."""
    try:
        listing = import_module(f"pipeline.feeds.{TFL.name}").parse(content)
    except FeedError as error:
        return REFUSED, f"{error}"
    return (REJECTED if len(_new(each.reason for each in listing.rejected)) == 1 else UNCHANGED), ""


def _new(reasons: Iterable[str]) -> list[str]:
    """Leave out the row of the sound list that is no camera to observe."""
    return [reason for reason in reasons if not reason.startswith("out of service")]


def _count(content: bytes) -> int:
    """Count a list's rows."""
    return len(json.loads(content.decode("utf-8-sig")))


def _no_sentence(answer: night.Said, told: str) -> str:
    """Say what is wrong with how a refusal was told; it must be one line, exit code 4, and name what is wrong."""
    lines = answer.text.strip().splitlines()
    if answer.code != 4 or len(lines) != 1 or not lines[0].startswith("thoroughfare: feed tfl_jamcams: "):
        return f"exit code {answer.code}: {answer.text[:200]}"
    return "" if told in lines[0] else f"{lines[0]!r} does not say {told!r}"
