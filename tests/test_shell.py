"""What people meet at a shell: mistakes mended in a sentence, the next command, completion, narrow and closed ends."""

import inspect
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import night
import pytest
from typer.main import get_command

from pipeline import __main__ as program
from pipeline import console
from pipeline.dictionary import commands
from pipeline.lake import Lake, Place
from pipeline.stages import stage

ROOT = Path(__file__).parents[1]
DATE = "2026-03-03"
LINEAGE = {
    "scan_date": DATE,
    "inputs": {},
    "code": "tests",
    "settings": {"max_speed_mps": "45.0", "position_m": "170.0", "k": "3"},
    "models": {},
    "libraries": {},
}
LEAVES = dict(commands.leaves(get_command(program.app)))
RIGHT = {
    ("demo",): ["--lake", "NEW"],
    ("run",): ["demo", "--date", DATE, "--lake", "NEW"],
    ("stage",): ["demo", "cameras", "--date", DATE, "--lake", "NEW"],
    ("backfill",): ["demo", "--from", DATE, "--to", DATE, "--lake", "NEW"],
    ("certificates",): ["NEW"],
    ("verify",): ["--lake", "LAKE"],
    ("privacy", "report"): ["--lake", "LAKE"],
    ("audit", "verify"): ["--lake", "LAKE"],
    ("audit", "show"): ["--lake", "LAKE"],
    ("audit", "head"): ["--lake", "LAKE"],
    ("expire",): ["--lake", "LAKE"],
    ("compact",): ["--lake", "LAKE"],
    ("revisions",): ["--lake", "LAKE"],
    ("trace",): ["nothing.parquet", "--lake", "LAKE"],
    ("sql",): ["SELECT 1", "--lake", "LAKE"],
    ("map",): ["--lake", "LAKE"],
    ("report",): ["--lake", "LAKE"],
    ("export",): ["geoparquet", "--lake", "LAKE"],
    ("plan",): ["demo", "--date", DATE, "--lake", "NEW"],
    ("status",): ["--lake", "LAKE"],
    ("why",): ["0" * 16, "--lake", "LAKE"],
    ("metrics",): ["--lake", "LAKE"],
    ("doctor",): ["demo"],
    ("dictionary",): ["flow"],
    ("cameras", "list"): ["demo"],
    ("cameras", "check"): ["demo"],
    ("cameras", "feeds"): [],
    ("cameras", "export"): ["demo", "--out", "NEW"],
    ("cameras", "diff"): ["--from", DATE, "--to", DATE, "--lake", "LAKE"],
    ("score", "detections"): ["--truth", "ABSENT"],
    ("score", "embeddings"): ["--truth", "ABSENT", "--pairs", "ABSENT"],
    ("score", "tracks"): ["--truth", "ABSENT", "--lake", "LAKE"],
    ("score", "links"): ["--truth", "ABSENT", "--lake", "LAKE"],
    ("score", "products"): ["--truth", "ABSENT", "--lake", "LAKE"],
    ("bench-city",): ["--size", "district", "--lake", "NEW"],
    ("link-tracks",): ["ABSENT", "--frame-rate", "10", "--lake", "NEW"],
}
"""A right call of every command, or one whose only fault is a file that is not there."""
WRONG = {
    "--date": ("yesterday", "2026-13-40"),
    "--from": ("yesterday", "folder/that/is/not"),
    "--to": ("2026-02-30",),
    "--before": ("soon",),
    "--lake": ("ABSENT", "EMPTY", "FILE", "FILE/below", "gs://bucket/lake"),
    "--settings": ("ABSENT", "EMPTY", "BROKEN", "BINARY", "ODD", "FLAT"),
    "--out": ("FILE/below",),
    "--write": ("FILE/below", "ABSENT/below"),
    "--truth": ("EMPTY", "BINARY", "FILE/below"),
    "--config": ("ABSENT", "BINARY", "EMPTY"),
    "--kind": ("pie",),
    "--table": ("nothing",),
    "--scan": ("nowhere", "../other"),
    "--workers": ("-1", "many"),
    "--size": ("village",),
    "--cadence": ("-1", "soon"),
    "--window": ("-7", "first"),
    "--frame-rate": ("0", "often"),
    "--within": ("-3",),
    "--requests": ("-1",),
    "--param": ("novalue", "date"),
    "--parquet": ("FILE/below",),
    "--geojson": ("FILE/below",),
    "--rows": ("0",),
    "--max-rows": ("1",),
    "--memory-mb": ("-1",),
    "--threads": ("-1", "few"),
    "--pairs": ("ABSENT", "BINARY"),
    "--embeddings": ("ABSENT", "BINARY"),
    "--cameras": ("ABSENT", "BINARY"),
    "--known-as": ("ABSENT", "BINARY"),
    "--also": ("ABSENT",),
    "--head": ("x", "1:abc"),
    "--nonsense": ("",),
}
"""Values that an option cannot have, for every command that has it; `--nonsense` none has."""
MAKERS = {("demo",), ("run",), ("stage",), ("backfill",), ("plan",), ("doctor",), ("bench-city",), ("link-tracks",)}
"""Commands that make the lake they are given."""
ESTIMATORS = {("plan",), ("doctor",)}
"""Commands that go on without a lake: the first says no more than it can, the second that it is no lake."""
FOR_PROGRAMS = {("stage",), ("audit", "head")}
"""Commands that a scheduler reads: they name nothing that follows."""


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("mistakes")
    lake = Lake(root / "lake", "demo")
    for name, rows in {**night.tables(), **{f"products/{n}": r for n, r in night.published().items()}}.items():
        line = stage(name.partition("/")[0])
        hourly = line.unit in ("shard", "window")
        where = Place.of(name, night.HOUR) if hourly else Place(name, night.HOUR.date())
        lake.commit(where, [lake.write(where, 0, rows)], LINEAGE)
    (root / "empty").mkdir()
    (root / "file").write_text("a file where a folder should be")
    (root / "binary").write_bytes(bytes(range(256)))
    (root / "broken.toml").write_text("[scan.demo\n")
    (root / "odd.toml").write_text('[scan.demo]\nfeed = 7\ntimezone = "Nowhere/City"\nmetric_crs = "EPSG:0"\n')
    (root / "flat.toml").write_text('scan = "demo"\n')
    found = {"LAKE": lake.root, "EMPTY": "empty", "FILE": "file", "BINARY": "binary", "BROKEN": "broken.toml"}
    found |= {"ODD": "odd.toml", "FLAT": "flat.toml", "ABSENT": "absent", "NEW": "new"}
    return {name: str(root / place) for name, place in found.items()}


