"""The line between a traffic tool and a tracker: nothing takes a look of a vehicle and returns where it was."""

import ast
import importlib
import inspect
import pkgutil
import re
import tomllib
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import FunctionType

import click
import cv2
import duckdb
import nbformat
import numpy as np
import pyarrow as pa
import pytest
import typer
from builders import NIGHT, camera, rows
from numpy.typing import NDArray

import pipeline
from pipeline import asking, desk, query, stages
from pipeline.__main__ import app
from pipeline.database import HIDDEN
from pipeline.detectors import Boxes
from pipeline.errors import PipelineError
from pipeline.lake import Lake, Place
from pipeline.scans import Scan
from pipeline.tables import LABELS, TABLES

ROOT = Path(__file__).parents[1]
EXAMPLE = re.compile(
    r"image|picture|photo|jpeg|snapshot|stills\b|plate(?!au)|crop|colou?r|vector|embedding|fac(e|ial)(?!t)|person\b|pixel|portrait|exemplar",
    re.IGNORECASE,
)
"""A parameter of such a name could be an example of a vehicle."""
SHOWS = re.compile(r"\b(uint8|float16|bytes|Picture|Boxes)\b")
"""So could one of such a kind."""
ROWS = {"Table", "RecordBatch", "RecordBatchReader", "DataFrame", "GeoDataFrame"}
WHEREABOUTS = re.compile(r"sighting|trajector|detection_id|vehicle_id|\bpasses\b")
"""A field of such a name says of a vehicle where it was."""
MAY = {
    "pipeline.frames.inspect": "a stage: the state of each picture of a shard",
    "pipeline.detections.detect": "a stage: the boxes in each picture of a shard",
    "pipeline.embeddings.embed": "a stage: a vector for each box of a shard",
    "pipeline.links.link": "a stage: all vectors of a night against each other; none comes from outside",
    "pipeline.quarantine.blanked": "pictures with those left out that killed their worker",
}
"""What takes pictures or vectors and gives rows, with the reason why it is no search by example."""
READERS = {
    "easyocr", "pytesseract", "tesserocr", "tesseract", "paddleocr", "paddlepaddle", "openalpr", "fast-plate-ocr", "fast-alpr", "open-image-models",
    "keras-ocr", "python-doctr", "rapidocr", "rapidocr-onnxruntime", "surya-ocr", "ocrmypdf", "doctr", "mmocr", "trocr", "calamari-ocr", "kraken",
    "face-recognition", "face-recognition-models", "dlib", "insightface", "deepface", "facenet-pytorch", "mtcnn", "retina-face", "retinaface",
    "keras-facenet", "keras-vggface", "mediapipe", "face-alignment", "torchreid", "fastreid", "compreface-sdk", "platerecognizer", "plate-recognition",
}  # fmt: skip
READS = re.compile(
    r"\bocr\b|optical character|text recognition|(licen[cs]e|number|registration)[- ]?plate|\ba[nl]pr\b"
    r"|\bfac(e|es|ial)[- ](recogni|detect|verif|match|embed|landmark)|biometri|person re-?id",
    re.IGNORECASE,
)
"""What a package that reads plates, faces or persons says of itself."""
LOOKS_AT_PEOPLE = re.compile(
    r"CascadeClassifier|FaceDetector|FaceRecognizer|Facemark|TextDetectionModel|TextRecognitionModel|OCR(Tesseract|Beam|HMM)|HOGDescriptor"
)
"""What OpenCV itself has for faces, text and people: it lies in the lock file, and is called nowhere."""
SERVERS = {
    "http.server",
    "socketserver",
    "flask",
    "fastapi",
    "starlette",
    "uvicorn",
    "aiohttp",
    "tornado",
    "bottle",
    "wsgiref",
}


READING = {"imread", "imdecode", "fromfile", "FileUpload", "input", "open", "load", "read_bytes"}
"""Calls by which a notebook could take in a picture or a vector."""
SEEING = {"cv2", "PIL", "Image", "imageio", "encoders", "detectors"}


def public() -> Iterator[tuple[str, FunctionType]]:
    """Yield every function and method of the package, those for its own use too: a later hand may call them."""
    for module in pkgutil.walk_packages(pipeline.__path__, "pipeline."):
        if module.name.endswith(("make_truth", "__main__")):
            continue
        for name, each in vars(importlib.import_module(module.name)).items():
            if getattr(each, "__module__", None) == module.name:
                yield from callables(f"{module.name}.{name}", each)


