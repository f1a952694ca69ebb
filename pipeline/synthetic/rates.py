"""Say how often what goes wrong, as measured on 2026-11-23 with the detector and the tracker of that day.

From real New York stills, labelled by hand (238 vehicles, matched at IoU 0.3 so that a loose box is no miss): FOUND, EDGE_PX.
From the demo city, whose truth is known (4,542 sound pictures, 1,972 passes): the others. docs/benchmark_city.md has more.
"""

import numpy as np

SIZES_PX = np.array([8.0, 11.0, 14.0, 22.0, 45.0, 70.0])
FOUND = np.array([0.3, 0.45, 0.59, 0.87, 0.85, 1.0])
"""Share of the vehicles in a picture that the detector finds, by the longer side of their boxes; hidden ones count as missed."""
EDGE_PX = 1.4
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
