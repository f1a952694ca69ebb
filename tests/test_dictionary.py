"""The pages that are made of the program: nothing is left out, nothing is stale, and no page names what is not there."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from pipeline import dictionary, feeds
from pipeline.__main__ import app
from pipeline.dictionary import commands, settings

ROOT = Path(__file__).parents[1]
PROGRAM = get_command(app)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LEAVES = dict(commands.leaves(PROGRAM))
CALL = re.compile(r"(?:^|[`$(|] ?|uv run |bin/)thoroughfare ([^`\n]+)", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def pages():
    return dictionary.pages(PROGRAM)


def test_the_committed_pages_are_those_the_program_makes(pages):
    stale = [name for name, text in pages.items() if (ROOT / "docs" / name).read_text() != text]
    assert not stale, f"docs {stale} are stale; run `thoroughfare dictionary --write docs`"


def test_every_column_of_every_table_has_a_meaning():
    silent = [f"{each.name}.{c.name}" for each in dictionary.known().values() for c in each.columns if not c.meaning]
    assert not silent


def test_every_setting_has_a_meaning_and_a_default():
    told = [(section.name, each) for section in settings.sections() for each in section.settings]
    assert len(told) > 100
    assert not [(section, each.name) for section, each in told if not (each.meaning and each.default)]


def test_every_section_that_settings_toml_may_have_is_on_the_page(pages):
    from pipeline.scans import SECTIONS

    without = {"cameras", "roads"}
    assert all(f"[scan.NAME.{each}]" in pages["settings.md"] for each in set(SECTIONS) - without)


def test_every_variable_of_the_environment_that_the_program_names_is_on_the_page():
    named = {
        name
        for path in (ROOT / "pipeline").rglob("*.py")
        for name in re.findall(r'"(THOROUGHFARE_[A-Z0-9_]+)"', path.read_text())
        if path.parent.name != "demo"
    }
    assert named <= set(settings.environment())


def test_every_command_is_on_its_page_with_every_option_and_an_example(pages):
    page = pages["commands.md"]
    for words, command in LEAVES.items():
        section = page.partition(f"## {' '.join(words)}\n")[2].partition("\n## ")[0]
        assert all(option in section for each in command.params for option in each.opts if option.startswith("--")), (
            words
        )
        assert f"thoroughfare {' '.join(words)}".replace(" list", "") in section


def test_every_feed_has_a_page_or_a_row():
    listed = (ROOT / "docs" / "feeds" / "README.md").read_text()
    assert [name for name in feeds.names() if name not in listed] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_command_or_an_option_that_is_not_there(page):
    assert [fault for line in CALL.findall(page.read_text()) if (fault := _fault(line))] == []


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_the_examples_of_a_command_are_commands(words):
    examples = commands.examples(LEAVES[words])
    assert examples
    assert [fault for line in examples if (fault := _fault(line.removeprefix("thoroughfare ")))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path) if path else page
        assert there.exists(), f"{page.name}: {target}"
        if anchor and there.suffix == ".md":
            assert anchor in _anchors(there.read_text()), f"{page.name}: {target}"


def test_every_page_is_reached_from_the_readme():
    reached, coming = set(), [ROOT / "README.md"]
    while coming:
        page = coming.pop().resolve()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            targets = (target.partition("#")[0] for target in LINK.findall(page.read_text()) if "://" not in target)
            coming += [page.parent / target for target in targets if target and (page.parent / target).is_file()]
    lost = [
        str(page.relative_to(ROOT)) for page in PAGES if page.resolve() not in reached and "decisions" not in page.parts
    ]
    assert not lost


def test_the_dictionary_answers_at_the_shell_and_refuses_what_it_does_not_know():
    assert "vehicle_minutes" in CliRunner().invoke(app, ["dictionary", "heatmap"]).output
    assert "choose from" in str(CliRunner().invoke(app, ["dictionary", "nothing"]).exception)


def _anchors(text):
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _fault(line):
    """Say what is wrong with a command line of a page; empty where nothing is."""
    command, words = PROGRAM, _words(line)
    called = []
    while hasattr(command, "commands"):
        if words and words[0].startswith("--") and command is PROGRAM:
            words = words[2:] if words[0] == "--log" else words[1:]
            if not words:
                return ""
            continue
        if not words or not re.fullmatch(r"[a-z][a-z-]*", words[0]):
            return ""  # `thoroughfare COMMAND`, `thoroughfare ...`
        if words[0] not in command.commands:
            if called == ["cameras"]:
                return _options(command.commands["list"], words, line)
            return f"no command {words[0]!r}: {line}"
        called.append(words[0])
        command, words = command.commands[words[0]], words[1:]
    return _options(command, words, line)


def _options(command, words, line):
    known = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {
        "--help",
        "-h",
        "--debug",
    }
    unknown = [word for word in words if re.match(r"--\w", word) and word.partition("=")[0] not in known]
    return f"no option {unknown}: {line}" if unknown else ""


def _words(line):
    line = re.split(r" \| | > |; |  #|\t", line)[0]
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    return [word.strip("[](),;.") if word.startswith("[") else word.rstrip(",;.:)]") for word in words]
