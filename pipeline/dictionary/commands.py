"""Write the page of commands: every one with its arguments, options, examples, and the exit codes of all."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from pipeline.dictionary.tables import cell

HEAD = """# Commands

Each tells its options with `--help`; what a program would read takes `--json`. Errors are one sentence: what, where, what to do; `thoroughfare --debug ...`
shows where in the program. `thoroughfare --install-completion` lets bash, zsh and fish complete commands, scans, nights, tables and questions.
[operations.md](operations.md) says what to do when.
"""


def leaves(program: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give every command that does something, with the words that call it."""
    for name, command in program.commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


def page(program: Any) -> str:
    """Write the page."""
    found = list(leaves(program))
    index = [f"| [{' '.join(words)}](#{'-'.join(words)}) | {cell(_first(command))} |" for words, command in found]
    parts = [HEAD, "\n".join(["| command | what it does |", "|---|---|", *index, ""]), _everywhere(program)]
    return "\n".join([*parts, *(_section(words, command) for words, command in found)])


def _everywhere(program: Any) -> str:
    """Write what holds for every command: its options and the exit codes."""
    epilog = cleandoc(program.epilog).replace("\b", "").strip()
    context = program.make_context("thoroughfare", [], resilient_parsing=True)
    return f"## thoroughfare\n\n{_parameters(program, context)}\n```\n{epilog}\n```\n"


def _section(words: tuple[str, ...], command: Any) -> str:
    """Write what is said of one command."""
    context = command.make_context(" ".join(("thoroughfare", *words)), [], resilient_parsing=True)
    usage = " ".join(("thoroughfare", *words, *command.collect_usage_pieces(context)))
    told = "\n\n".join(" ".join(each.split()) for each in cleandoc(command.help or "").split("\n\n"))
    shown = "\n".join(examples(command))
    return f"## {' '.join(words)}\n\n```\n{usage}\n```\n{told}\n\n{_parameters(command, context)}\n```\n{shown}\n```\n"


def _parameters(command: Any, context: Any) -> str:
    """Write arguments and options as `--help` tells them."""
    records = [record for each in command.params if (record := each.get_help_record(context))]
    rows = [f"| `{cell(name)}` | {cell(' '.join(told.split()))} |" for name, told in records]
    return "\n".join(["| argument, option | meaning |", "|---|---|", *rows, ""]) if rows else ""


def examples(command: Any) -> list[str]:
    """Return the examples of a command, each a line that a person may type."""
    return [
        line.strip().removeprefix("Example:").strip()
        for line in (command.epilog or "").splitlines()
        if "thoroughfare" in line
    ]


def _first(command: Any) -> str:
    """Return the first sentence of a command's help."""
    return " ".join(cleandoc(command.help or "").partition("\n\n")[0].split())
