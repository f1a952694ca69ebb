"""Release only what hides every vehicle in k others: withhold, withhold for the sake of the withheld, round, and audit.

Rows that too few vehicles stand behind are withheld. Products add up to one another, so what was withheld could be had back by
subtraction; `gate` withholds further rows until no sum tells a withheld one more narrowly than k, which linear programs decide
(`intervals`), and rounds all counts. `audit` holds what was published against what there was, as an attacker would; `differences` takes two revisions of a night from one
another.
"""

from pipeline.release.audits import Audit, audit
from pipeline.release.differences import Differences, differences
from pipeline.release.gates import gate
from pipeline.release.rules import Rules, half, least, rounded

__all__ = ["Audit", "Differences", "Rules", "audit", "differences", "gate", "half", "least", "rounded"]
