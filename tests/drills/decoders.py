"""Feed the decoder's child pictures that are none: the parent and the child must live, and every answer be one."""

import hashlib

from pipeline import decoder
from tests import attacks
from tests.drills.rows import Row, timed


def mutated(pictures: int) -> Row:
    """Decode mutated JPEGs, every hundredth twice."""
    row = Row(
        "mutated pictures",
        "JPEGs with bytes changed, parts cut, repeated or left out, past all checks of headers, in one child",
        "pixels or a fault, the same twice; neither parent nor child ends",
    )
    whole, faults = 0, dict[str, int]()
    with timed(row):
        decoder.end()
        decoder.parts()
        children = list(decoder._CHILDREN.all)
        for seed in range(pictures):
            raw = attacks.mutated(seed)
            seen = decoder.look(raw)
            whole += seen.pixels is not None
            if seen.fault:
                faults[seen.fault] = faults.get(seen.fault, 0) + 1
            again = decoder.look(raw) if seed % 100 == 0 else seen
            if _told(again) != _told(seen):
                row.wrong.append(f"picture {seed}: another answer the second time")
            row.trials += 1
        if decoder._CHILDREN.all != children:
            row.wrong.append("a child ended and another was started")
        counted = ", ".join(f"{count} {fault}" for fault, count in sorted(faults.items()))
        row.seen = f"{whole} decoded, {counted}; child {'lived' if not row.wrong else 'did not live'} throughout"
    return row


def _told(seen: decoder.Decoded) -> str:
    """Put an answer into a hash."""
    pixels = b"" if seen.pixels is None else seen.pixels.tobytes()
    return f"{seen.fault} {hashlib.sha256(pixels).hexdigest()}"
