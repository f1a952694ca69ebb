"""Join pairs of cameras to corridors: chains of legs that vehicles drive on from one to the next."""

from collections import defaultdict

import pyarrow as pa

CORRIDORS = pa.schema(
    [
        ("corridor", pa.string()),
        ("leg", pa.int64()),
        ("from_camera", pa.string()),
        ("to_camera", pa.string()),
        ("from_m", pa.int64()),
        ("to_m", pa.int64()),
    ]
)
Leg = tuple[str, str]


def join(legs: pa.Table, onward: pa.Table) -> pa.Table:
    """Join legs to the longest chains, most travelled joints first; each leg is in exactly one corridor.

    Args:
        legs: from_camera, to_camera, road_m (whole metres) of the pairs that enough vehicles were linked on.
        onward: first_camera, middle_camera, last_camera, vehicles that went on from one leg to the next, enough for each row.

    Returns:
        CORRIDORS by corridor and leg: a corridor is named by its first and last camera, and passes no camera twice.
    """
    metres = {(row["from_camera"], row["to_camera"]): row["road_m"] for row in legs.to_pylist()}
    chain = {leg: [leg] for leg in metres}
    joints = sorted(
        onward.to_pylist(), key=lambda row: (-row["vehicles"], row["first_camera"], row["middle_camera"], row["last_camera"])
    )  # fmt: skip
    for joint in joints:
        before, after = (joint["first_camera"], joint["middle_camera"]), (joint["middle_camera"], joint["last_camera"])
        if before in chain and after in chain and chain[before][-1] == before and chain[after][0] == after:
            _join(chain, before, after)
    rows = []
    for name, legs_ in _named([each for leg, each in sorted(chain.items()) if each[0] == leg]):
        from_m = 0
        for number, leg in enumerate(legs_, 1):
            rows.append((name, number, *leg, from_m, from_m + metres[leg]))
            from_m += metres[leg]
    return pa.table([list(each) for each in zip(*rows, strict=True)] or [[] for _ in CORRIDORS], schema=CORRIDORS)


def _join(chain: dict[Leg, list[Leg]], before: Leg, after: Leg) -> None:
    """Put two chains together unless they would pass a camera twice."""
    whole = chain[before] + chain[after]
    if len({whole[0][0], *(leg[1] for leg in whole)}) == len(whole) + 1:
        for leg in whole:
            chain[leg] = whole


def _named(chains: list[list[Leg]]) -> list[tuple[str, list[Leg]]]:
    """Name corridors by their ends, numbered where several share both, the longest first."""
    alike: dict[str, list[list[Leg]]] = defaultdict(list)
    for each in sorted(chains, key=lambda legs: (-len(legs), legs)):
        alike[f"{each[0][0]} > {each[-1][1]}"].append(each)
    return sorted(
        (f"{name} ({number})" if number > 1 else name, legs)
        for name, several in alike.items() for number, legs in enumerate(several, 1)
    )  # fmt: skip
