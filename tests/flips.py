"""Flip bits of what is committed, and see that no reader uses them."""

import random
from collections.abc import Iterator

from pipeline import audit
from pipeline.errors import IntegrityError
from pipeline.lake import Lake, Place


def flip(lake: Lake, key: str, bit: int) -> bytes:
    """Flip one bit of a key; returns what it held before."""
    content = lake.storage.get(key)
    turned = bytes([content[bit // 8] ^ 1 << bit % 8])
    lake.storage.replace(key, content[: bit // 8] + turned + content[bit // 8 + 1 :])
    return content


def unseen(lake: Lake, count: int, seed: int = 0) -> Iterator[str]:
    """Flip `count` random bits, one at a time, over all keys of a lake's places by their sizes; yield each that no reader saw."""
    chance = random.Random(seed)
    keys = {f"{place.folder}/{name}": place for place, names in lake.names().items() for name in names}
    sizes = {key: len(lake.storage.get(key)) for key in keys}
    for key in chance.choices(list(keys), weights=list(sizes.values()), k=count):
        bit = chance.randrange(sizes[key] * 8)
        content = flip(lake, key, bit)
        if not seen(lake, keys[key], key):
            yield f"{key} bit {bit}"
        lake.storage.replace(key, content)


def seen(lake: Lake, place: Place, key: str) -> bool:
    """Tell whether a damaged key is refused before a value of it is used."""
    try:
        if key.endswith(".parquet"):
            for commit in lake.commits(place):
                for file in commit.files:
                    if key.endswith(file.name):
                        lake.rows(place, file)
            return False
        return any(audit.damaged(lake, place, [key.rsplit("/", 1)[1]]))
    except IntegrityError:
        return True
