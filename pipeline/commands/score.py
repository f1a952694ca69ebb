"""The `score` commands: a lake, or the models on an archive, against a truth file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import scans
from pipeline.commands.options import (
    LAKE,
    AnyNight,
    Json,
    LakeRoot,
    LakeScan,
    ScoredScan,
    SettingsFile,
    Source,
    TruthFile,
    night_of,
    open_lake,
    scan_of,
)
from pipeline.console import show_scores
from pipeline.errors import SettingsError

if TYPE_CHECKING:
    from datetime import date

    from pipeline import scoring
    from pipeline.lake import Lake

FrameRate = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=1000.0,
        help="Frames a second that the truth counts; 0: its frame n is the camera's n-th in the lake.",
    ),
]
FirstFrame = Annotated[
    str, typer.Option(help="Time of the truth's frame 1; default: the lake's first.", show_default=False)
]
KnownAs = Annotated[
    Path | None,
    typer.Option(help="CSV `name,camera,starts_s,frame_rate`: what the truth calls cameras, and their clocks."),
]
Some = Annotated[
    bool, typer.Option("--some", help="Only some vehicles are labelled, as AI City labels those two cameras saw.")
]
app = typer.Typer(
    help="Score a lake, or the models on an archive, against a truth file.",
    epilog="Example: thoroughfare score links --truth truth/identities.csv --lake out/fdr",
    no_args_is_help=True,
)


@app.command("detections", epilog="Example: thoroughfare score detections --truth truth/boxes.json --source stills")
def score_detections(
    truth: TruthFile,
    source: Source = None,
    name: ScoredScan = "fdr",
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Run the detector over the labelled frames of an archive: AP, recall, precision, calibration."""
    from pipeline import scoring

    show_scores(
        scoring.score_detections(truth, scans.load(name, settings, source=source)),
        "thoroughfare score embeddings --help",
        as_json=as_json,
    )


@app.command("embeddings", epilog="Example: thoroughfare score embeddings --truth truth/identities.csv --source stills")
def score_embeddings(
    truth: TruthFile,
    source: Source = None,
    pairs: Annotated[Path | None, typer.Option(help="CSV of same and look-alike pairs.")] = None,
    name: ScoredScan = "fdr",
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Run the encoder over the labelled boxes of an archive: rank-1, mAP, look-alike AUC."""
    from pipeline import scoring

    show_scores(
        scoring.score_embeddings(truth, scans.load(name, settings, source=source), pairs),
        "thoroughfare score links --help",
        as_json=as_json,
    )


@app.command("tracks", epilog="Example: thoroughfare score tracks --truth truth/tracks.csv --lake out/fdr")
def score_tracks(
    truth: TruthFile,
    lake: LakeRoot = LAKE,
    name: LakeScan = "",
    on: AnyNight = "",
    frame_rate: FrameRate = 0.0,
    first_frame: FirstFrame = "",
    known_as: KnownAs = None,
    settings: SettingsFile = None,
    as_json: Json = False,
    *,
    some: Some = False,
) -> None:
    """Score a lake's sightings as tracks within each camera."""
    from pipeline import scoring

    night = _night(lake, name, on, settings, frame_rate, first_frame, known_as, some=some)
    show_scores(scoring.score_tracks(truth, *night), "thoroughfare score links --help", as_json=as_json)


@app.command("links", epilog="Example: thoroughfare score links --truth truth/identities.csv --lake out/fdr")
def score_links(
    truth: TruthFile,
    lake: LakeRoot = LAKE,
    name: LakeScan = "",
    on: AnyNight = "",
    frame_rate: FrameRate = 0.0,
    first_frame: FirstFrame = "",
    known_as: KnownAs = None,
    settings: SettingsFile = None,
    as_json: Json = False,
    *,
    some: Some = False,
) -> None:
    """Score a lake's links across cameras: precision, recall, identity F1, impossible links, calibration."""
    from pipeline import scoring

    night = _night(lake, name, on, settings, frame_rate, first_frame, known_as, some=some)
    show_scores(scoring.score_links(truth, *night), f"thoroughfare report --lake {lake}", as_json=as_json)


@app.command("products", epilog="Example: thoroughfare score products --truth truth/boxes.parquet --lake out/fdr")
def score_products(
    truth: TruthFile,
    lake: LakeRoot = LAKE,
    name: LakeScan = "",
    on: AnyNight = "",
    frame_rate: FrameRate = 0.0,
    first_frame: FirstFrame = "",
    known_as: KnownAs = None,
    settings: SettingsFile = None,
    as_json: Json = False,
    *,
    some: Some = False,
) -> None:
    """Score what users consume of a lake: errors of travel times, of trips from camera to camera, of flows."""
    from pipeline import scoring

    night = _night(lake, name, on, settings, frame_rate, first_frame, known_as, some=some)
    show_scores(scoring.score_products(truth, *night), f"thoroughfare report --lake {lake}", as_json=as_json)


def _night(
    root: str,
    name: str,
    on: str,
    settings: Path | None,
    frame_rate: float,
    first_frame: str,
    known_as: Path | None,
    *,
    some: bool,
) -> "tuple[Lake, date, scoring.Counting]":
    """Find the lake and the night that the options name, and how the truth counts: local to the scan, where it is known."""
    from pipeline import scoring

    if first_frame and not frame_rate:
        raise SettingsError("--first-frame says when the frames that the truth counts began; pass --frame-rate too")
    name = scan_of(root, name)
    known = settings is not None or name in scans.names()
    timezone = scans.load(name, settings).timezone if known else "UTC"
    counting = scoring.Counting(timezone, frame_rate, first_frame, known_as, some)
    return open_lake(root, name), night_of(root, name, on), counting
