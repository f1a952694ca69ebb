"""Serve the three PNG files by a feed that really sends PNG, stage by stage as a scheduler would."""

import json
from pathlib import Path

from families import FAMILIES
from loopback import Loopback, says

from tests.faults import night
from tests.faults.images import PICTURES, PNG_FEED

TORONTO = next(family for family in FAMILIES if family.name == "toronto")
LIST = "/ckan0.cf.opendata.inter.prod-toronto.ca/dataset/a3309088-5fd4-4d34-8297-77c8301840ac/resource/4a568300-c7f8-496d-b150-dff6f5dc6d4f/download/traffic-camera-list-4326.geojson"


def states(folder: Path) -> dict[str, str]:
    """Return what is wrong with the state of each PNG at that feed; empty where nothing is."""
    folder.mkdir(parents=True)
    pages, ids = _pages()
    with Loopback(pages) as server:
        settings = folder / "settings.toml"
        on = night.write_settings(settings, "png", server.url, "toronto", "EPSG:2952")
        options = ["--date", on, "--settings", str(settings), "--lake", str(folder / "lake")]
        for table, window in (("cameras", []), ("snapshots", ["--window", "0"]), ("frames", ["--window", "0"])):
            done = night.said(["stage", "png", table, *window, *options, "--no-preflight"])
            if done.code:
                return dict.fromkeys(PNG_FEED, f"stage {table}: {done.text[-300:]}")
        asked = night.said(["sql", "SELECT camera_id, state, reason FROM frames", "--json", *options])
    seen = {row["camera_id"].partition(":")[2]: night.told(row) for row in json.loads(asked.out)}
    found = {name: seen.get(native, "no state") for name, native in ids.items()}
    return {
        name: "" if found[name].startswith(wanted) else f"where PNG is served: {found[name]}, not {wanted}"
        for name, wanted in PNG_FEED.items()
    }


def _pages() -> tuple[dict[str, object], dict[str, str]]:
    """Return a list of three cameras with their pictures' answers, and the cameras' ids by picture."""
    document, pages, ids = TORONTO.long(len(PNG_FEED)), {}, {}
    for row, name in zip(TORONTO.rows_of(document), PNG_FEED, strict=True):
        ids[name] = str(row["properties"]["REC_ID"])
        pages["/" + row["properties"]["IMAGEURL"].partition("://")[2]] = says(PICTURES[name])
    return {LIST: says(TORONTO.write(document)), **pages}, ids