def callables(name: str, each: object) -> Iterator[tuple[str, FunctionType]]:
    """Yield a function, or the methods and properties of a class."""
    if isinstance(each, FunctionType):
        yield name, each
    elif inspect.isclass(each):
        for key, member in vars(each).items():
            inner = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
            if isinstance(inner, FunctionType) and inner.__qualname__.startswith(each.__qualname__):
                yield f"{name}.{key}", inner


def takes_an_example(function: Callable[..., object]) -> bool:
    """Tell whether a parameter could be an example: by its name, unless it is a number or a switch, or by its kind."""
    return any(
        (EXAMPLE.search(each.name) and each.annotation not in (int, float, bool)) or SHOWS.search(str(each.annotation))
        for each in inspect.signature(function).parameters.values()
    )


def returns_whereabouts(function: Callable[..., object]) -> bool:
    """Tell whether what comes back holds rows, or says of vehicles where they were."""
    return holds_rows(inspect.signature(function).return_annotation)


def holds_rows(kind: object, depth: int = 3) -> bool:
    """Look into a kind, what it is made of, and the fields of our own classes."""
    if isinstance(kind, str):
        return bool(WHEREABOUTS.search(kind)) or any(re.search(rf"\b{row}\b", kind) for row in ROWS)
    if parts := typing.get_args(kind):
        return any(holds_rows(part, depth) for part in parts)
    if not inspect.isclass(kind):
        return False
    ours = kind.__module__.startswith(("pipeline", __name__)) and depth > 0
    fields = getattr(kind, "__annotations__", {}) if ours else {}
    return kind.__name__ in ROWS or any(
        WHEREABOUTS.search(name) or holds_rows(inner, depth - 1) for name, inner in fields.items()
    )


def searches(function: Callable[..., object]) -> bool:
    return takes_an_example(function) and returns_whereabouts(function)


@dataclass
class Match:
    sighting_id: str


@dataclass
class Answer:
    matches: list[Match]


class Index:
    def near(self, query: NDArray[np.float16]) -> pa.Table: ...

    @property
    def embeddings(self) -> pa.Table: ...


def by_picture(picture: object) -> pa.Table: ...
def by_kind(query: NDArray[np.uint8]) -> list[Match]: ...
def by_bytes(content: bytes) -> Answer: ...
def by_colour(colour: str) -> "Iterator[pa.RecordBatch]": ...
def by_plate(license_plate: str) -> dict[str, list[Match]]: ...
def by_word(sightings: pa.Table, min_crop_px: float) -> pa.Table: ...
def to_box(picture: NDArray[np.uint8]) -> Boxes: ...


@pytest.mark.parametrize("guilty", [by_picture, by_kind, by_bytes, by_colour, by_plate, Index.near])
def test_a_search_by_example_is_recognised_in_any_dress(guilty):
    assert searches(guilty)


@pytest.mark.parametrize("innocent", [by_word, to_box, Index.embeddings.fget])
def test_what_is_no_search_by_example_is_let_pass(innocent):
    assert not searches(innocent)


def test_no_function_takes_an_example_and_returns_where_a_vehicle_was():
    walked = dict(public())
    guilty = {
        name
        for name, each in walked.items()
        if not name.rsplit(".", 1)[-1].startswith("_") and not name.startswith("pipeline.feeds.") and searches(each)
    }
    assert len(walked) > 3000
    assert guilty - set(MAY) == set(), "nothing may look a vehicle up by its look; see docs/threat_model.md"
    assert [name for name in MAY if not searches(walked[name])] == []


def test_of_feeds_only_lists_of_cameras_are_read():
    found = [each for name, each in public() if name.startswith("pipeline.feeds.") and searches(each)]
    given = {str(inspect.signature(each).return_annotation) for each in found}
    assert not [each for each in given if "Table" in each or "RecordBatch" in each]


