"""Commands about cameras and feeds: `thoroughfare cameras SCAN`, and `feeds`, `export` and `diff` behind `cameras`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline import scans
from pipeline.commands.options import (
    LAKE,
    Json,
    LakeRoot,
    Permission,
    ScanName,
    SettingsFile,
    Source,
    now,
    open_lake,
    scan_of,
)
from pipeline.console import Waiting, advise, complain, show, tell
from pipeline.errors import FeedError, SettingsError
from pipeline.scans import date_of

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.registry.changes import Change

EXAMPLE = "Example: thoroughfare cameras demo"
MANY = 10
"""More cameras of a feed whose same fact changed are told in one line."""


class _ScanFirst(TyperGroup):
    """Commands of which the first is meant where none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read `cameras SCAN` as `cameras list SCAN`."""
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if not args or args[0] in known else ["list", *args])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete its commands, and the scans whose cameras are meant where none is named."""
        return [
            *super().shell_complete(ctx, incomplete),
            *self.commands["list"].params[0].shell_complete(ctx, incomplete),
        ]


app = typer.Typer(
    cls=_ScanFirst,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List the cameras of a scan's feed, with where they look; list the feeds; publish cameras and compare days.",
    epilog=EXAMPLE,
)


@app.command("list", epilog=EXAMPLE)
def list_cameras(
    name: ScanName,
    source: Source = None,
    settings: SettingsFile = None,
    permission: Permission = None,
    *,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="List the rows that are no cameras to observe, and why.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the cameras of a scan's feed, with where they look."""
    from pipeline.cameras import register

    listed, others = register(scans.load(name, settings, source=source, permission=permission))
    if rejected:
        rows = [vars(each) for each in others]
        tell(rows) if as_json else show(rows, ["native_id", "reason"])
        return
    rows = listed.to_pylist()
    if as_json:
        tell(rows)
        return
    show(
        rows,
        [
            "camera_id",
            "stable_id",
            "name",
            "lon",
            "lat",
            "bearing_deg",
            "bearing_source",
            "road",
            "cadence_s",
            "cleared",
        ],
    )
    if others:
        typer.echo(f"{len(others)} rows of the list are no cameras to observe: thoroughfare cameras {name} --rejected")
    advise(f"thoroughfare plan {name} --date {now().date()}")


@app.command("check", epilog="Example: thoroughfare cameras check london --sample 20")
def check_cameras(
    name: ScanName,
    sample: Annotated[
        int, typer.Option(min=0, help="Most cameras asked for, spread evenly over the list; 0 for all.")
    ] = 20,
    camera: Annotated[
        list[str] | None, typer.Option("--camera", help="A camera by its id; may stand more than once.")
    ] = None,
    on: Annotated[
        str, typer.Option("--date", help="Night whose first pictures are looked at, of a feed that is not live.")
    ] = "",
    source: Source = None,
    settings: SettingsFile = None,
    permission: Permission = None,
    *,
    as_json: Json = False,
) -> None:
    """Ask for one picture of each camera, judge it and drop it: states, times, sizes, terms, what is wrong, what to do.

    Exit code 4 where the list does not come, or no picture at all; 8 where the feed's terms are not cleared.
    """
    from pipeline import checkup

    asked = tuple(each.removeprefix(f"{scans.load(name, settings).feed}:") for each in camera or ()) or None
    scan = scans.load(name, settings, source=source, permission=permission, cameras=asked)
    with Waiting(f"looking at {name}", quiet=as_json) as waiting:
        found = checkup.check(scan, date_of(on) if on else now().date(), 0 if camera else sample, waiting.step)
    if as_json:
        tell(asdict(found))
    else:
        rows = [asdict(each) | {"size": f"{each.width_px}x{each.height_px}"} for each in found.cameras]
        show(rows, ["camera_id", "state", "reason", "size", "size_bytes", "captured_at", "captured_at_source", "age_s", "cadence_s",
                    "bearing_deg"])  # fmt: skip
        typer.echo("\n" + "\n".join(checkup.summary(found)))
    if not any(each.size_bytes for each in found.cameras):
        complain(
            f"feed {scan.feed}: its list came, and not one of {len(found.cameras)} pictures did; the notes say why", 4
        )
        raise typer.Exit(FeedError.exit_code)
    if not as_json:
        advise(f"thoroughfare plan {name} --date {now().date()}")


@app.command("feeds", epilog="Example: thoroughfare cameras feeds --json")
def list_feeds(*, as_json: Json = False) -> None:
    """List the feeds there are, with licence, terms and limits."""
    from pipeline import feeds

    rows = feeds.facts()
    if as_json:
        tell(rows)
        return
    show(rows, ["name", "operator", "licence", "cleared", "needs_key", "min_interval_s", "timezone", "terms_url"])
    advise("thoroughfare cameras check SCAN --sample 5")


@app.command("export", epilog="Example: thoroughfare cameras export demo --out out/cameras-2026-05-08")
def export_registry(
    names: Annotated[
        list[str], typer.Argument(help="Sections of settings.toml; of a camera listed twice, the first counts.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder to write; not there yet, or empty.")],
    settings: SettingsFile = None,
    permission: Permission = None,
    within_m: Annotated[
        float, typer.Option("--within", min=0.0, max=1000.0, help="Metres between two feeds' cameras that may be one.")
    ] = 25.0,
    *,
    as_json: Json = False,
) -> None:
    """Write the cameras of some scans as a registry to publish: CSV, JSON Schema, GeoParquet, licences, rejected rows."""
    from pipeline import registry
    from pipeline.registry import files

    asked = _permitted([scans.load(name, settings) for name in names], permission)
    files.hold_free(out)
    made = registry.collect(asked, now().date(), within_m)
    files.write(made, out)
    if as_json:
        tell({"out": str(out), "feeds": made.feeds, "duplicates": sum(each["chosen"] for each in made.duplicates)})
        return
    show(made.feeds, ["scan", "feed", "cameras", "rejected", "licence", "verdict"])
    repeated = made.cameras.num_rows - made.cameras["duplicate_of"].null_count
    typer.echo(
        f"\n{made.cameras.num_rows} cameras at {len(set(made.cameras['site_id'].to_pylist()))} sites in {out}; "
        f"{made.cameras['bearing_deg'].null_count} without a bearing, {repeated} repeat one of a scan named before"
    )
    advise(f"thoroughfare cameras diff --from {out} --to ANOTHER-DAY")


@app.command("diff", epilog="Example: thoroughfare cameras diff demo --from 2026-05-07 --to 2026-05-08")
def diff_registries(
    name: Annotated[str, typer.Argument(help="Scan of the lake; default: its only one.", show_default=False)] = "",
    before: Annotated[
        str, typer.Option("--from", help="Earlier night of the lake, YYYY-MM-DD, or folder of a registry.")
    ] = "",
    after: Annotated[str, typer.Option("--to", help="Later night of the lake, or folder of a registry.")] = "",
    lake: LakeRoot = LAKE,
    *,
    as_json: Json = False,
) -> None:
    """Tell what cameras were added, gone, moved, renamed, renumbered or changed between two days."""
    from pipeline.registry import changes, files

    if not (before and after):
        raise SettingsError(
            "say which days to compare: --from and --to, each a night of the lake or a registry's folder"
        )
    reasons: dict[str, str] = {}
    if Path(before).is_dir() or Path(after).is_dir():
        if name:
            raise SettingsError(f"two registries are compared without a scan; leave {name!r} out, or give two dates")
        tables = files.read(Path(before)), files.read(Path(after))
        reasons = changes.reasons_of(files.rejected(Path(after)))
    else:
        tables = _nights(lake, name, before, after)
    found = changes.diff(*tables, reasons)
    if as_json:
        tell(
            {"from": before, "to": after, "counts": changes.counts(found), "changes": [asdict(each) for each in found]}
        )
        return
    _show(found, changes.counts(found), *tables)
    advise(
        "thoroughfare cameras list SCAN"
        if Path(before).is_dir()
        else f"thoroughfare status --lake {lake} --date {after}"
    )


def _permitted(asked: list[scans.Scan], permission: str | None) -> list[scans.Scan]:
    """Give the permission on the command line to the one scan that needs it; two need words of their own."""
    from dataclasses import replace

    from pipeline import registry

    needy = registry.uncleared(asked)
    if permission and len(needy) > 1:
        raise SettingsError(
            f"--i-have-permission cannot speak for {len(needy)} operators; state each: permission in {[f'scan.{each}' for each in needy]}"
        )
    return [replace(scan, permission=permission) if permission and scan.name in needy else scan for scan in asked]


def _nights(root: str, name: str, before: str, after: str) -> tuple["pa.Table", "pa.Table"]:
    """Read the cameras of two nights of a lake."""
    from pipeline.registry import changes

    dates = []
    for option, value in (("--from", before), ("--to", after)):
        if "/" in value:
            raise SettingsError(
                f"{option} {value}: no such folder, and no date; name a registry's folder or YYYY-MM-DD"
            )
        dates.append(date_of(value, option))
    there = open_lake(root, scan_of(root, name))
    return changes.of_night(there, dates[0]), changes.of_night(there, dates[1])


def _show(found: "list[Change]", counts: dict[str, int], before: "pa.Table", after: "pa.Table") -> None:
    """Print changes; a fact that changed on many cameras of a feed, or a feed that only one day has, is one line."""
    typer.echo(
        f"{before.num_rows} cameras, then {after.num_rows}: " + ", ".join(f"{n} {kind}" for kind, n in counts.items())
    )
    in_both = set(before["feed"].to_pylist()) & set(after["feed"].to_pylist())
    groups: dict[tuple[str, str, str], list[Change]] = {}
    for each in found:
        groups.setdefault((each.kind, each.fact, each.camera_id.partition(":")[0]), []).append(each)
    rows = []
    for (kind, fact, feed), changed in groups.items():
        if feed not in in_both or (kind == "changed" and len(changed) > MANY):
            what = f"{fact}: --json lists them" if feed in in_both else "the whole feed; --json lists them"
            rows.append({"change": kind, "camera_id": feed, "name": f"{len(changed)} cameras", "what": what})
        else:
            rows += [
                {"change": kind, "camera_id": each.camera_id, "name": each.name, "what": _what(each)}
                for each in changed
            ]
    if rows:
        show(rows, ["change", "camera_id", "name", "what"])


def _what(change: "Change") -> str:
    """Say what differs in a few words."""
    if change.kind == "added":
        return ""
    if change.kind == "gone":
        return f"{change.now or ''}"
    told = f"{change.was} -> {change.now}"
    if change.kind == "moved":
        return f"{change.metres:.0f} m: {told}"
    return told if change.kind in ("renumbered", "renamed") else f"{change.fact}: {told}"
