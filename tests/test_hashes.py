"""Weights and the lake's files are used by their hash alone: one changed byte is refused by everything that reads them."""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import pipeline
from pipeline import __main__ as program
from pipeline import networks, upkeep
from pipeline.detectors import ttfnet
from pipeline.encoders import resnet
from pipeline.errors import IntegrityError
from pipeline.lake import Lake
from pipeline.synthetic import looks

ROOM = Path(pipeline.__file__).parent
LAYOUTS = {"detectors": ttfnet.layout, "encoders": resnet.layout}
WEIGHTS = sorted(path.relative_to(ROOM) for path in ROOM.rglob("*.npz") if path != looks.MEASURED)
OTHERS = ("*.pkl", "*.pickle", "*.joblib", "*.h5", "*.hdf5", "*.keras", "*.onnx", "*.pb", "*.tflite", "*.pt", "*.npy")


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, and neither its size nor its name."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def test_weights_are_plain_arrays_with_a_card_and_nothing_else_is_loaded():
    assert len(WEIGHTS) >= 2
    assert [path for kind in OTHERS for path in ROOM.rglob(kind)] == []
    for path in WEIGHTS:
        card = json.loads((ROOM / path).with_suffix(".json").read_text(encoding="utf-8"))
        assert hashlib.sha256((ROOM / path).read_bytes()).hexdigest() == card["sha256"]


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_a_changed_bit_in_any_weights_is_refused(weights: Path, tmp_path: Path):
    for suffix in (".npz", ".json"):
        shutil.copy((ROOM / weights).with_suffix(suffix), tmp_path)
    copied, layout = tmp_path / weights.stem, LAYOUTS[weights.parts[0]]
    assert networks.load(copied, layout)[1].startswith(weights.stem)
    flip(copied.with_suffix(".npz"))
    networks._network.cache_clear()
    with pytest.raises(IntegrityError, match=r"sha256 \w+ is not the card's"):
        networks.load(copied, layout)


def test_a_changed_bit_in_what_was_measured_for_invented_cities_is_refused(monkeypatch, tmp_path: Path):
    copied = Path(shutil.copy(looks.MEASURED, tmp_path))
    monkeypatch.setattr(looks, "MEASURED", copied)
    assert looks.measured()
    flip(copied)
    looks.measured.cache_clear()
    with pytest.raises(IntegrityError, match=r"noise.npz: sha256"):
        looks.measured()


@pytest.fixture(scope="module")
def lake(demo_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the night, every committed file of which is then changed by a bit."""
    made = tmp_path_factory.mktemp("changed") / "lake"
    shutil.copytree(demo_lake / "demo", made / "demo", ignore=shutil.ignore_patterns("*.duckdb*"))
    for path in (made / "demo").rglob("*.parquet"):
        flip(path)
    return made


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["thoroughfare", *words])
        with pytest.raises(SystemExit) as end:
            program.main()
        return end.value.code, capsys.readouterr().err

    return call


READERS = [
    ["report"], ["map"], ["map", "--kind", "heatmap"], ["export", "geoparquet", "--out", "made"], ["export", "stac", "--out", "made"],
    ["export", "coco", "--out", "made"], ["export", "datapackage", "--out", "made"], ["sql", "cookbook/hourly_volume"],
    *(["sql", f"FROM {table}"] for table in ("cameras", "roads", "frames", "detections", "sightings", "transitions", "links", "trajectories", "flow", "counts")),
]  # fmt: skip


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_no_command_reads_a_file_of_which_a_bit_has_changed(words: list[str], said, lake: Path, tmp_path: Path):
    code, told = said(*words, "--lake", str(lake))
    assert code == IntegrityError.exit_code, told
    assert "restore it" in told
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_verify_names_every_file_of_which_a_bit_has_changed(lake: Path):
    changed = {path.name for path in (lake / "demo").rglob("*.parquet")}
    told = "".join(fault.what for fault in upkeep.verify(Lake(lake, "demo")) if "not those committed" in fault.what)
    assert len(changed) >= 15
    assert [name for name in changed if name not in told] == []
