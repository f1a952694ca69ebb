"""Commands that keep a lake: prove it, let it expire, merge its small files, tell its history."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.completion import tables
from pipeline.commands.options import LAKE, Json, LakeRoot, LakeScan, LakesScan, now, open_lake, scan_of
from pipeline.console import advise, show, tell
from pipeline.errors import SettingsError
from pipeline.scans import date_of

app = typer.Typer()


@app.command(epilog="Example: thoroughfare verify --lake out/demo")
def verify(name: LakesScan = "", lake: LakeRoot = LAKE, as_json: Json = False) -> None:
    """Prove every file of a lake by its hash and every table by sql/checks; exit 7 when anything is wrong."""
    from pipeline import upkeep

    name = scan_of(lake, name)
    faults = list(upkeep.verify(open_lake(lake, name), now()))
    nights = [str(each) for each in upkeep.nights(open_lake(lake, name))]
    wrong = [fault for fault in faults if not fault.waits]
    if as_json:
        tell({"nights": nights, "faults": [asdict(fault) for fault in faults]})
    else:
        if faults:
            show([asdict(fault) for fault in faults], ["where", "what"])
        verdict = f"faults: {len(wrong)}" if wrong else "nothing wrong"
        waiting = f"; left by a run at work or cut off: {len(faults) - len(wrong)}" if len(faults) > len(wrong) else ""
        typer.echo(f"{lake}/{name}: nights {nights}: {verdict}{waiting}")
        advise(f"thoroughfare {f'status {name}' if wrong else f'expire {name} --prove'} --lake {lake}")
    if wrong:
        raise typer.Exit(7)


@app.command(epilog="Example: thoroughfare expire --lake out/demo --prove")
def expire(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    prove: Annotated[
        bool,
        typer.Option(
            help="Search all that was written for files, pictures and vectors that should be gone; exit 7 when any is found."
        ),
    ] = False,
    also: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="With --prove: search here too, such as where pages and exports are kept."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Delete what has lived its days and what no commit names; the records of what it was stay."""
    from pipeline import audit, database, metrics, proof, upkeep

    if missing := [str(each) for each in also or () if not each.exists()]:
        raise SettingsError(f"--also {missing}: not there; name a folder or file that was written")
    name = scan_of(lake, name)
    opened = open_lake(lake, name)
    metrics.expire(opened, now())
    gone = {place.folder: files for place, files in upkeep.expire(opened, now())}
    collected = audit.collect(opened, now())
    database.keep_again(opened)
    left = [place.folder for place in upkeep.overdue(opened, now())] if prove else []
    left += [each.key for each in audit.litter(opened, now())] if prove else []
    searched = proof.search(opened, now(), also or ()) if prove else None
    wrong = searched.wrong if searched else ()
    if as_json:
        tell({"expired": gone, "collected": collected, "left": left, "proof": asdict(searched) if searched else None})
    else:
        others = ", ".join(f"{count} {kind}" for kind, count in collected.items() if count)
        typer.echo(
            f"{lake}/{name}: {sum(map(len, gone.values()))} files expired"
            + (f"; collected {others}" if others else "")
            + (f"; {len(left)} left" if prove else "")
        )
        if searched:
            if searched.finds:
                show([asdict(find) for find in searched.finds], ["where", "what", "count", "waits"])
            typer.echo(
                f"searched {searched.files} files, {searched.size_bytes / 1e6:.1f} MB: "
                f"pictures {searched.count('picture')}, vectors {searched.count('vector')}"
                + ("" if len(searched.finds) == len(wrong) else "; those that wait are of a run at work or cut off")
            )
        advise(f"thoroughfare verify {name} --lake {lake}")
    if left or wrong:
        raise typer.Exit(7)


@app.command(epilog="Example: thoroughfare compact demo --lake out/demo --before 2026-05-06")
def compact(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    before: Annotated[str, typer.Option(help="Only nights before this local date; default: all.")] = "",
    as_json: Json = False,
) -> None:
    """Merge the small files of each window's and night's table into one; no later stage runs again for it."""
    from pipeline import compaction, database

    name = scan_of(lake, name)
    merges = list(compaction.compact(open_lake(lake, name), date_of(before) if before else None))
    database.keep_again(open_lake(lake, name))
    if as_json:
        tell([asdict(merge) | {"place": merge.place.folder} for merge in merges])
        return
    files, merged = sum(merge.files for merge in merges), sum(merge.merged_files for merge in merges)
    typer.echo(f"{lake}/{name}: {len(merges)} places compacted, {files} files into {merged}")
    if merges:
        typer.echo("The files they were made from go with `thoroughfare expire` a day from now.")
        advise(f"thoroughfare revisions {name} --lake {lake}")


@app.command(epilog="Example: thoroughfare revisions demo --lake out/demo --table links")
def revisions(
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    table: Annotated[
        str, typer.Option(help="Only this table, such as links or products/flow.", autocompletion=tables)
    ] = "",
    on: Annotated[str, typer.Option("--date", help="Only the night that begins on this local date.")] = "",
    files: Annotated[bool, typer.Option("--files", help="One line a file, with its hash.")] = False,
    as_json: Json = False,
) -> None:
    """List every revision of every table: rows, bytes, when it was made and what changed since the one before."""
    from pipeline import revisions as told

    name = scan_of(lake, name)
    found = told.history(open_lake(lake, name), table, date_of(on) if on else None)
    if table and not found:
        raise SettingsError(f"lake {lake}/{name}: no revision of {table!r}; `thoroughfare revisions` lists all tables")
    if as_json:
        tell([each.row() | {"record": asdict(each.commit)} for each in found])
    elif files:
        rows = [each.row() | asdict(file) | {"file": file.name} for each in found for file in each.commit.files]
        show(rows, ["table", "place", "revision", "state", "file", "part", "rows", "size_bytes", "sha256"])
    else:
        columns = ["table", "place", "revision", "state", "files", "rows", "bytes", "made_at", "change"]
        show([each.row() for each in found], columns)
        advise(f"thoroughfare trace FILE --lake {lake}, with a file of `thoroughfare revisions --files`")


@app.command(epilog="Example: thoroughfare trace 0000-0123456789abcdef.parquet --lake out/demo")
def trace(
    file: Annotated[str, typer.Argument(help="Name or path of a Parquet file of the lake.")],
    name: LakeScan = "",
    lake: LakeRoot = LAKE,
    as_json: Json = False,
) -> None:
    """Show what a file follows from: every table before it, with code, models, settings and libraries."""
    from pipeline import revisions as told

    name = scan_of(lake, name)
    found = told.trace(open_lake(lake, name), file)
    if as_json:
        tell([asdict(commit) | {"place": place.folder} for place, commit in found])
        return
    rows = [{"place": place.folder, "revision": c.revision, "rows": c.rows} | told.facts(c) for place, c in found]
    show(rows, ["place", "revision", "rows", "inputs", "code", "models", "settings"])
    libraries = found[0][1].lineage.get("libraries", {})
    typer.echo("libraries: " + " ".join(f"{library}={version}" for library, version in libraries.items()))
    advise(f"thoroughfare verify {name} --lake {lake}")
