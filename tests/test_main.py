"""The command line: every command documented, every error one sentence with its exit code, nothing heavy for help."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline import errors
from pipeline.__main__ import app

ROOT = Path(__file__).parents[1]
COMMANDS = ("demo", "run", "cameras", "sql", "map", "report", "score", "expire", "verify", "doctor")


def thoroughfare(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *words], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps(command):
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert "Usage" in shown.output


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
        (["run", "fdr", "--date", "2026-05-05", "--source", "absent", "--lake", "absent-lake"], 4, "absent"),
        (["report", "demo", "--lake", "absent"], 2, "nothing in it"),
        (["run", "demo", "--date", "2026-05-05", "--lake", "s3://bucket/lake"], 2, "only folders"),
    ],
)
def test_an_error_is_one_sentence_and_an_exit_code(words, code, sentence):
    ended = thoroughfare(*words)
    assert ended.returncode == code
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


def test_every_error_has_its_own_exit_code_in_the_help():
    kinds = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.PipelineError)
    ]
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(str(kind.exit_code) in shown for kind in kinds)


def test_doctor_speaks_json():
    parts = json.loads(thoroughfare("doctor", "--json").stdout)
    assert {"python", "tensorflow", "disk"} <= {part["part"] for part in parts}
