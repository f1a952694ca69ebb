"""Write the page of tables: every one with its grain, its columns, who makes and reads it, how long it lives."""

from pipeline import tables
from pipeline.dictionary import sources
from pipeline.dictionary.entries import Column, Entry

KINDS = {
    "table": ("Tables of the line", "Parquet below `<lake>/<scan>/<table>/`; only `snapshots` and `embeddings` are shown to nobody."),
    "product": ("Products", "What is published: nothing about fewer than `k` vehicles. [products.md](products.md) says how each is counted."),
    "gold": ("Gold tables", "What needs more nights than one: worked out of the products of all nights."),
    "view": ("Views", "What SQL may ask beside the tables ([sql.md](sql.md))."),
    "runs": ("Run records", "What runs took (`thoroughfare metrics`); SQL may ask them as `runs`."),
}  # fmt: skip
CONSTANTS = ("FRAME_STATES", "LABELS", "VERDICTS")
HEAD = """# Data dictionary

{conventions}

Types are Arrow's. A column of a table marked `null` may be empty. Columns whose names begin with `low_` and `high_` hold the figure between
them with 95 %; `support` is how many vehicles stand behind a row. `thoroughfare dictionary TABLE` shows any of this at the shell.
"""


def page(entries: dict[str, Entry]) -> str:
    """Write the page."""
    said = (tables.__doc__ or "").split("\n\n", 1)[1].strip()
    parts = [HEAD.format(conventions=" ".join(said.split())), _index(entries), _constants()]
    for kind, (title, told) in KINDS.items():
        some = [each for each in entries.values() if each.kind == kind]
        parts += [f"## {title}\n\n{told}\n", *map(_section, some)] if some else []
    return "\n".join(parts)


def cell(text: str) -> str:
    """Write text as a cell of a table of Markdown."""
    return text.replace("|", "\\|").replace("\n", " ")


def _index(entries: dict[str, Entry]) -> str:
    """List the tables on a line each."""
    rows = [
        f"| [{each.name}](#{each.name}) | {each.kind} | {cell(each.grain)} | {each.lives} |"
        for each in entries.values()
    ]
    return "\n".join(["| name | kind | one row is | lives |", "|---|---|---|---|", *rows, ""])


def _constants() -> str:
    """List what the columns that name a constant may hold."""
    said = sources.words(tables)
    rows = [
        f"| {name} | {' '.join(f'`{each}`' for each in getattr(tables, name))} | {cell(said[name])} |"
        for name in CONSTANTS
    ]
    return "\n".join(["| name | values | meaning |", "|---|---|---|", *rows, ""])


def _section(entry: Entry) -> str:
    """Write what is said of one table."""
    facts = [f"One row is {entry.grain}."]
    facts += [f"Key: {', '.join(f'`{each}`' for each in entry.key)}."] if entry.key else []
    facts += [f"Made by: {entry.made_by}."]
    facts += [f"Read by: {', '.join(entry.read_by)}."] if entry.read_by else []
    facts += [f"Lives: {entry.lives}."]
    facts += [f"Units: {entry.units}."] if entry.units else []
    facts += [f"Given: {', '.join(f'`${each}`' for each in entry.params)}."] if entry.params else []
    lines = [f"### {entry.name}", "", " ".join(facts), *(["", entry.notes] if entry.notes else []), ""]
    return "\n".join([*lines, "| column | type | null | meaning |", "|---|---|---|---|", *map(_row, entry.columns), ""])


def _row(column: Column) -> str:
    return f"| {column.name} | {cell(column.kind)} | {'null' if column.null else ''} | {cell(column.meaning)} |"
