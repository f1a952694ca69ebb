"""Measure what stops a tracker: follow the demo city's known vehicles again, with one thing taken from the tracker at a time."""

from pipeline.countermeasures.crowd import enough, unicity, withheld
from pipeline.countermeasures.following import Hindrance, follow, of_lake
from pipeline.countermeasures.nights import Attack, between_nights, changed_within
from pipeline.countermeasures.steps import Followed
from pipeline.countermeasures.watched import Watched, watch

__all__ = [
    "Attack",
    "Followed",
    "Hindrance",
    "Watched",
    "between_nights",
    "changed_within",
    "enough",
    "follow",
    "of_lake",
    "unicity",
    "watch",
    "withheld",
]
