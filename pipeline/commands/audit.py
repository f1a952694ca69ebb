"""Commands that read the log of looks at single vehicles and prove that nobody has changed it."""

from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.commands.options import LAKE, Json, LakeRoot, LakeScan, open_lake, scan_of
from pipeline.console import advise, show, tell

if TYPE_CHECKING:
    from pipeline.lake import Lake

app = typer.Typer(no_args_is_help=True, help="Read and prove the log of looks at single vehicles.")
COLUMNS = ["number", "at", "table", "shown", "purpose"]


@app.command(epilog="Example: thoroughfare audit verify --lake out/fdr --head 12:9f86d0...")
def verify(
    lake: LakeRoot = LAKE,
    scan: LakeScan = "",
    head: Annotated[
        str, typer.Option("--head", metavar="NUMBER:SHA256", help="What `audit head` said before; kept elsewhere.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Prove that no entry of the log was edited, taken out, put in or moved, with a head its end too; exit 7 otherwise."""
    from pipeline import looks

    there = _kept(lake, scan)
    found, now = list(looks.faults(there, looks.Head.of(head) if head else None)), looks.head(there)
    if as_json:
        tell({"entries": now.number, "head": str(now), "held_against": head, "faults": found})
    else:
        if found:
            show([{"what": fault} for fault in found], ["what"])
        verdict = f"faults: {len(found)}" if found else "nothing changed" + (f" since {head}" if head else "")
        typer.echo(f"{there}/{looks.LOG}: {now.number} entries: {verdict}")
        if found:
            advise(f"thoroughfare audit show --lake {lake}, beside a copy of the log; ask who can write the lake")
        elif not head:
            advise(f"thoroughfare audit verify --lake {lake} --head {now}, kept where who writes the lake cannot")
    if found:
        raise typer.Exit(7)


@app.command("show", epilog="Example: thoroughfare audit show --lake out/fdr")
def show_log(lake: LakeRoot = LAKE, scan: LakeScan = "", as_json: Json = False) -> None:
    """List every look at single vehicles, oldest first: when, at what, why, and whether it was refused."""
    from pipeline import looks

    there = _kept(lake, scan)
    rows = looks.entries(there)
    tell(rows) if as_json else show([{name: row.get(name) for name in COLUMNS} for row in rows], COLUMNS)
    if not as_json:
        advise(f"thoroughfare audit verify --lake {lake}")


@app.command(epilog="Example: thoroughfare audit head --lake out/fdr >> heads.txt")
def head(lake: LakeRoot = LAKE, scan: LakeScan = "") -> None:
    """Print the last entry's number and hash, to be kept where who writes the lake cannot."""
    from pipeline import looks

    typer.echo(str(looks.head(_kept(lake, scan))))


def _kept(root: str, scan: str) -> "Lake":
    """Open the lake of a scan that has nights in it; raise SettingsError where it has none."""
    from pipeline.upkeep import last_night

    there = open_lake(root, scan_of(root, scan))
    last_night(there)
    return there
