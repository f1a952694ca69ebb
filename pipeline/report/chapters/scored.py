"""Word the scores of a night whose truth is known: scores by subject -> titles and figures."""

from typing import Any

from pipeline.report.given import Given, Rows

ACRONYMS = {"assa": "AssA", "deta": "DetA"} | {
    each: each.upper() for each in ("ap", "ap50", "ece", "hota", "idf1", "idp", "idr", "mape", "mota", "od")
}
SHARES = (
    "count_error", "error", "share", "bias", "mape", "found", "precision", "recall", "purity", "impossible",
    "ap", "id", "hota", "deta", "assa", "mota", "ece",
)  # fmt: skip
"""Beginnings and ends of the names of scores that are shares of 1."""


def facts(given: Given) -> Rows:
    """Give each subject its measures: title, value (None is not told) and how it is written."""
    made = []
    for heading, measures in given.scores.items():
        by_class = {
            f"{kind}_recall": each["recall"] for kind, each in measures.get("by_class", {}).items() if each["n"]
        }
        listed = {name: value for name, value in {**measures, **by_class}.items() if _plain(value)}
        rows = [
            {"title": title(name), "value": None if value != value else value, "told": told(name, value)}  # noqa: PLR0124
            for name, value in listed.items()
        ]
        made.append({"heading": heading, "measures": rows})
    return made


def title(name: str) -> str:
    """Write a measure's name as people do."""
    return " ".join(
        ACRONYMS.get(word, word.replace("px", " px").replace("5min", "in 5 min")) for word in name.split("_")
    )


def told(name: str, value: Any) -> str:
    """Write a share in percent with one decimal, a count with separators, and None as not told."""
    if value is None or value != value:  # noqa: PLR0124
        return "not told"
    if isinstance(value, float) and (name.startswith(SHARES) or name.endswith(SHARES)):
        return f"{100 * value:.1f} %"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float | str)
