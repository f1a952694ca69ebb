"""Sweep a thousand cameras of which every twentieth is bad: the others lose nothing by it."""

from datetime import date
from pathlib import Path

from loopback import Loopback, says

from pipeline import cameras, frames, scans, snapshots
from pipeline.fetcher import manners
from tests.faults import http, night
from tests.faults.images import PICTURES, encoded

CAMERAS, EVERY = 1000, 20


def wrong(folder: Path) -> list[str]:
    """Say what such a sweep lost; empty where nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    poison = {name: says(raw) for name, raw in PICTURES.items() if not name.startswith("bitrot")} | http.pages(
        "/loop", 1
    )
    bad = [answer for name, answer in poison.items() if name not in ("trailing-zip", "exif-64k-loop", "icc-huge")]
    ids = [f"c{number:04}" for number in range(CAMERAS)]
    pages = {
        f"/{night.MEDIA}/{id_}.jpg": says(encoded(".jpg", size=(64, 96), seed=n))
        for n, id_ in enumerate(ids)
        if n % EVERY
    }
    pages |= {f"/{night.MEDIA}/{id_}.jpg": bad[n % len(bad)] for n, id_ in enumerate(ids[::EVERY])}
    manners.forget()
    with Loopback(pages | {night.LIST: says(night.listed(dict(zip(ids, ids, strict=True))))}) as server:
        on = night.write_settings(folder / "sweep.toml", "sweep", server.url)
        scan = scans.load("sweep", folder / "sweep.toml")
        listed, window = cameras.survey(scan), scan.windows(date.fromisoformat(on))[0]
        rows = frames.inspect(listed, snapshots.fetch(listed, scan, window), frames.Settings()).to_pylist()
    manners.forget()
    states = {row["camera_id"].partition(":")[2]: row["state"] for row in rows}
    told = [] if len(states) == len(rows) == CAMERAS else [f"a sweep of {CAMERAS} cameras: {len(rows)} rows"]
    lost = [id_ for n, id_ in enumerate(ids) if n % EVERY and states.get(id_) != "ok"]
    taken = [id_ for id_ in ids[::EVERY] if states.get(id_) not in ("missed", "broken")]
    told += (
        [f"a sweep of {CAMERAS} cameras, 5 % bad: {len(lost)} sound ones lost, first {states.get(lost[0])}"]
        if lost
        else []
    )
    return told + ([f"a sweep: {len(taken)} bad ones taken"] if taken else [])
