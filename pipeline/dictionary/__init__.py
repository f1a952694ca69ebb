"""Write down every table, setting and command from the one place where each is said: the pages of `docs` that never drift."""

from pathlib import Path
from typing import Any

from pipeline.dictionary import commands, settings, tables
from pipeline.dictionary.entries import Entry, entries
from pipeline.errors import SettingsError, StorageError

MADE_BY = "<!-- Made by `thoroughfare dictionary --write docs`; mend the source it is read from, not this page. -->"


def pages(program: Any) -> dict[str, str]:
    """Return the pages by their file names.

    Args:
        program: The command that `thoroughfare` is, as its own parser has it.
    """
    written = {
        "data_dictionary.md": tables.page(entries()),
        "settings.md": settings.page(),
        "commands.md": commands.page(program),
    }
    return {name: f"{MADE_BY}\n{text}" for name, text in written.items()}


def write(program: Any, folder: Path) -> list[Path]:
    """Write the pages into a folder that is there.

    Raises:
        SettingsError: there is no such folder.
        StorageError: it cannot be written.
    """
    if not folder.is_dir():
        raise SettingsError(f"--write {folder}: no such folder; name that of the docs")
    made = []
    for name, text in pages(program).items():
        try:
            (folder / name).write_text(text, encoding="utf-8")
        except OSError as error:
            raise StorageError(f"{folder / name}: {error.strerror}; name a folder that can be written") from error
        made.append(folder / name)
    return made


def known() -> dict[str, Entry]:
    """Return what is said of every table, product, gold table and view, by name."""
    return entries()


def entry(name: str) -> Entry:
    """Return what is said of one table; SettingsError names those there are."""
    if name not in known():
        raise SettingsError(f"no table {name!r}; choose from {list(known())}")
    return known()[name]
