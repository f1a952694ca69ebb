"""Call cameras what bites in SQL, CSV, HTML, terminals and logs, and look at everything that shows their names."""

import csv
import io
import json
import re
from pathlib import Path

from tests.faults.night import Night, said
from tests.faults.rows import Input, Row, Seen, plain

VERBATIM = "shown as it is, nothing of it run"
SQL = "names reach SQL as rows of tables, never as text of a statement"
CSV = "a spreadsheet runs a cell that begins so; an apostrophe goes before it, in CSV alone"
XSS = "pages write names as text and JSON with < escaped, under a policy that lets nothing else run"
SHOWN = "what does not print is written as its escape in terminals and logs; the lake keeps the name as it came"
TEXTS: dict[str, tuple[str, str, str]] = {
    "sql-drop": ("x'); DROP TABLE cameras; --", "a name that ends a statement and drops a table", SQL),
    "sql-always": ("x' OR '1'='1", "a name that makes a condition true", SQL),
    "sql-read": ("x' UNION SELECT content FROM read_text('/etc/passwd') --", "a name that reads a file", SQL),
    "sql-copy": ("x\"; COPY (SELECT 1) TO 'CANARY'; --", "a name that writes a file", SQL),
    "csv-equals": ('=HYPERLINK("http://127.0.0.1/"&A1)', "a name that begins with =", CSV),
    "csv-plus": ("+1+cmd|' /C calc'!A0", "a name that begins with +", CSV),
    "csv-minus": ("-2+3+cmd|' /C calc'!A0", "a name that begins with -", CSV),
    "csv-at": ("@SUM(1+1)", "a name that begins with @", CSV),
    "csv-wide": ('\uff1d1+1",=1+1,"', "a name that begins with a full-width =, then ends its cell", CSV),
    "xss-script": ("<script>window.owned=1</script>", "a name that is a script", XSS),
    "xss-attribute": ('" onerror="window.owned=1" x="<img src=x onerror=window.owned=1>', "a name that leaves an attribute", XSS),
    "xss-end": ("</script></style></textarea><script>window.owned=1</script>", "a name that ends the script it stands in", XSS),
    "xss-address": ("javascript:window.owned=1", "a name that is an address of a script", XSS),
    "xss-lines": ("Lane\u2028window.owned=1\u2029//${window.owned=1}`{{7*7}}", "a name of line separators and templates", XSS),
    "ansi": ("Bridge\x1b[2J\x1b]0;owned\x07\rthoroughfare: all well\nlevel=error", "a name that clears the screen and writes a line of log", SHOWN),
    "bidi": ("Bridge \u202egpj.exe\u202c\u2066\u200f", "a name that turns the reading round", SHOWN),
}  # fmt: skip
INPUTS = tuple(Input("names", name, what, VERBATIM, why) for name, (_, what, why) in TEXTS.items())
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal or a reader may obey."""
FORMULAS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""First characters that a spreadsheet runs."""


def held(night: Night) -> list[Row]:
    """Look at every place that shows a name."""
    wrong: dict[str, list[str]] = {name: [] for name in TEXTS}
    for told in (_lake(night), _csv(night), _terminal(night), _pages(night)):
        for name, what in told.items():
            wrong[name] += what
    return [Row(each, Seen(VERBATIM, "; ".join(wrong[each.name]))) for each in INPUTS]


def _lake(night: Night) -> dict[str, list[str]]:
    """Hold the names in the lake against those sent, and prove the lake."""
    proof = said(["verify", *night.lake])
    there = {
        row["native_id"]: row["name"] for row in json.loads(night.ask("SELECT native_id, name FROM cameras", "--json"))
    }
    common = [f"verify: {proof.text[-200:]}"] if proof.code else []
    common += ["a file was written by SQL"] if list(night.folder.rglob("CANARY")) or Path("CANARY").exists() else []
    return {
        name: common + ([] if there.get(name) == text else [f"the lake holds {there.get(name)!r}"])
        for name, (text, *_) in TEXTS.items()
    }


def _csv(night: Night) -> dict[str, list[str]]:
    """Read what `sql --csv` prints and what `cameras export` writes as a spreadsheet would."""
    out, folder = night.ask("SELECT native_id, name FROM cameras", "--csv"), night.folder / "registry"
    said(["cameras", "export", night.scan, "--out", str(folder), "--settings", str(night.settings)])
    exported = (folder / "cameras.csv").read_bytes().decode()
    asked, written = _cells(out), _cells(exported)
    return {
        name: [
            *_formula("sql --csv", asked[name], plain(text)),
            *_formula("cameras export", written[name], text),
        ]
        for name, (text, *_) in TEXTS.items()
    }


def _cells(out: str) -> dict[str, str]:
    """Read the names of a CSV by the feed's own id."""
    return {row["native_id"]: row["name"] for row in csv.DictReader(io.StringIO(out, newline=""))}


def _formula(where: str, cell: str, text: str) -> list[str]:
    """Say what is wrong with a cell."""
    if cell.startswith(FORMULAS):
        return [f"{where}: a formula"]
    return [] if cell.removeprefix("'") == text else [f"{where}: {cell!r}"]


def _terminal(night: Night) -> dict[str, list[str]]:
    """Read what commands write for people, and what the night wrote and logged."""
    shown = {
        "sql": night.ask("SELECT native_id, name FROM cameras"),
        "cameras": said(["cameras", night.scan, "--settings", str(night.settings)]).text,
        "cameras check": said(["cameras", "check", night.scan, "--settings", str(night.settings)]).text,
        "run": night.log,
    }
    found = {where: CONTROLS.findall(text) for where, text in shown.items()}
    lines = [f"{where}: {sorted(set(controls))!r} is obeyed" for where, controls in found.items() if controls]
    stray = [
        where
        for where, text in shown.items()
        if re.search(r"^(thoroughfare: all well|level=error)", text, re.MULTILINE)
    ]
    lines += [f"{where}: a line of its own" for where in stray]
    return {name: lines if name in ("ansi", "bidi", "xss-lines") else [] for name in TEXTS}


def _pages(night: Night) -> dict[str, list[str]]:
    """Open map and report: in a browser where there is one, else by reading them."""
    from tests.faults import pages

    wrong = [f"{page}: {what}" for page in ("report", "map") for what in pages.judged(night.page(page))]
    return {name: wrong if name.startswith("xss") else [] for name in TEXTS}
