"""The command that writes a night in the formats of others."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pipeline import scans
from pipeline.commands.options import (
    LAKE,
    AnyNight,
    Json,
    LakeRoot,
    LakesScan,
    Purpose,
    SettingsFile,
    night_of,
    now,
    open_lake,
    scan_of,
)
from pipeline.console import Waiting, advise, show, tell

FORMATS = sorted(each.stem.replace("_", "-") for each in (Path(__file__).parent.parent / "exports").glob("[a-z]*.py"))
"""Names of the formats, known without loading any."""
app = typer.Typer()


@app.command(epilog="Example: thoroughfare export geoparquet --lake out/demo")
def export(
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help=f"One of {', '.join(FORMATS)} (docs/exports.md).", autocompletion=lambda: FORMATS
        ),
    ],
    name: LakesScan = "",
    lake: LakeRoot = LAKE,
    on: AnyNight = "",
    out: Annotated[
        Path | None, typer.Option(help="File or folder to write; default: exports/SCAN-DATE-FORMAT in the lake.")
    ] = None,
    purpose: Purpose = "",
    settings: SettingsFile = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export there.")] = False,
    as_json: Json = False,
) -> None:
    """Write one night in a format that other programs open; single vehicles on their way only with a purpose."""
    from pipeline import exports
    from pipeline.privacy.verdicts import refuse_held
    from pipeline.storage import beside

    chosen = exports.load(form)
    ending = chosen.file
    scan = scan_of(lake, name)
    night = exports.Night(open_lake(lake, scan), scans.load(scan, settings), night_of(lake, scan, on))
    file = f"exports/{scan}-{night.scan_date}-{form}" + (f".{ending}" if ending else "")
    path = out or beside(lake, file)
    refuse_held(night.lake, night.scan_date)
    with Waiting(f"writing {form}", quiet=as_json) as waiting:
        written = exports.write(form, night, path, purpose=purpose, now=now(), force=force, told=waiting.step)
    if as_json:
        tell({"path": str(path), "format": form, "files": [asdict(each) for each in written]})
        return
    show([{"file": each.name, "rows": each.rows, "kB": f"{each.size_bytes / 1e3:,.1f}"} for each in written], ["file", "rows", "kB"])  # fmt: skip
    typer.echo(f"\n{path} ({sum(each.size_bytes for each in written) / 1e6:.1f} MB)")
    if not any(each.rows for each in written):
        typer.echo(f"The night holds nothing to write there; `thoroughfare report {scan} --lake {lake}` says why")
    if chosen.singles and not night.scan.exempt:
        typer.echo(f"{exports.SINGLES} {exports.COARSE}")
    if not all(night.cameras["cleared"].to_pylist()):
        typer.echo(
            f"Its feed's terms are not cleared ({night.about['licence']}): ask its operator before you pass this on"
        )
    advise(f"thoroughfare map {scan} --lake {lake}", f"thoroughfare report {scan} --lake {lake}")
