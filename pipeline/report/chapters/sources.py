"""Name the sources of a night's pictures."""

from pipeline.report.given import Given


def facts(given: Given) -> list[str]:
    """List each attribution and licence once."""
    cameras = given.table("cameras")
    both = zip(cameras["attribution"].to_pylist(), cameras["licence"].to_pylist(), strict=True)
    said = {" · ".join(part for part in pair if part) for pair in both} | {given.scan.attribution}
    return sorted(said - {""})
