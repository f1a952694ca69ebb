"""The command line: every command documented, every error one sentence with its exit code, nothing heavy for help."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pipeline import errors
from pipeline.__main__ import app, exit_codes
from pipeline.commands import audit, score
from pipeline.commands.operate import NO_SUCH_WINDOW

ROOT = Path(__file__).parents[1]
COMMANDS = sorted(get_command(app).commands)
SCORES = sorted(get_command(score.app).commands)
AUDITS = sorted(get_command(audit.app).commands)


def thoroughfare(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *words], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps(command):
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output


@pytest.mark.parametrize(
    "words",
    [
        *([c] for c in COMMANDS if c not in ("score", "audit", "privacy")),
        *(["score", c] for c in SCORES),
        *(["audit", c] for c in AUDITS),
        ["privacy", "report"],
    ],
    ids=" ".join,
)
def test_every_command_shows_an_example_of_itself(words):
    shown = CliRunner().invoke(app, [*words, "--help"]).output
    assert f"Example: thoroughfare {' '.join(words)} " in " ".join(shown.split())


def test_every_command_is_in_the_readme():
    readme = (ROOT / "README.md").read_text()
    assert all(f"thoroughfare {command}" in readme for command in COMMANDS)


def test_help_imports_nothing_heavy():
    code = "import sys; from pipeline.__main__ import app; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    ).stdout.split()
    assert not {"tensorflow", "keras", "pyarrow", "duckdb", "cv2", "geopandas", "pandas", "numpy", "distributed"} & set(
        loaded
    )


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["run", "nowhere", "--date", "2026-05-05"], 2, "no [scan.nowhere]"),
        (["run", "demo", "--date", "yesterday"], 2, "not a date"),
        (["run", "demo", "--date", "2026-05-05", "--settings", "absent.toml"], 2, "no such settings file"),
        (["run", "fdr", "--date", "2026-05-05", "--source", "absent", "--lake", "LAKE"], 4, "absent"),
        (["report", "demo", "--lake", "absent"], 2, "nothing in it"),
        (["run", "demo", "--date", "2026-05-05", "--lake", "gs://bucket/lake"], 2, "neither a folder"),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(words, code, sentence, tmp_path):
    ended = thoroughfare(*(word.replace("LAKE", str(tmp_path)) for word in words))
    assert ended.returncode == code
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_every_error_has_its_own_exit_code_and_the_help_lists_them_all():
    kinds = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.PipelineError)
    ]
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    assert set(exit_codes()) == {kind.exit_code for kind in kinds} | {0, NO_SUCH_WINDOW, 130, 143}
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(f"{code}  {words}" in shown for code, words in exit_codes().items())


def test_the_docs_list_the_same_exit_codes():
    rows = re.findall(r"^\| (\d+) \| (.+?) \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert {int(code): words for code, words in rows} == exit_codes()


def test_debug_shows_where_an_error_arose():
    ended = thoroughfare("--debug", "run", "nowhere", "--date", "2026-05-05")
    assert "Traceback" in ended.stderr


def test_an_error_is_a_line_of_json_where_a_machine_reads():
    ended = thoroughfare("--log", "json", "run", "nowhere", "--date", "2026-05-05")
    told = json.loads(ended.stderr)
    assert (told["event"], told["exit_code"], ended.returncode) == ("error", 2, 2)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_command_says_so_in_a_sentence(tmp_path, number, code):
    words = [sys.executable, "-m", "pipeline", "run", "demo", "--date", "2026-05-05", "--lake", str(tmp_path)]
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as child:
        told = [next(child.stderr), next(child.stderr)]
        child.send_signal(number)
        told += child.stderr.read().splitlines()
    assert child.returncode == code
    assert told[-1] == "thoroughfare: stopped; what is done is kept, run the same command again to go on"
    assert not any("Traceback" in line for line in told)


def test_doctor_speaks_json():
    parts = json.loads(thoroughfare("doctor", "--json").stdout)
    assert {"python", "tensorflow", "disk"} <= {part["part"] for part in parts}
