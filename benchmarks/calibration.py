"""Draw stated chances of links against the share that was right, from what `thoroughfare score links --json` printed.

python -m benchmarks.calibration "real frames=scores.json" --out docs/linking.svg
"""

import argparse
import json
from pathlib import Path

from benchmarks import figure


def main() -> None:
    """Draw one panel a file of scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scores", nargs="+", metavar="NAME=FILE", help="scores of links, as JSON")
    parser.add_argument("--out", type=Path, required=True, help="SVG to write")
    given = parser.parse_args()
    panels = dict(each.split("=", 1) for each in given.scores)
    drawn = figure.scatter({name: points(Path(path)) for name, path in panels.items()}, "bins of links")
    given.out.write_text(drawn, encoding="utf-8")


def points(path: Path) -> figure.Points:
    """Read (stated, came true) of each bin."""
    calibration = json.loads(path.read_text(encoding="utf-8"))["calibration"]
    return list(zip(calibration["stated"], calibration["came_true"], strict=True))


if __name__ == "__main__":
    main()
