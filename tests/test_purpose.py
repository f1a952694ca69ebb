"""The line between a traffic tool and a tracker: nothing takes a look of a vehicle and returns where it was."""

import importlib
import inspect
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

import typer

import pipeline
from pipeline import query
from pipeline.__main__ import app
from pipeline.tables import LABELS, TABLES

ROOT = Path(__file__).parents[1]
EXAMPLE = re.compile(r"image|picture|photo|plate|crop|colou?r|vector|face|person|look_of", re.IGNORECASE)
"""A parameter of such a name could be an example of a vehicle."""
SEES = (
    "pipeline.detectors",
    "pipeline.encoders",
    "pipeline.training",
    "pipeline.feeds",
    "pipeline.frames",
    "pipeline.networks",
)
"""Rooms that take pictures, and give boxes, vectors or states."""
READERS = {
    "easyocr", "pytesseract", "tesserocr", "paddleocr", "openalpr", "fast-plate-ocr", "fast-alpr", "face-recognition", "dlib",
    "insightface", "deepface", "facenet-pytorch", "mtcnn", "retina-face", "keras-ocr", "python-doctr", "rapidocr",
}  # fmt: skip


def functions() -> Iterator[tuple[str, FunctionType]]:
    for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if module.name.endswith("make_truth"):
            continue
        for name, each in vars(importlib.import_module(module.name)).items():
            if isinstance(each, FunctionType) and each.__module__ == module.name and not name.startswith("_"):
                yield f"{module.name}.{name}", each


def test_no_public_function_takes_an_example_and_returns_rows():
    guilty = [
        name
        for name, each in functions()
        if not name.startswith(SEES)
        and any(EXAMPLE.search(parameter) for parameter in inspect.signature(each).parameters)
        and "Table" in str(inspect.signature(each).return_annotation)
    ]
    assert guilty == []


def test_no_command_takes_an_example():
    group = typer.main.get_command(app)
    commands = [*group.commands.values(), *group.commands["score"].commands.values()]
    names = [parameter.name for command in commands for parameter in command.params]
    assert len(names) > 30
    assert not [name for name in names if EXAMPLE.search(name)]


def test_vectors_enter_one_stage_and_no_sql():
    assert not [
        name for name in query.names() if "embeddings" in query.header(name)["reads"] or "vector" in query.read(name)
    ]


def test_no_table_has_a_column_for_a_plate_a_face_or_a_person():
    columns = [name for table in TABLES.values() for name in table.schema.names]
    assert not [name for name in columns if re.search(r"plate|face|person|owner|driver", name)]
    assert "person" not in LABELS


def test_no_package_that_reads_plates_or_faces_is_in_the_lock():
    locked = {package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    assert len(locked) > 100
    assert not locked & READERS


def test_every_product_states_its_support():
    assert all(re.search(r"\bsupport\b", query.read(name)) for name in query.names("products"))
