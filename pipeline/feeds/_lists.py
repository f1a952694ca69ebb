"""Read the cameras of a list, whatever its format, and every row that is no camera to observe with its reason.

A row whose fields are not what the feed has always sent is rejected alone; where many are, the format has changed, and
the list is refused by naming the field.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar
from xml.etree.ElementTree import Element

from pipeline.errors import FeedError
from pipeline.feeds import Camera, Listing, Rejected
from pipeline.feeds._read import read_json, read_xml
from pipeline.feeds._rows import DoubtfulError, FieldError, Row, UnfitError

DRIFTED = 0.1
"""Share of rows that cannot be read above which the list's format has changed."""
DOUBTFUL = 0.5
"""Share of rows whose place, id or address cannot be right above which none of the list can be trusted."""
Bounds = tuple[float, float, float, float]
T = TypeVar("T")


def gather(
    feed: str,
    rows: Iterable[Row],
    named: Callable[[Row], str],
    read: Callable[[Row], Camera],
    bounds: Bounds,
    views: Callable[[Row], Sequence[Row]] = lambda row: (row,),
) -> Listing:
    """Read the cameras of a list.

    Args:
        feed: Name of the feed, for its errors.
        rows: The list's objects.
        named: Tell a view's native id.
        read: Build a view's camera; UnfitError says why it is none to observe.
        bounds: West, south, east, north of the operator's area, degrees WGS 84.
        views: Split an object into those of its views, each a camera.

    Raises:
        FeedError: the list is empty, too many rows cannot be read, or most have no place.
    """
    cameras: dict[str, Camera] = {}
    failures: list[tuple[str, str, ValueError]] = []
    for row in rows:
        try:
            split = views(row)
        except FieldError as error:
            failures.append((row.path, row.path, error))
            continue
        for view in split:
            try:
                camera = read(view)
                _checked(camera, bounds, cameras)
            except (FieldError, UnfitError) as error:
                failures.append((_named(view, named), view.path, error))
            else:
                cameras[camera.native_id] = camera
    _judge(feed, len(cameras), [(path, error) for _, path, error in failures])
    return Listing(list(cameras.values()), [Rejected(native_id, str(error)) for native_id, _, error in failures])


def readings(
    feed: str, rows: Iterable[Row], read: Callable[[Row], T], views: Callable[[Row], Sequence[Row]] = lambda row: (row,)
) -> list[T]:
    """Read what a list tells besides cameras, such as times; FeedError where too many rows cannot be read, or none is there."""
    found: list[T] = []
    failures: list[tuple[str, ValueError]] = []
    for row in rows:
        try:
            split = views(row)
        except FieldError as error:
            failures.append((row.path, error))
            continue
        for view in split:
            try:
                found.append(read(view))
            except (FieldError, UnfitError) as error:
                failures.append((view.path, error))
    _judge(feed, len(found), failures)
    return found


def records(feed: str, content: bytes, *fields: str) -> list[Row]:
    """Return the objects of the first of `fields` that a JSON answer has; an empty name stands for the answer itself."""
    answer = read_json(content, f"feed {feed}")
    for field in fields:
        found = answer.get(field) if field and isinstance(answer, dict) else answer
        if isinstance(found, list) and (field == "" or isinstance(answer, dict)):
            return [Row(each, f"{field}[{number}]") for number, each in enumerate(found)]
    raise FeedError(
        f"feed {feed}: its answer has no list {' or '.join(field or 'of rows' for field in fields)}; {_mend(feed)}"
    )


def elements(feed: str, content: bytes, tag: str) -> list[Row]:
    """Return the children called `tag` of an XML answer's root, each with its own children by tag."""
    if not (found := read_xml(content, f"feed {feed}").findall(tag)):
        raise FeedError(f"feed {feed}: its answer has no element {tag}; {_mend(feed)}")
    return [Row(_inside(each), f"{tag}[{number}]") for number, each in enumerate(found)]


def lines(feed: str, content: bytes, encoding: str, delimiter: str) -> list[Row]:
    """Return the lines of a table in text, by its first line's names; byte-order marks are passed over."""
    try:
        text = content.decode(encoding).lstrip("\ufeff")
        table = list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FeedError(f"feed {feed}: its answer is not the table it sends: {error}; {_mend(feed)}") from error
    return [Row(each, f"line {number}") for number, each in enumerate(table, 2)]


def _inside(element: Element, depth: int = 3) -> Any:
    """Return an element's text, or its children by tag; a tag that stands more than once has a list."""
    if depth == 0 or not len(element):
        return element.text or ""
    children: dict[str, list[Any]] = {}
    for child in element:
        children.setdefault(child.tag, []).append(_inside(child, depth - 1))
    return {tag: found[0] if len(found) == 1 else found for tag, found in children.items()}


def _checked(camera: Camera, bounds: Bounds, taken: dict[str, Camera]) -> None:
    """Raise DoubtfulError for a camera that is there twice, or stands outside the operator's area."""
    if camera.native_id in taken:
        raise DoubtfulError("its id is there twice; the first stands")
    lon, lat = camera.lon, camera.lat
    if not (math.isfinite(lon) and math.isfinite(lat)) or (lon, lat) == (0.0, 0.0):
        raise DoubtfulError(f"latitude {lat}, longitude {lon} is no place")
    if not _within(lon, lat, bounds):
        hint = "; they look swapped" if _within(lat, lon, bounds) else ""
        raise DoubtfulError(f"latitude {lat}, longitude {lon} lies outside its operator's area{hint}")


def _within(lon: float, lat: float, bounds: Bounds) -> bool:
    west, south, east, north = bounds
    return west <= lon <= east and south <= lat <= north


def _named(view: Row, named: Callable[[Row], str]) -> str:
    """Return a view's native id, or where it stands in the list when that cannot be read."""
    try:
        return named(view)
    except ValueError:
        return view.path


def _judge(feed: str, read: int, failures: list[tuple[str, ValueError]]) -> None:
    """Raise FeedError where too little of a list can be used for the rest to be believed."""
    if not read + len(failures):
        raise FeedError(f"feed {feed}: its list is empty; ask again later, or {_mend(feed)}")
    wrong = [(path, error) for path, error in failures if isinstance(error, FieldError | DoubtfulError)]
    for kind, share in ((FieldError, DRIFTED), (DoubtfulError, DOUBTFUL)):
        found = [(path, error) for path, error in wrong if isinstance(error, kind)]
        if len(found) > share * (read + len(wrong)):
            path, first = found[0]
            told = f"{first}" if path in f"{first}" else f"{path}: {first}"
            raise FeedError(
                f"feed {feed}: {len(found)} of {read + len(failures)} rows fail, first {told}; {_mend(feed)}"
            )


def _mend(feed: str) -> str:
    """Say what to do about a list that is not as it was."""
    return f"compare it with docs/feeds/{feed}.md and mend pipeline/feeds/{feed}.py"
