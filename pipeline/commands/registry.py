"""Commands about cameras and feeds: `thoroughfare cameras SCAN`, `thoroughfare cameras feeds`."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline import scans
from pipeline.commands.options import Json, Permission, ScanName, SettingsFile, Source, now
from pipeline.console import advise, show, tell

EXAMPLE = "Example: thoroughfare cameras demo"


class _ScanFirst(TyperGroup):
    """Commands of which the first is meant where none is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read `cameras SCAN` as `cameras list SCAN`."""
        known = {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if not args or args[0] in known else ["list", *args])


app = typer.Typer(
    cls=_ScanFirst,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List the cameras of a scan's feed, with where they look; list the feeds there are.",
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
    show(rows, ["camera_id", "name", "lon", "lat", "bearing_deg", "road", "cadence_s", "cleared"])
    if others:
        typer.echo(f"{len(others)} rows of the list are no cameras to observe: thoroughfare cameras {name} --rejected")
    advise(f"thoroughfare plan {name} --date {now().date()}")


@app.command("feeds", epilog="Example: thoroughfare cameras feeds --json")
def list_feeds(*, as_json: Json = False) -> None:
    """List the feeds there are, with licence, terms and limits."""
    from pipeline import feeds

    rows = feeds.facts()
    tell(rows) if as_json else show(
        rows, ["name", "operator", "licence", "cleared", "needs_key", "min_interval_s", "timezone", "terms_url"]
    )
