"""Read in the program itself what it says of its values: the words below a field or a constant."""

import ast
import inspect
from dataclasses import MISSING, dataclass, fields
from functools import cache
from itertools import pairwise
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Setting:
    """A value that somebody may choose."""

    name: str
    """As `settings.toml` or the environment has it."""
    kind: str
    """What it may hold, as Python has it."""
    default: str
    """What it is where nobody chooses, as TOML has it; `needed` where somebody must."""
    meaning: str
    """The words below it, with its unit."""


def settings(kind: type) -> list[Setting]:
    """List the fields of a dataclass with what its source says of each."""
    said = _said(inspect.getsource(kind))
    return [Setting(each.name, _kind(each.type), _default(each), said.get(each.name, "")) for each in fields(kind)]


def words(module: ModuleType) -> dict[str, str]:
    """Return the words below each constant of a module."""
    return _said(inspect.getsource(module))


def purpose(kind: type) -> str:
    """Return the first paragraph of a class's own words, on one line."""
    return " ".join(inspect.cleandoc(kind.__doc__ or "").partition("\n\n")[0].split())


@cache
def _said(source: str) -> dict[str, str]:
    """Find the string below every assignment of a module's or a class's own body."""
    tree = ast.parse(inspect.cleandoc(source) if source.startswith(" ") else source)
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else tree.body
    found: dict[str, str] = {}
    for line, below in pairwise(body):
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            found |= dict.fromkeys(_targets(line), " ".join(below.value.value.split()))
    return found


def _targets(line: ast.stmt) -> list[str]:
    """Name what a statement assigns."""
    targets = line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
    return [
        name.id for each in targets for name in (each.elts if isinstance(each, ast.Tuple) else [each])
        if isinstance(name, ast.Name)
    ]  # fmt: skip


def _kind(kind: Any) -> str:
    """Write a type in words that TOML has."""
    text = (
        kind if isinstance(kind, str) else getattr(kind, "__name__", str(kind)) if isinstance(kind, type) else str(kind)
    )
    known = {"str": "text", "float": "number", "int": "whole number", "bool": "true or false"}
    return known.get(text, "list" if text.startswith(("tuple", "list")) else "section" if "dict" in text else text)


def _default(field: Any) -> str:
    """Write a default as TOML has it."""
    value = field.default
    if value is MISSING:
        return "needed" if field.default_factory is MISSING else "none"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value) if isinstance(value, tuple) else value)