def commands(group: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command below a group, however deep."""
    for name, each in getattr(group, "commands", {}).items():
        yield from commands(each, (*words, name))
    if not getattr(group, "commands", {}):
        yield words, group


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_a_command_that_looks_a_vehicle_up_would_be_found():
    guilty, inner = typer.Typer(), typer.Typer()
    inner.command("find")(lambda photo: photo == 1)
    inner.command("other")(lambda scan: scan == 1)
    guilty.add_typer(inner, name="deep")
    found = dict(commands(typer.main.get_command(guilty)))
    assert set(found) == {("deep", "find"), ("deep", "other")}
    assert [
        words for words, command in found.items() if any(EXAMPLE.search(each.name or "") for each in command.params)
    ] == [("deep", "find")]


def test_no_command_takes_an_example():
    names = [(words, each.name) for words, command in COMMANDS.items() for each in command.params]
    assert len(names) > 150
    assert [
        (words, name) for words, name in names if EXAMPLE.search(name or "") and name not in ("embeddings", "stills")
    ] == []


def test_vectors_are_given_to_the_linking_of_another_trackers_tracks_alone():
    given = [
        words
        for words, command in COMMANDS.items()
        if any(each.name in ("embeddings", "stills") for each in command.params)
    ]
    assert given == [("link-tracks",)]
    room = [ROOT / "pipeline/commands/tracks.py", *(ROOT / "pipeline/tracklets").glob("*.py")]
    lakes = re.findall(r"\bLake\(([^)]*)\)", "".join(path.read_text(encoding="utf-8") for path in room))
    assert lakes == ["lake, tracklets.SCAN.name"], "it may read and write the lake of given tracks and no other"


def test_vectors_enter_one_stage_pictures_three_and_neither_any_sql():
    fed = {
        table: {stage.table for stage in stages.STAGES if table in stage.reads} for table in ("embeddings", "snapshots")
    }
    assert fed == {"embeddings": {"links"}, "snapshots": {"frames", "detections", "embeddings"}}
    assert not [
        name for name in query.names() if set(HIDDEN) & set(query.header(name)["reads"]) or "vector" in query.read(name)
    ]


def macros(text: str) -> dict[str, tuple[str, list[str]]]:
    """Return the kind and the parameters of every macro that some SQL makes."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(text)
        asked = "SELECT function_name, function_type, parameters FROM duckdb_functions() WHERE NOT internal"
        return {name: (kind, parameters) for name, kind, parameters in connection.execute(asked).fetchall()}


def is_a_search(kind: str, parameters: list[str]) -> bool:
    return kind != "macro" or any(EXAMPLE.search(each) for each in parameters)


def test_no_macro_returns_rows_or_takes_a_look():
    made = macros(query.MACROS.read_text(encoding="utf-8"))
    assert set(made) == set(query.macros())
    assert [name for name, macro in made.items() if is_a_search(*macro)] == []


@pytest.mark.parametrize(
    "text", ["MACRO near(a) AS TABLE SELECT a AS sighting_id", "MACRO likeness(vector, other) AS vector + other"]
)
def test_a_macro_that_looks_a_vehicle_up_would_be_found(text: str):
    (found,) = macros(f"CREATE {text}").values()
    assert is_a_search(*found)


def test_no_parameter_of_a_question_is_an_example():
    names = {(file, name) for file in query.names() for name in query.header(file)["params"]}
    assert len(names) > 50
    assert not [each for each in names if EXAMPLE.search(each[1])]


@pytest.mark.parametrize("table", HIDDEN)
def test_no_purpose_opens_pictures_or_vectors_to_a_question(table: str, tmp_path: Path):
    lake, day = Lake(tmp_path, "fdr"), NIGHT.date()
    for name, found in (("cameras", rows("cameras", camera("a"))), (table, TABLES[table].empty())):
        place = Place(name, day)
        lake.commit(place, [lake.write(place, 0, found)], {"scan_date": str(day)})
    scan = Scan("fdr", "archive", "America/New_York", "EPSG:32618")
    with (
        pytest.raises(PipelineError, match=table),
        asking.answering(f"FROM {table}", desk.Desk(lake, scan, day, "a stated purpose", NIGHT)) as question,
    ):
        question.put()


def test_no_column_that_a_question_sees_is_a_picture_or_a_vector():
    columns = {
        f"{name}.{field.name}": field.type
        for name, table in TABLES.items()
        if name not in HIDDEN
        for field in table.schema
    }
    binary = {
        name
        for name, kind in columns.items()
        if pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind) or pa.types.is_large_binary(kind)
    }
    # a view is what stands still in a camera's picture, as 256 signs
    assert {name.rsplit(".")[-1] for name in binary} == {"geometry", "view"}
    floats = [
        name for name, kind in columns.items() if pa.types.is_list(kind) and pa.types.is_floating(kind.value_type)
    ]
    assert not [name for name in floats if EXAMPLE.search(name)]


def test_no_table_has_a_column_for_a_plate_a_face_a_person_or_a_colour():
    columns = [name for table in TABLES.values() for name in table.schema.names]
    assert not [name for name in columns if re.search(r"plate|face|person|owner|driver|colou?r|make|model", name)]
    assert "person" not in LABELS


