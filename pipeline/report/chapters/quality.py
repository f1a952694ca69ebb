"""Tell which invariants hold of the night: checks of `sql/checks` -> held, failed or not asked."""

from pipeline.report.given import Facts, Given


def facts(given: Given) -> Facts:
    """Give each check what it forbids, and the rows that it found."""
    checks = [
        {
            "check": name,
            "forbids": given.statements.get(name, name.replace("_", " ")),
            "found": found,
            "outcome": "not asked" if found is None else "failed" if found else "held",
        }
        for name, found in sorted(given.checks.items(), key=lambda each: (not each[1], each[1] is not None, each[0]))
    ]
    outcomes = [check["outcome"] for check in checks]
    counts = {outcome: outcomes.count(outcome) for outcome in ("held", "failed", "not asked")}
    return {"counts": counts, "checks": checks}
