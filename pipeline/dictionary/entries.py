"""Say of every table, product, gold table and view what one row is, what its columns mean, and who makes and reads it."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from pipeline import metrics, products, query
from pipeline.dictionary import sources
from pipeline.stages import STAGES
from pipeline.tables import KEPT, TABLES

VIEW = re.compile(r"^-- ([^\n]+)\nCREATE VIEW (\w+) AS\s+(.*?);", re.MULTILINE | re.DOTALL)
"""A view of `sql/views.sql`: what one row is, its name, its SELECT."""
NIGHT = pa.field("scan_date", pa.date32(), metadata={"doc": "local date on which the night begins"})
"""What tells the rows of several nights apart."""
KEYED = re.compile(r"^(grain|reads|params|units|nights|column \w+):")
"""A line of a header that has a meaning of its own."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    kind: str
    """Its Arrow type."""
    null: bool | None
    """Whether it may be empty; None where SQL leaves that open."""
    meaning: str
    """What it says, with its unit."""


@dataclass(frozen=True)
class Entry:
    """What the dictionary says of one table."""

    name: str
    """As SQL has it."""
    kind: str
    """`table`, `product`, `gold`, `view` or `runs`."""
    grain: str
    """What one row is."""
    columns: tuple[Column, ...]
    made_by: str
    lives: str
    """How long it is kept."""
    key: tuple[str, ...] = ()
    """Columns that are unique together."""
    read_by: tuple[str, ...] = ()
    """Stages, products and gold tables that read it."""
    units: str = ""
    notes: str = ""
    """What else its own file says."""
    params: tuple[str, ...] = ()
    """Values that its SQL is given."""


@cache
def entries() -> dict[str, Entry]:
    """Return every table people may meet, in the order of the line, then what stands on it."""
    published = _published()
    made = [*_tables(), *_statements("products", published), *_statements("gold", _over(published)), *_views(published)]
    return {each.name: each for each in [*made, _runs()]}


def _tables() -> list[Entry]:
    """Tell of the tables of the line."""
    makers = {line.table: line for line in STAGES}
    found = []
    for table in TABLES.values():
        line = makers[table.name]
        columns = tuple(
            Column(each.name, str(each.type), each.nullable, each.metadata[b"doc"].decode()) for each in table.schema
        )
        found.append(
            Entry(
                table.name,
                "table",
                table.grain,
                columns,
                f"{line.table}.{line.verb}, once a {line.unit}",
                _lives(table.name, table.lives_days),
                table.key,
                _readers(table.name),
            )
        )
    return found


def _statements(folder: str, schemas: dict[str, pa.Schema]) -> list[Entry]:
    """Tell of the files of `sql/products` or `sql/gold`."""
    kinds = {
        "products": ("products.publish, once a night", "kept"),
        "gold": (
            "worked out of the products of all nights, and kept in `thoroughfare.duckdb`",
            "as long as its products",
        ),
    }
    found = []
    for name in query.names(folder):
        stated, short = query.header(name), name.rpartition("/")[2]
        columns = _columns(schemas[short], query.columns(name))
        made_by, lives = kinds[folder]
        found.append(
            Entry(
                short, "product" if folder == "products" else "gold", ", ".join(stated["grain"]), columns, made_by, lives,
                (), _readers(short), ", ".join(stated["units"]), _notes(query.read(name)), tuple(stated["params"]),
            )
        )  # fmt: skip
    return found


def _views(published: dict[str, pa.Schema]) -> list[Entry]:
    """Tell of the views that SQL may ask beside the tables."""
    tables = {name: table.empty() for name, table in TABLES.items()}
    tables |= {name: schema.empty_table() for name, schema in published.items()}
    tables = {name: _nights(rows) for name, rows in tables.items()}
    found = []
    for grain, name, select in VIEW.findall(query.read("views")):
        given = {each: rows for each, rows in tables.items() if each in query.mentioned(select)}
        columns = _columns(query.ask(select, given).schema, _meanings(given) | query.columns("views"))
        made_by = "a view, worked out of " + ", ".join(sorted(given))
        found.append(Entry(name, "view", _grain(grain), columns, made_by, "as long as what it is worked out of"))
    return found


def _runs() -> Entry:
    """Tell of the run records."""
    said = {each.name: each.meaning for each in sources.settings(metrics.Run)}
    lives = f"{metrics.LIVES.days} days"
    made_by = "every run, beside the lake's tables"
    return Entry("runs", "runs", "one step of one run", _columns(metrics.SCHEMA, said), made_by, lives)


def _published() -> dict[str, pa.Schema]:
    """Learn the types of the products by publishing a night without any vehicle."""
    line = next(each for each in STAGES if each.table == "products")
    empty = {name: TABLES[name].empty() for name in line.reads}
    made = products.publish(**empty, settings=products.Settings(timezone="UTC"))
    return {name.removeprefix("products/"): rows.schema for name, rows in made.items()}


def _over(published: dict[str, pa.Schema]) -> dict[str, pa.Schema]:
    """Learn the types of the gold tables by asking them of products without rows."""
    nights = {name: _nights(schema.empty_table()) for name, schema in published.items()}
    found = {}
    for name in query.names("gold"):
        stated = query.header(name)
        params: dict[str, Any] = {"timezone": "UTC", "k": 1}
        rows = query.query(
            name,
            {each: params[each] for each in stated["params"]},
            **{each: nights[each] for each in stated["reads"]},
        )
        found[name.removeprefix("gold/")] = rows.schema
    return found


def _nights(rows: pa.Table) -> pa.Table:
    """Give the rows of several nights the column that tells them apart."""
    return rows if "scan_date" in rows.column_names else rows.append_column(NIGHT, pa.nulls(0, NIGHT.type))


def _columns(schema: pa.Schema, meanings: dict[str, str]) -> tuple[Column, ...]:
    """Tell of the columns of a statement; SQL leaves open whether one may be empty."""
    return tuple(Column(each.name, str(each.type), None, meanings.get(each.name, "")) for each in schema)


def _meanings(tables: dict[str, pa.Table]) -> dict[str, str]:
    """Return what the tables' own columns mean: a view hands most of them on."""
    fields = [field for rows in tables.values() for field in rows.schema]
    return {field.name: (field.metadata or {}).get(b"doc", b"").decode() for field in fields}


def _readers(table: str) -> tuple[str, ...]:
    """Name the stages that read a table, then the products and gold tables."""
    stages = [line.table for line in STAGES if table in line.reads]
    files = [name for name in query.names("products") + query.names("gold") if table in query.header(name)["reads"]]
    return (*stages, *files)


def _lives(table: str, days: int | None) -> str:
    """Say how long rows are kept."""
    if days is KEPT:
        return "kept"
    if days:
        return f"{days} days after the night's end"
    last = next(line.table for line in STAGES if table in line.outlived)
    return f"until the night's {last} are committed, 24 hours at most"


def _notes(text: str) -> str:
    """Return the words of a file's header that have no key."""
    top = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        top.append(line.removeprefix("--").strip())
    return " ".join(line for line in top if line and not KEYED.match(line) and not line.startswith("noqa"))


def _grain(words: str) -> str:
    """Write a sentence of a view as the grain of a table is written."""
    return f"{words[0].lower()}{words[1:].rstrip('.')}"