@pytest.fixture
def said(monkeypatch, capsys, tmp_path, places):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(program.DEBUG, raising=False)
    heard = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["thoroughfare", *(_placed(word, places) for word in words)])
        with pytest.raises(SystemExit) as end:
            program.main()
        told = capsys.readouterr()
        return end.value.code, told.out, told.err

    yield call
    for number, answer in heard.items():
        signal.signal(number, answer)
    os.environ.pop(program.DEBUG, None)


def test_every_command_is_walked():
    assert set(RIGHT) == set(LEAVES)


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_a_wrong_value_is_a_sentence_and_an_exit_code(words, said):
    known = {option for each in LEAVES[words].params for option in each.opts} | {"--nonsense"}
    for option in sorted(known & set(WRONG)):
        for value in WRONG[option]:
            if words in MAKERS and (option, value) in {("--lake", "ABSENT"), ("--lake", "EMPTY")}:
                continue
            if words in ESTIMATORS and option == "--lake" and value.startswith("FILE"):
                continue
            code, out, err = said(*words, *_with(RIGHT[words], option, value))
            where = f"{' '.join(words)} {option} {value}: {err}"
            assert "Traceback" not in err, where
            assert "`thoroughfare --debug" not in err, where
            assert code in range(1, 11), where
            assert err.strip() or ("missing" in out and words == ("doctor",)), where


@pytest.mark.parametrize("words", [each for each in LEAVES if RIGHT[each]], ids=" ".join)
def test_a_wrong_scan_or_name_is_a_sentence_and_an_exit_code(words, said):
    wrong = [
        {"demo": "nowhere", "cameras": "camera", "flow": "flw", "geoparquet": "shapefile"}.get(word, word)
        for word in RIGHT[words]
    ]
    code, _, err = said(*words, *(wrong if wrong != RIGHT[words] else [*wrong, "one", "two", "three"]))
    assert code in range(1, 11), err
    assert "Traceback" not in err
    assert "`thoroughfare --debug" not in err


