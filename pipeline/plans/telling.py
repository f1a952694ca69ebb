"""Tell a plan to a person, on a screen where the scan is small; write its polling as a settings file for `run`."""

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields
from itertools import groupby
from pathlib import Path
from typing import Any

from pipeline.console import show
from pipeline.errors import SettingsError
from pipeline.plans import Plan
from pipeline.plans.products import Expectation
from pipeline.scans import Scan

SHOWN = 8
"""Corridors, and pairs, that are shown; `--json` has all."""
WIDE = 60
"""Letters of a corridor's ids that are shown; of longer ones the names of its ends."""


def tell(plan: Plan) -> None:
    """Print who is polled when, what a night will take, each figure with what it rests on, and what comes of it."""
    _say(f"{plan.scan} {plan.scan_date} ({plan.timezone}): {len(plan.windows)} windows, {plan.cameras} cameras\n")
    show([{"window": name, **facts} for name, facts in plan.windows.items()], ["window", "local", "pictures"])
    _say()
    for sentence in plan.polling.why:
        _say(sentence)
    if plan.polling.taken:
        show(list(_corridors(plan)), ["corridor", "first burst", "metres", "pairs an hour", "pairs a request"])
        _more(len(plan.polling.taken) - SHOWN, "corridors")
    _say()
    figures = [(each.what, f"{_figure(each.value)} {each.unit}", each.basis) for each in plan.estimates]
    show(
        [dict(zip(("what", "estimate", "rests on"), each, strict=True)) for each in figures],
        ["what", "estimate", "rests on"],
    )
    _say()
    _products(plan)
    _terms(plan.terms)
    for each in plan.supports:
        _say(f"a picture in {each.cadence_s:g} s ({each.cameras} cameras), if none fails:")
        _say(f"  one camera supports `{each.alone}`: {each.why}")
        _say(f"  two in a row support `{each.pair}`: {each.why_pair}")


def write(scan: Scan, plan: Plan, path: Path, *, force: bool = False) -> None:
    """Write a settings file with one scan, polled as planned: whole or not at all.

    Args:
        scan: As its own settings say.
        plan: Of one of its nights.
        path: File to be made; `run --settings PATH` reads it.
        force: Replace what is there.

    Raises:
        SettingsError: the file is there and not to be replaced, or cannot be written.
    """
    text = "".join(_toml(scan, plan))
    try:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as aside:
            aside.write(text)
            aside.flush()
            os.fsync(aside.fileno())
        try:
            Path(aside.name).replace(path) if force else os.link(aside.name, path)
        finally:
            Path(aside.name).unlink(missing_ok=True)
    except FileExistsError as error:
        raise SettingsError(
            f"--write {path}: there is such a file; name another, or replace it with --force"
        ) from error
    except OSError as error:
        raise SettingsError(
            f"--write {path}: {error.strerror}; name a file in a folder that may be written to"
        ) from error


def _corridors(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the corridors that are shown."""
    for each in plan.polling.taken[:SHOWN]:
        names = " ".join(each.cameras)
        yield {
            "corridor": names if len(names) <= WIDE else f"{len(each.cameras)} cameras, {each.words}",
            "first burst": f"after {each.at_s / 60:.3g} min",
            "metres": f"{each.road_m:,.0f}",
            "pairs an hour": _figure(each.pairs_an_hour),
            "pairs a request": f"{each.pairs_a_request:.2g}",
        }


def _products(plan: Plan) -> None:
    """Print expectations: what is not supported for one reason on a line, and of many pairs those with most vehicles."""
    for (of, told), group in groupby(_most(plan.products), key=lambda each: (each.of, each.told)):
        _say(f"{', '.join(each.product for each in group)} ({of}): {told}")
    _more(sum(each.product == "travel_time" for each in plan.products) - SHOWN, "pairs")


def _most(those: Iterable[Expectation]) -> list[Expectation]:
    """Leave out the pairs beyond those with most vehicles."""
    pairs = sorted(
        (each for each in those if "pairs_an_hour" in each.figures), key=lambda each: -each.figures["pairs_an_hour"]
    )
    return [each for each in those if each not in pairs[SHOWN:]]


def _terms(terms: dict[str, Any]) -> None:
    """Print what the operator allows."""
    may = {True: "allowed", False: "not allowed"}
    permission = f", asked by the permission held: {terms['permission']!r}" if terms["permission"] else ""
    cleared = "cleared" if terms["cleared"] else f"not cleared{permission}"
    _say(f"\nterms: {cleared}; licence {terms['licence'] or 'not stated'}")
    _say(f"       commercial use {may[terms['commercial']]}; keeping pictures {may[terms['may_store_frames']]}")
    if terms["attribution"]:
        _say(f"       show beside anything made of them: {terms['attribution']}")


def _toml(scan: Scan, plan: Plan) -> Iterator[str]:
    """Yield the lines of a settings file."""
    yield f"# {scan.name} as planned for {plan.scan_date}: " + "; ".join(plan.polling.why) + "\n"
    yield f"[scan.{_key(scan.name)}]\n"
    for each in fields(Scan):
        value = plan.polling.sweep_s if each.name == "cadence_s" else getattr(scan, each.name)
        if each.name not in ("name", "stages") and (each.default is MISSING or value != each.default):
            yield f"{each.name} = {_value(value)}\n"
    stages = {name: section for name, section in scan.stages.items() if name != "bursts"}
    for name, section in (stages | ({"bursts": plan.bursts} if plan.bursts else {})).items():
        yield f"\n[scan.{_key(scan.name)}.{name}]\n"
        for key, value in section.items():
            yield f"{_key(key)} = {_value(value)}\n"


def _value(value: Any) -> str:
    """Write a value as TOML has it; every table of a list on a line of its own."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        tables = any(isinstance(each, dict) for each in value)
        between = ",\n  " if tables else ", "
        inside = between.join(_value(each) for each in value)
        return f"[\n  {inside},\n]" if tables else f"[{inside}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool) else repr(value)


def _key(name: str) -> str:
    """Write a key, in quotes where TOML wants them."""
    plain = name.isascii() and name.replace("-", "").replace("_", "").isalnum()
    return name if plain else json.dumps(name, ensure_ascii=False)


def _more(count: int, what: str) -> None:
    """Say how many are not shown."""
    if count > 0:
        _say(f"... and {count:,} {what} more: --json has all")


def _figure(value: float) -> str:
    """Write a figure as a person reads it: whole above a hundred, else three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _say(line: str = "") -> None:
    """Print one line."""
    sys.stdout.write(f"{line}\n")
