"""Tell how the boxes of given tracks look: by vectors that came with them, or by our own encoder from pictures."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline import embeddings
from pipeline.errors import SchemaError
from pipeline.scores import Naming
from pipeline.tables import EMBEDDINGS, SNAPSHOTS
from pipeline.tracklets.scene import Scene

FORM = "give arrays camera (n,), frame (n,), id (n,) and vector (n, d)"
PICTURES = (".jpg", ".jpeg", ".png")


def of(scene: Scene, detections: pa.Table, track: list[str]) -> pa.Table:
    """Return the `embeddings` table: the looks given, else those of the pictures, else none."""
    naming = replace(scene.naming, cameras=tuple(sorted(set(detections["camera_id"].to_pylist()))))
    if scene.embeddings is not None:
        return _given(scene.embeddings, naming, detections, track)
    if scene.stills is None:
        return EMBEDDINGS.empty()
    folders = _folders(scene.stills, naming)
    looks = [
        embeddings.embed(part, _snapshots(scene.stills, folders, naming, part), embeddings.Settings())
        for part in _by_camera(detections)
    ]
    return EMBEDDINGS.check(pa.concat_tables(looks))


def _by_camera(detections: pa.Table) -> Iterator[pa.Table]:
    """Yield the detections of each camera."""
    camera = np.array(detections["camera_id"].to_pylist())
    return (detections.filter(pa.array(camera == name)) for name in np.unique(camera))


def _folders(stills: Path, naming: Naming) -> dict[str, Path]:
    """Return the folder of each camera's pictures."""
    there = sorted(each for each in stills.glob("*") if each.is_dir())
    return {naming.camera_id(each.name, str(each)): each for each in there}


def _snapshots(stills: Path, folders: dict[str, Path], naming: Naming, detections: pa.Table) -> pa.Table:
    """Read one camera's pictures that show a box, called by the number of their frame."""
    camera_id = detections["camera_id"][0].as_py()
    wanted = set(detections["captured_at"].to_pylist())
    found = {}
    for file in sorted(folders[camera_id].glob("*")) if camera_id in folders else []:
        if file.suffix.lower() in PICTURES and file.stem.isdigit() and int(file.stem) > 0:
            found[naming.slot(camera_id, int(file.stem), str(file))] = file
    if not wanted & found.keys():
        raise SchemaError(f"{stills}: no picture of {camera_id}; name them <camera>/<frame>.jpg, frames from 1")
    rows = [
        {"camera_id": camera_id, "slot_at": at, "captured_at_source": "clip", "status": "ok", "jpeg": file.read_bytes()}
        for at, file in found.items()
        if at in wanted
    ]
    return SNAPSHOTS.check(pa.Table.from_pylist(rows, schema=SNAPSHOTS.schema))


def _given(path: Path, naming: Naming, detections: pa.Table, track: list[str]) -> pa.Table:
    """Read given looks; those of boxes that are not there are passed over."""
    camera, frame, vehicle, vector = _arrays(path)
    unit = vector / np.maximum(np.linalg.norm(vector, axis=1, keepdims=True), 1e-12)
    keys = zip(detections["camera_id"].to_pylist(), detections["captured_at"].to_pylist(), track, strict=True)
    row_of = dict(zip(keys, detections["detection_id"].to_pylist(), strict=True))
    rows = []
    for number, name in enumerate(camera):
        camera_id = naming.camera_id(name, f"{path}: row {number}")
        at = naming.slot(camera_id, frame[number], f"{path}: row {number}")
        if (detection := row_of.get((camera_id, at, vehicle[number]))) is not None:
            rows.append({"detection_id": detection, "encoder": "given", "vector": unit[number].astype("<f2").tobytes()})
    if not rows:
        raise SchemaError(f"{path}: no look of any box of the tracks; its cameras, frames and ids must be theirs")
    return EMBEDDINGS.check(pa.Table.from_pylist(rows, schema=EMBEDDINGS.schema))


def _arrays(path: Path) -> tuple[list[str], list[int], list[str], NDArray[np.float64]]:
    """Return camera, frame, id and vector of an npz."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            camera, frame, vehicle, vector = (stored[name] for name in ("camera", "frame", "id", "vector"))
        vectors, frames = np.asarray(vector, np.float64), frame.astype(np.int64).tolist()
    except KeyError as error:
        raise SchemaError(f"{path}: not looks of tracks: {error.args[0]}; {FORM}") from error
    except (OSError, ValueError, TypeError, BadZipFile) as error:
        raise SchemaError(f"{path}: not looks of tracks: no npz of numbers that can be read; {FORM}") from error
    if vectors.ndim != 2 or not len(camera) == len(frames) == len(vehicle) == len(vectors):
        shapes = [each.shape for each in (camera, frame, vehicle, vectors)]
        raise SchemaError(f"{path}: arrays of shapes {shapes} do not belong together; {FORM}")
    if not np.isfinite(vectors).all():
        raise SchemaError(f"{path}: a vector is not finite; leave out boxes without a look")
    return [str(each) for each in camera.tolist()], frames, [str(each) for each in vehicle.tolist()], vectors