def test_debug_shows_where_wherever_it_stands(said):
    from pipeline.errors import SettingsError

    for words in (["--debug", "status", "--lake", "ABSENT"], ["status", "--lake", "ABSENT", "--debug"]):
        with pytest.raises(SettingsError):
            said(*words)
        os.environ.pop(program.DEBUG, None)


@pytest.mark.parametrize("words", set(LEAVES) - FOR_PROGRAMS, ids=" ".join)
def test_every_command_names_the_next_one(words):
    told = inspect.getsource(LEAVES[words].callback)
    assert "advise(" in told or "show_scores(" in told


@pytest.mark.parametrize("words", [
    ["sql", "SELECT 1 AS one", "--lake", "LAKE"], ["revisions", "--lake", "LAKE"], ["metrics", "--lake", "LAKE"],
    ["status", "--lake", "LAKE"], ["dictionary", "flow"], ["cameras", "list", "demo"], ["cameras", "feeds"],
], ids=" ".join)  # fmt: skip
def test_people_are_told_what_follows_and_programs_are_not(words, said, monkeypatch):
    monkeypatch.setattr(console, "is_terminal", lambda: True)
    assert "\nNext: " in said(*words)[1]
    json.loads(said(*words, "--json")[1])


@pytest.mark.parametrize(("typed", "offered"), [
    ("ru", "run"), ("run d", "demo"), ("sql cookbook/peak_hour_b", "cookbook/peak_hour_by_camera"), ("export geop", "geoparquet"),
    ("map --kind heat", "heatmap"), ("stage demo lin", "links"), ("dictionary tra", "travel_time"), ("cameras dem", "demo"),
    ("report --lake LAKE de", "demo"), ("sql --lake LAKE --date 2", DATE), ("revisions --table products/fl", "products/flow"),
    ("report --dat", "--date"),
])  # fmt: skip
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_shell_completes_from_what_there_is(shell, typed, offered, said, monkeypatch, places):
    monkeypatch.chdir(ROOT)
    line = " ".join(_placed(word, places) for word in f"thoroughfare {typed}".split(" "))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
    monkeypatch.setenv("_THOROUGHFARE_COMPLETE", f"complete_{shell}")
    told = said()[1]
    assert offered in (told.splitlines() if shell == "bash" else re.findall(r'"([^"]+)"', told.replace(r"\\:", ":")))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_is_given_a_script_that_asks_the_program(shell, said, monkeypatch):
    monkeypatch.setenv("_THOROUGHFARE_COMPLETE", f"source_{shell}")
    assert f"complete_{shell}" in said()[1]


def test_a_reader_that_goes_away_ends_a_command_without_a_word(places):
    command = f"{sys.executable} -m pipeline revisions --files --lake {places['LAKE']} --json; echo $? >&2"
    ended = subprocess.run(
        ["bash", "-c", f"({command}) | head -c 1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr.strip()) == ("[", "0")


def test_a_narrow_terminal_and_no_colour_are_respected(said, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERMINAL_WIDTH", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(console, "is_terminal", lambda: True)
    told = said("dictionary", "flow")[1]
    assert "\x1b" not in told
    assert max(map(len, told.partition("\n\n")[2].partition("\nNext")[0].splitlines())) <= 40


@pytest.mark.parametrize("words", [[], ["cameras"], ["score"], *map(list, LEAVES)], ids=" ".join)
def test_every_help_shows_an_example(words, said):
    assert "Example: thoroughfare" in said(*words, "--help")[1]


def test_the_version_is_told(said):
    code, out, _ = said("--version")
    assert (code, out.startswith("thoroughfare ")) == (0, True)


def _with(words, option, value):
    """Give an option another value; `--nonsense` has none."""
    if option == "--nonsense":
        return [*words, option]
    if option not in words:
        return [*words, option, value]
    at = words.index(option)
    return [*words[: at + 1], value, *words[at + 2 :]]


def _placed(word, places):
    head, _, tail = word.partition("/")
    return f"{places[head]}{'/' + tail if tail else ''}" if head in places else word