def cells() -> Iterator[tuple[str, ast.Module]]:
    """Yield the code of every notebook."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        code = [cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
        yield path.stem, ast.parse("\n".join(code))


def offences(code: ast.Module) -> list[str]:
    """List what in a notebook reads a picture, asks for vectors, or defines a function that takes a look."""
    walked = list(ast.walk(code))
    called = [ast.unparse(each.func).rsplit(".", 1)[-1] for each in walked if isinstance(each, ast.Call)]
    defined = [arg.arg for each in walked if isinstance(each, ast.FunctionDef) for arg in each.args.args]
    words = [each.value for each in walked if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    imports = [each for each in walked if isinstance(each, ast.Import | ast.ImportFrom)]
    imported = [alias.name.split(".")[-1] for each in imports for alias in each.names]
    return [
        *(each for each in called if each in READING),
        *(each for each in defined if EXAMPLE.search(each)),
        *(each for each in words if re.search(r"(FROM|JOIN)\s+(embeddings|snapshots)", each, re.IGNORECASE)),
        *(each for each in imported if each in SEEING),
    ]


def test_no_notebook_reads_a_picture_or_hands_a_look_to_the_program():
    books = dict(cells())
    assert len(books) >= 6
    assert {name: offences(code) for name, code in books.items() if offences(code)} == {}


@pytest.mark.parametrize(
    "cell",
    [
        "seen = cv2.imread('car.jpg')", "def like(picture):\n    return night.ask('FROM sightings')", "from pipeline import encoders",
        "night.ask('SELECT * FROM embeddings')", "query = np.load('look.npz')", "import PIL.Image as Image\nfrom PIL import Image",
    ],
)  # fmt: skip
def test_a_notebook_that_looks_a_vehicle_up_would_be_found(cell: str):
    assert offences(ast.parse(cell))


def sources() -> Iterator[tuple[str, str]]:
    """Yield the code that runs: the package, the schedules, and what containers add."""
    for folder in ("pipeline", "dags", "docker"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def test_nothing_here_is_a_server_that_could_be_asked():
    for name, text in sources():
        imports = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.Import | ast.ImportFrom)]
        modules = {
            each.module or "" if isinstance(each, ast.ImportFrom) else alias.name
            for each in imports
            for alias in each.names
        }
        assert not {each for each in modules if each in SERVERS or each.split(".")[0] in SERVERS - {"http.server"}}, (
            name
        )


def test_no_package_that_reads_plates_or_faces_is_in_the_lock():
    locked = {package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]}
    assert len(locked) > 100
    assert not locked & READERS
    assert not [name for name in locked if re.search(r"(^|-)(ocr|[at]lpr|anpr|plates?|faces?|facial)(-|$)", name)]


def test_no_installed_package_says_that_it_reads_plates_or_faces():
    installed = list(metadata.distributions())
    told = {
        each.metadata["Name"]: " ".join(
            [
                *each.metadata.get_all("Classifier", []),
                *each.metadata.get_all("Summary", []),
                *each.metadata.get_all("Keywords", []),
                str(each.metadata.get_payload() or ""),
            ]
        )
        for each in installed
    }
    assert len(told) > 200
    assert [name for name, words in told.items() if READS.search(words)] == []


@pytest.mark.parametrize(
    "words",
    [
        "Ready-to-use OCR with 80 languages",
        "Recognize faces: face recognition",
        "Automatic license plate reader",
        "ANPR toolkit",
    ],
)
def test_a_package_that_reads_plates_or_faces_would_say_so(words: str):
    assert READS.search(words)


def test_what_opencv_has_for_faces_and_text_is_called_nowhere_and_has_no_model():
    assert not [name for name, text in sources() if LOOKS_AT_PEOPLE.search(text)]
    assert LOOKS_AT_PEOPLE.search(" ".join(dir(cv2)))
    held = {path.suffix for path in Path(cv2.__file__).parent.rglob("*") if path.is_file()}
    assert not held & {".xml", ".onnx", ".caffemodel", ".pb", ".tflite", ".dat"}


def test_every_product_states_its_support():
    assert all(re.search(r"\bsupport\b", query.read(name)) for name in query.names("products"))


def test_the_list_of_purposes_is_closed():
    text = (ROOT / "docs/purposes.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in text.splitlines() if row.startswith("| `")))
    assert {f"products/{name}" for name in listed} == set(query.names("products"))


PAGES = ("docs/purposes.md", "docs/threat_model.md", "docs/dpia.md", "SECURITY.md")


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_a_page_names_is_there(page: str):
    named = re.findall(r"(test_\w+\.py)::(test_\w+)", (ROOT / page).read_text(encoding="utf-8"))
    assert named or page != "docs/threat_model.md"
    absent = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]
    assert absent == []
