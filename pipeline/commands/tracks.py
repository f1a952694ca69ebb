"""The command that links tracks which another tracker made at single cameras."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.commands.options import Json, Purpose, now
from pipeline.console import advise, show, tell
from pipeline.errors import SettingsError

app = typer.Typer()


@app.command(
    "link-tracks", epilog="Example: thoroughfare link-tracks S02/tracks.txt --frame-rate 10 --embeddings S02/looks.npz"
)
def link_tracks(
    tracks: Annotated[
        Path, typer.Argument(help="AI City text `camera id frame x y w h`, or a folder of <camera>/gt/gt.txt.")
    ],
    frame_rate: Annotated[float, typer.Option(min=0.001, max=1000.0, help="Frames a second, counted from 1.")],
    lake: Annotated[str, typer.Option(help="Folder for the tables.")] = "lake",
    cameras: Annotated[Path | None, typer.Option(help="CSV `camera,lat,lon`; default: places unknown.")] = None,
    known_as: Annotated[
        Path | None,
        typer.Option(help="CSV `name,camera,starts_s,frame_rate`, or AI City's time stamps `name seconds`."),
    ] = None,
    embeddings: Annotated[
        Path | None, typer.Option(help="npz of every box's looks: camera (n,), frame (n,), id (n,), vector (n, d).")
    ] = None,
    stills: Annotated[Path | None, typer.Option(help="Pictures <camera>/<frame>.jpg, for our own encoder.")] = None,
    write: Annotated[
        Path | None, typer.Option(help="Write the tracks with identities across cameras here; needs --purpose.")
    ] = None,
    purpose: Purpose = "",
    as_json: Json = False,
) -> None:
    """Link the tracks of another tracker across cameras, as the line links its own sightings.

    Every id is a track at one camera; which belong together is what is found out. Score it by `thoroughfare score
    links --truth FILE --lake LAKE`.
    """
    from pipeline import tracklets
    from pipeline.lake import Lake

    if write and not purpose.strip():
        raise SettingsError("--write shows single vehicles; state why with --purpose '...' (each look is logged)")
    if embeddings and stills:
        raise SettingsError("--embeddings and --stills both tell how boxes look; pass one of them")
    scene = tracklets.Scene(tracks, frame_rate, known_as=known_as, places=cameras, embeddings=embeddings, stills=stills)
    there = Lake(lake, tracklets.SCAN.name)
    made = tracklets.link(scene, there)
    kept = Path(lake, "settings.toml")
    if "://" not in lake and not kept.exists():
        kept.write_text(tracklets.settings(scene), encoding="utf-8")
    if write:
        made["identities"] = tracklets.write(there, scene, write, purpose, now())
    if as_json:
        tell(made)
        return
    show([{"table": name, "rows": rows} for name, rows in made.items()], ["table", "rows"])
    advise(
        f"thoroughfare score links --truth FILE --lake {lake}", f"thoroughfare report --lake {lake} --settings {kept}"
    )
