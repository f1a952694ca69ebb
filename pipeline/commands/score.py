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

if TYPE_CHECKING:
    from datetime import date

    from pipeline.lake import Lake

app = typer.Typer(help="Score a lake, or the models on an archive, against a truth file.", no_args_is_help=True)


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
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Score a lake's sightings as tracks within each camera."""
    from pipeline import scoring

    show_scores(
        scoring.score_tracks(truth, *_night(lake, name, on, settings)),
        "thoroughfare score links --help",
        as_json=as_json,
    )


@app.command("links", epilog="Example: thoroughfare score links --truth truth/identities.csv --lake out/fdr")
def score_links(
    truth: TruthFile,
    lake: LakeRoot = LAKE,
    name: LakeScan = "",
    on: AnyNight = "",
    settings: SettingsFile = None,
    as_json: Json = False,
) -> None:
    """Score a lake's links across cameras: precision, recall, identity F1, impossible links, calibration."""
    from pipeline import scoring

    show_scores(
        scoring.score_links(truth, *_night(lake, name, on, settings)),
        f"thoroughfare report --lake {lake}",
        as_json=as_json,
    )


def _night(root: str, name: str, on: str, settings: Path | None) -> "tuple[Lake, scans.Scan, date]":
    """Find the lake, the scan and the night that the options name."""
    name = scan_of(root, name)
    return open_lake(root, name), scans.load(name, settings), night_of(root, name, on)
