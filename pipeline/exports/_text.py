"""Write large JSON piece by piece, and times as ISO 8601 has them."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

AT_ONCE = 1000
"""Members of a list that are written at once."""


def objects(members: dict[str, Any]) -> Iterator[bytes]:
    """Write a JSON object; of its members those that are iterators are written as lists, a line for each element."""
    begins = "{"
    for key, value in members.items():
        yield f"{begins}\n{json.dumps(key)}: ".encode()
        begins = ","
        if isinstance(value, Iterator):
            yield from _list(value)
        else:
            yield line(value).encode()
    yield b"\n}\n"


def line(value: Any) -> str:
    """Write JSON on one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _list(values: Iterator[Any]) -> Iterator[bytes]:
    """Write a list, some elements at once."""
    waiting: list[str] = []
    begins = "[\n"
    for value in values:
        waiting.append(line(value))
        if len(waiting) == AT_ONCE:
            yield (begins + ",\n".join(waiting)).encode()
            waiting, begins = [], ",\n"
    yield (begins + ",\n".join(waiting)).encode() if waiting else b"[" if begins == "[\n" else b""
    yield b"]"


def stamps(at_ms: NDArray[np.int64]) -> list[str]:
    """Write milliseconds since 1970 as `2026-05-05T12:00:00.000Z`."""
    return [f"{moment}Z" for moment in np.datetime_as_string(at_ms.astype("datetime64[ms]"))]


def timed(rows: pa.Table) -> pa.Table:
    """Return rows with times written as `2026-05-05T12:00:00Z`, whole seconds; those without a zone without the Z."""
    for number, field in enumerate(rows.schema):
        if pa.types.is_timestamp(field.type):
            whole = pc.floor_temporal(rows.column(number), unit="second").cast(pa.timestamp("s", field.type.tz))
            text = pc.strftime(whole, format="%Y-%m-%dT%H:%M:%SZ" if field.type.tz else "%Y-%m-%dT%H:%M:%S")
            rows = rows.set_column(number, pa.field(field.name, pa.string(), metadata=field.metadata), text)
    return rows
