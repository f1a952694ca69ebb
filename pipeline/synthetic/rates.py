"""Say how often what goes wrong: measured on the demo city on 2026-11-23, whose truth is known (`docs/benchmark_city.md`).

Boxes were matched with the truth at IoU 0.3, so that a loose box is no ghost.
"""

import numpy as np

SIZES_PX = np.array([8.0, 11.0, 13.0, 15.0, 18.0, 22.0, 27.0, 35.0, 50.0, 70.0])
FOUND = np.array([0.29, 0.6, 0.77, 0.82, 0.74, 0.66, 0.75, 0.88, 0.91, 0.79])
"""Share of the vehicles in a picture that the detector finds, by the longer side of their boxes; hidden ones count as missed."""
EDGE_PX = 1.9
"""Standard deviation of a box's edges, pixels: median error over 0.674."""
BROKEN, BROKEN_AFTER_MISS = 0.07, 0.63
"""Chance that a track breaks between two boxes of neighbouring pictures, and after one picture without."""
MIXED = 0.08
"""Chance that two vehicles in view together, one behind the other, swap tracks: set so that 8 % of tracks hold two."""
GHOSTS = 0.06
"""Boxes in a picture that are nobody's."""
GHOST_MPS = 12.0
"""Speed a ghost would have, metres a second; it tells only where in the view it may be."""
MISSED, OUTAGES = 0.01, 0.02
"""Share of pictures that do not come; chance that a camera is out for some minutes of an hour."""
NO_HEADING, WRONG_HEADING = (0.29, 0.022), (0.13, 0.027)
"""Chances that a sighting of one box, and of several, has no heading, or one across or against its way."""
