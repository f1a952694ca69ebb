"""Send the product 111 bad inputs by its own doors and hold what comes of each against what was stated: `python -m tests.faults`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
