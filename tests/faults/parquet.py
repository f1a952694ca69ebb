"""Damage, swap and age the Parquet files of a lake, and read it by `verify`, `sql` and the lake's own reader."""

import pickle
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import IntegrityError
from pipeline.lake import Lake
from pipeline.tables import TABLES
from tests.faults.models import _Opens
from tests.faults.night import Night, said
from tests.faults.rows import Input, Row, Seen

REFUSED = "refused, exit code 7: its bytes are not those committed"
HASHED = "every byte is held against the commit's hash before a value is read"
SINCE = "nulls stand for a column that is newer"
INPUTS = tuple(
    Input("parquet", name, what, expected, why)
    for name, what, expected, why in (
        ("flip-data", "one bit flipped among the values", REFUSED, HASHED),
        ("flip-footer", "one bit flipped in the footer", REFUSED, HASHED),
        ("cut-tail", "a file without its last 64 bytes", REFUSED, HASHED),
        ("cut-head", "a file without its first 64 bytes", REFUSED, HASHED),
        ("swapped", "another file's bytes under this file's name", REFUSED, HASHED),
        ("older-schema", "a committed file without the newest column", f"read: {SINCE}", "a kept table outlives the version that wrote it"),
        ("extension-pickle", "a column of an extension type that unpickles code", REFUSED, f"{HASHED}; a committed one is read as plain text"),
        ("zero-rows", "a committed file without a row", "read: no rows", "empty in, empty out, with the right columns"),
    )
)  # fmt: skip


class Copy:
    """A copy of the night's lake with one file to be damaged."""

    def __init__(self, night: Night, folder: Path) -> None:
        """Copy the lake and find its frames, which every question reads from their file; of the cameras the database holds rows."""
        shutil.copytree(night.folder / "lake", folder / "lake")
        self.night, self.folder = night, folder
        self.lake = Lake(folder / "lake", night.scan)
        (self.place,) = self.lake.places("frames")
        self.path = next((folder / "lake" / night.scan / self.place.folder).glob("*.parquet"))

    def rewritten(self, rows: pa.Table) -> None:
        """Commit other rows in the frames' place, as a run would."""
        last = self.lake.last(self.place)
        assert last is not None
        self.lake.commit(
            self.place, [self.lake.write(self.place, 0, rows)], last.lineage | {"code": "another version's"}
        )

    def read(self) -> pa.Table:
        """Read the frames by the lake's own reader."""
        return self.lake.read([self.place])

    def asked(self, *words: str) -> tuple[int, str]:
        """Run a command on the copy."""
        done = said([*words, "--lake", str(self.folder / "lake")])
        return done.code, done.text

    def sql(self) -> tuple[int, str]:
        """Count the frames."""
        return self.asked("sql", "SELECT count(*) AS n FROM frames", "--settings", str(self.night.settings))


def held(night: Night, folder: Path) -> list[Row]:
    """Damage a copy of the night's lake in each way and read it."""
    found = []
    for each in INPUTS:
        copy = Copy(night, folder / each.name)
        found.append(Row(each, CASES[each.name](copy)))
        shutil.rmtree(copy.folder)
    return found


def _damaged(change: Callable[[bytes], bytes]) -> Callable[[Copy], Seen]:
    """Change the file's bytes where they lie; every reader must refuse them and name the file."""

    def outcome(copy: Copy) -> Seen:
        copy.path.write_bytes(change(copy.path.read_bytes()))
        return _refused(copy)

    return outcome


def _refused(copy: Copy) -> Seen:
    answers = {"verify": copy.asked("verify"), "sql": copy.sql(), "reader": _by_reader(copy)}
    wrong = [
        f"{door}: exit code {code}: {text[-200:]}"
        for door, (code, text) in answers.items()
        if code != 7 or copy.path.name not in text or "Traceback" in text
    ]
    sentence = answers["reader"][1].partition(": ")[2]
    return Seen(f"refused, exit code {answers['reader'][0]}: {sentence}", "; ".join(wrong))


def _by_reader(copy: Copy) -> tuple[int, str]:
    try:
        return 0, f"{copy.read().num_rows} rows"
    except IntegrityError as error:
        return error.exit_code, f"{error}"


def _flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def _swapped(copy: Copy) -> Seen:
    """Put the bytes of the cameras' file under the frames' name."""
    other = next((copy.folder / "lake" / copy.night.scan / "cameras").rglob("*.parquet"))
    copy.path.write_bytes(other.read_bytes())
    return _refused(copy)


def _older(copy: Copy) -> Seen:
    """Commit the frames as a version would that knew one column fewer."""
    rows = copy.read()
    gone = rows.schema.names[-1:]
    copy.rewritten(rows.drop_columns(gone))
    wrong = [f"{words}: {text[-200:]}" for words, (code, text) in _well(copy).items() if code]
    read = copy.read()
    if read.schema.names != TABLES["frames"].schema.names or any(
        read[name].null_count < read.num_rows for name in gone
    ):
        wrong.append(f"read with columns {read.schema.names}")
    wrong += [] if read.drop_columns(gone).to_pylist() == rows.drop_columns(gone).to_pylist() else ["other values"]
    return Seen(f"read: {SINCE}", "; ".join(wrong))


def _well(copy: Copy) -> dict[str, tuple[int, str]]:
    """Run what reads the frames."""
    report = copy.asked("report", "--settings", str(copy.night.settings), "--out", str(copy.folder / "report.html"))
    return {"verify": copy.asked("verify"), "sql": copy.sql(), "report": report}


def _pickled(copy: Copy) -> Seen:
    """Write a column whose type unpickles code where it is known: under the frames' name, then as a commit."""
    canary, rows, committed = copy.folder / "CANARY", copy.read(), copy.path.read_bytes()
    bites = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(_Opens(canary)),
    }
    field = rows.schema.field("reason").with_metadata(bites)
    biting = rows.set_column(rows.schema.get_field_index("reason"), field, rows["reason"])
    pq.write_table(biting, copy.path)
    seen = _refused(copy)
    copy.path.write_bytes(committed)
    copy.rewritten(biting)
    plain = copy.read()["reason"].to_pylist() == rows["reason"].to_pylist()
    wrong = [seen.wrong, "" if plain else "committed: other values", "it was unpickled" if canary.exists() else ""]
    return replace(seen, wrong="; ".join(filter(None, wrong)))


def _empty(copy: Copy) -> Seen:
    """Commit the frames without a row."""
    copy.rewritten(TABLES["frames"].empty())
    code, text = copy.sql()
    wrong = [] if code == 0 and text.split() == ["n", "0"] else [f"sql: {text[-200:]}"]
    read = copy.read()
    wrong += [] if read.schema.equals(TABLES["frames"].schema) else ["other columns"]
    wrong += [f"{door}: {text[-200:]}" for door, (code, text) in _well(copy).items() if code and door == "report"]
    return Seen("read: no rows" if read.num_rows == 0 else f"read: {read.num_rows} rows", "; ".join(wrong))


CASES: dict[str, Callable[[Copy], Seen]] = {
    "flip-data": _damaged(lambda raw: _flipped(raw, len(raw) // 4)),
    "flip-footer": _damaged(lambda raw: _flipped(raw, len(raw) - 40)),
    "cut-tail": _damaged(lambda raw: raw[:-64]),
    "cut-head": _damaged(lambda raw: raw[64:]),
    "swapped": _swapped,
    "older-schema": _older,
    "extension-pickle": _pickled,
    "zero-rows": _empty,
}
