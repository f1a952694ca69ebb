"""Ask other evaluators, motmetrics and TrackEval, about small nights of square vehicles (`tests.labelled`)."""

from typing import Any

import motmetrics
import numpy as np
from trackeval.metrics import HOTA, Identity

from tests.builders import at
from tests.labelled import Place

SIZE_PX = 30.0


def motmetrics_of(labels: list[dict[str, Any]], tracks: dict[str, list[Place]]) -> list[float]:
    """Return idf1, idp, idr, mota and switches of vehicles and tracks called by a letter and a number."""
    judge = motmetrics.MOTAccumulator(auto_id=True)
    for vehicles, named, share in frames(labels, tracks):
        numbers = [[int(name[1:]) for name in names] for names in (vehicles, named)]
        judge.update(*numbers, np.where(share >= 0.5, 1 - share, np.nan))
    metrics = ["idf1", "idp", "idr", "mota", "num_switches"]
    return motmetrics.metrics.create().compute(judge, metrics=metrics).to_numpy()[0].tolist()


def trackeval_of(labels: list[dict[str, Any]], tracks: dict[str, list[Place]]) -> dict[str, float]:
    """Return TrackEval's idf1, idp, idr, hota, deta, assa.

    Its MOTA is left out: it carries a match on from the frame before alone, the paper and motmetrics over a gap too.
    """
    seen = frames(labels, tracks)
    vehicles, names = (sorted({name for frame in seen for name in frame[side]}) for side in (0, 1))
    told = {
        "num_timesteps": len(seen),
        "gt_ids": [np.array([vehicles.index(name) for name in frame[0]], int) for frame in seen],
        "tracker_ids": [np.array([names.index(name) for name in frame[1]], int) for frame in seen],
        "similarity_scores": [frame[2] for frame in seen],
        "num_gt_ids": len(vehicles),
        "num_tracker_ids": len(names),
        "num_gt_dets": sum(len(frame[0]) for frame in seen),
        "num_tracker_dets": sum(len(frame[1]) for frame in seen),
    }
    hota, identity = (kind.eval_sequence(told) for kind in (HOTA(), Identity({"PRINT_CONFIG": False})))
    means = {name.lower(): float(np.mean(hota[name])) for name in ("HOTA", "DetA", "AssA")}
    shares = {name.lower(): float(identity[name]) for name in ("IDF1", "IDP", "IDR")}
    return means | shares


def frames(
    labels: list[dict[str, Any]], tracks: dict[str, list[Place]]
) -> list[tuple[list[str], list[str], np.ndarray]]:
    """Return of each frame, by camera and time, its vehicles, its tracks and their overlaps."""
    true: dict[Any, list[tuple[str, float]]] = {}
    for each in labels:
        key = each["camera_id"], each["slot_at"]
        true.setdefault(key, []).append((each["vehicle_id"], each["x1_px"]))
    shown: dict[Any, list[tuple[str, float]]] = {}
    for name, places in tracks.items():
        for camera, second, x in places:
            shown.setdefault((camera, at(second)), []).append((name, x))
    return [_frame(true.get(key, []), shown.get(key, [])) for key in sorted(true)]


def _frame(true: list[tuple[str, float]], shown: list[tuple[str, float]]) -> tuple[list[str], list[str], np.ndarray]:
    """Lay one frame's vehicles beside its tracks."""
    here, there = (np.array([x for _, x in each], float) for each in (true, shown))
    inner = np.clip(SIZE_PX - np.abs(here[:, None] - there), 0, None)
    return [name for name, _ in true], [name for name, _ in shown], inner / (2 * SIZE_PX - inner)
