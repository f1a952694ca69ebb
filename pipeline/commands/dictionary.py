"""The command that says what every table and column means, and writes the pages that are made of the program."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.completion import described
from pipeline.commands.options import Json
from pipeline.console import advise, show, tell
from pipeline.errors import SettingsError

app = typer.Typer()


@app.command(epilog="Example: thoroughfare dictionary travel_time")
def dictionary(
    context: typer.Context,
    table: Annotated[
        str,
        typer.Argument(
            metavar="TABLE", help="A table, product, gold table or view; default: all.", autocompletion=described
        ),
    ] = "",
    write: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write data_dictionary.md, settings.md and commands.md into this folder."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what one row of each table is, and what its columns mean, with units; or write it all as pages."""
    from pipeline import dictionary as words

    if write and table:
        raise SettingsError(f"--write writes all pages; leave {table!r} out")
    if write:
        made = words.write(context.find_root().command, write)
        tell([str(path) for path in made]) if as_json else typer.echo("\n".join(map(str, made)))
        if not as_json:
            advise("git diff docs")
        return
    if table:
        entry = words.entry(table)
        if as_json:
            tell(asdict(entry))
            return
        typer.echo(f"{entry.name}: one row is {entry.grain}; {entry.made_by}; lives: {entry.lives}\n")
        show([asdict(column) for column in entry.columns], ["name", "kind", "meaning"])
        advise(f"thoroughfare sql 'FROM {entry.name} LIMIT 10'")
        return
    found = [asdict(entry) for entry in words.known().values()]
    tell(found) if as_json else show(found, ["name", "kind", "grain", "lives"])
    if not as_json:
        advise("thoroughfare dictionary TABLE")
