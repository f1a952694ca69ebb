"""Name every table of the house: its columns, its key, its unit of work and the days it may live.

Times are `timestamp[us, UTC]`; positions degrees WGS 84 (`OGC:CRS84`, longitude first); lengths metres; boxes pixels
xyxy with the origin top left of the full frame; bearings degrees clockwise from north; ids strings.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import SchemaError

TIME = pa.timestamp("us", tz="UTC")
KEPT = None
"""Retention of a table that never expires."""

FRAME_STATES = ("ok", "stale", "frozen", "placeholder", "dark", "moved", "broken", "missed")
"""The terminal states of a planned (camera, slot); exactly one each."""

LABELS = ("car", "truck", "bus", "motorcycle", "vehicle")
"""What leaves a detector: vehicles only. `vehicle` is a vehicle whose kind is not told."""

VERDICTS = ("none", "count", "flow", "link", "trajectory")
"""What a camera, or a pair, can honestly support, from least to most."""


@dataclass(frozen=True)
class Table:
    """An Arrow schema with a key, a grain and a number of days it may live."""

    name: str
    """Also the module, the SQL folder, the test file and the folder in the lake."""
    grain: str
    """What one row is."""
    key: tuple[str, ...]
    """Columns that are unique together; rows are stored in their order."""
    schema: pa.Schema
    """Columns with their meaning and unit in the field's `doc`."""
    lives_days: int | None
    """Days after the night's end; KEPT for ever; 0 until the stages that need it have committed."""

    def check(self, rows: pa.Table) -> pa.Table:
        """Return `rows` cast to this schema and sorted by its key; raise SchemaError when it does not fit."""
        missing = [name for name in self.schema.names if name not in rows.column_names]
        extra = [name for name in rows.column_names if name not in self.schema.names]
        if missing or extra:
            raise SchemaError(
                f"table {self.name}: columns missing {missing}, unknown {extra}; its stage must return those of tables.py"
            )
        for field in self.schema:
            if not field.nullable and rows[field.name].null_count:
                raise SchemaError(f"table {self.name}: {field.name} is null in a row; fill it or drop the row")
        try:
            rows = rows.select(self.schema.names).cast(self.schema)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
            raise SchemaError(f"table {self.name}: {error}; make its stage return the types of tables.py") from error
        rows = self._sorted(rows)
        if self._repeats(rows):
            raise SchemaError(f"table {self.name}: two rows share the key {self.key}; its grain is: {self.grain}")
        return rows

    def empty(self) -> pa.Table:
        """No rows, the right columns."""
        return self.schema.empty_table()

    def _sorted(self, rows: pa.Table) -> pa.Table:
        """Return rows in the order of the key; those that are so already are not copied, for they may hold pictures."""
        order = pc.sort_indices(rows.select(self.key), [(name, "ascending") for name in self.key]).to_numpy()
        return rows if np.array_equal(order, np.arange(rows.num_rows)) else rows.take(order)

    def _repeats(self, rows: pa.Table) -> bool:
        """Tell whether two rows, in the order of the key, share it."""
        keys = rows.select(self.key).combine_chunks()
        after, before = keys.slice(1), keys.slice(0, max(len(keys) - 1, 0))
        return bool(pc.any(reduce(pc.and_, map(pc.equal, after.columns, before.columns))).as_py())


def _column(name: str, kind: pa.DataType, doc: str, *, null: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=null, metadata={"doc": doc})


_text, _float, _double, _int, _bytes = pa.string(), pa.float32(), pa.float64(), pa.int32(), pa.binary()

CAMERAS = Table(
    "cameras",
    grain="one camera of a scan",
    key=("camera_id",),
    schema=pa.schema(
        [
            _column("camera_id", _text, "`<feed>:<native_id>`"),
            _column("stable_id", _text, "our own id, of feed, name and place: it stays when the operator renumbers"),
            _column("site_id", _text, "pole whose views hang together: the feed's own, or within a few metres"),
            _column("feed", _text, "feed that lists it"),
            _column("native_id", _text, "the feed's own id, verbatim"),
            _column("name", _text, "the feed's own name, verbatim"),
            _column("lon", _double, "degrees WGS 84"),
            _column("lat", _double, "degrees WGS 84"),
            _column("bearing_deg", _float, "where it looks, degrees clockwise from north", null=True),
            _column("bearing_source", _text, "which field told where it looks, and in which words", null=True),
            _column("road", _text, "road it looks at", null=True),
            _column("cadence_s", _float, "seconds between two new pictures"),
            _column("licence", _text, "licence of its pictures"),
            _column("attribution", _text, "line to show beside anything made of them"),
            _column("cleared", pa.bool_(), "whether its terms allow this use"),
            _column("image_url", _text, "address of its newest picture, without any key", null=True),
            _column("stream_url", _text, "address of its video, where the feed lists one; never asked for", null=True),
        ]
    ),
    lives_days=KEPT,
)

ROADS = Table(
    "roads",
    grain="one directed stretch of road between two junctions",
    key=("from_node", "to_node"),
    schema=pa.schema(
        [
            _column("from_node", _text, "junction it leaves"),
            _column("to_node", _text, "junction it reaches"),
            _column("length_m", _double, "metres along the road"),
            _column("geometry", _bytes, "WKB LineString, degrees WGS 84"),
        ]
    ),
    lives_days=KEPT,
)

SNAPSHOTS = Table(
    "snapshots",
    grain="one planned observation of one camera, with the bytes that came",
    key=("camera_id", "slot_at"),
    schema=pa.schema(
        [
            _column("camera_id", _text, "camera"),
            _column("slot_at", TIME, "planned time of the observation"),
            _column("fetched_at", TIME, "when the bytes arrived; null where none did", null=True),
            _column("captured_at", TIME, "when the picture was taken, where the feed tells", null=True),
            _column("captured_at_source", _text, "`name`, `feed`, `last_modified`, `clip`, `header`, `render` or `none`"),
            _column("status", _text, "`ok`, `ok: ` and what to doubt, or why no bytes came"),
            _column("jpeg", _bytes, "the bytes as they came", null=True),
        ]
    ),
    lives_days=0,
)

FRAMES = Table(
    "frames",
    grain="one planned observation of one camera, with its terminal state",
    key=("frame_id",),
    schema=pa.schema(
        [
            _column("frame_id", _text, "`<camera_id>@<slot YYYYmmddTHHMMSS.mmmZ>`"),
            _column("camera_id", _text, "camera"),
            _column("slot_at", TIME, "planned time of the observation"),
            _column("captured_at", TIME, "when the picture was taken; null where unknown", null=True),
            _column("captured_at_source", _text, "`name`, `feed`, `last_modified`, `clip`, `header`, `render` or `none`"),
            _column("width_px", _int, "pixels; 0 where there is no picture"),
            _column("height_px", _int, "pixels; 0 where there is no picture"),
            _column("sha256", _text, "of the bytes as they came", null=True),
            _column("state", _text, "one of FRAME_STATES"),
            _column("reason", _text, "why, where the state is not `ok`; what to doubt, where it is", null=True),
            _column("view", _bytes, "256 signs of the edges in an `ok` picture, much the same for one view", null=True),
        ]
    ),
    lives_days=30,
)

DETECTIONS = Table(
    "detections",
    grain="one vehicle in one frame",
    key=("detection_id",),
    schema=pa.schema(
        [
            _column("detection_id", _text, "`<frame_id>#<nnn>`, by falling score"),
            _column("frame_id", _text, "frame"),
            _column("camera_id", _text, "camera"),
            _column("captured_at", TIME, "when the picture was taken, or its slot where unknown"),
            _column("label", _text, "one of LABELS"),
            _column("score", _float, "0..1, the detector's own confidence"),
            _column("x1_px", _float, "left edge"),
            _column("y1_px", _float, "top edge"),
            _column("x2_px", _float, "right edge"),
            _column("y2_px", _float, "bottom edge"),
        ]
    ),
    lives_days=7,
)

EMBEDDINGS = Table(
    "embeddings",
    grain="one detection large enough to be told from others",
    key=("detection_id",),
    schema=pa.schema(
        [
            _column("detection_id", _text, "detection"),
            _column("encoder", _text, "encoder that made it"),
            _column("vector", _bytes, "unit-length float16, little endian; 2 bytes a dimension"),
        ]
    ),
    lives_days=0,
)

SIGHTINGS = Table(
    "sightings",
    grain="one vehicle passing one camera once",
    key=("sighting_id",),
    schema=pa.schema(
        [
            _column("sighting_id", _text, "new every night"),
            _column("camera_id", _text, "camera"),
            _column("label", _text, "one of LABELS, by vote of its detections"),
            _column("entered_at", TIME, "first seen"),
            _column("left_at", TIME, "last seen"),
            _column(
                "heading", _text, "compass point N NE E SE S SW W NW, else `away` `toward` `left` `right`, else `none`"
            ),
            _column("motion", _text, "`moving`, `stopped`, `parked`, `single` or `lone` (one frame, none near it)"),
            _column("detection_ids", pa.list_(_text), "its detections in order of time"),
            _column("quality", _float, "0..1, how sure it is that these are one vehicle"),
            _column("view", _bytes, "`frames.view` where it was first seen", null=True),
        ]
    ),
    lives_days=7,
)

TRANSITIONS = Table(
    "transitions",
    grain="one directed pair of cameras joined by road, for one heading at the first",
    key=("from_camera", "to_camera", "heading"),
    schema=pa.schema(
        [
            _column("from_camera", _text, "camera left behind"),
            _column("to_camera", _text, "camera reached"),
            _column("heading", _text, "sightings.heading at from_camera"),
            _column("to_heading", _text, "sightings.heading at to_camera"),
            _column("road_m", _double, "metres along the road"),
            _column("travel_mu", _double, "mean of ln(travel time - floor_s), seconds"),
            _column("travel_sigma", _double, "standard deviation of ln(travel time - floor_s)"),
            _column("floor_s", _double, "no vehicle is faster, seconds"),
            _column("ceiling_s", _double, "later than this is not looked for, seconds"),
            _column("support", _int, "pairs of sightings the distribution was learned from"),
            _column("source", _text, "`road` (distance and class speed) or `learned`"),
        ]
    ),
    lives_days=KEPT,
)

OBSERVABILITY = Table(
    "observability",
    grain="one camera, or one pair of cameras, in one hour",
    key=("camera_id", "pair_camera_id", "hour_at"),
    schema=pa.schema(
        [
            _column("camera_id", _text, "camera, or the first of a pair"),
            _column("pair_camera_id", _text, "second camera of a pair; empty for one camera"),
            _column("hour_at", TIME, "start of the hour"),
            _column("slots_planned", _int, "observations planned"),
            _column("slots_seen", _int, "observations with a usable picture"),
            _column("cadence_s", _float, "usual seconds between usable pictures, outages left out", null=True),
            _column("dwell_s", _float, "median seconds a passing vehicle stays in view", null=True),
            _column("p_seen", _float, "chance that a passing vehicle is in at least one usable picture"),
            _column("p_pair", _float, "chance that it is seen at both cameras; null for one camera", null=True),
            _column("verdict", _text, "one of VERDICTS"),
            _column("reason", _text, "why not more"),
        ]
    ),
    lives_days=KEPT,
)

LINKS = Table(
    "links",
    grain="one vehicle on one transition",
    key=("query_id", "gallery_id"),
    schema=pa.schema(
        [
            _column("query_id", _text, "sighting at the first camera"),
            _column("gallery_id", _text, "sighting at the second camera"),
            _column("travel_s", _double, "seconds from leaving the first to entering the second"),
            _column("distance", _float, "cosine distance of appearance, 0..2"),
            _column("probability", _float, "calibrated chance that both are one vehicle"),
        ]
    ),
    lives_days=3,
)

TRAJECTORIES = Table(
    "trajectories",
    grain="one vehicle on one chain of links",
    key=("trajectory_id",),
    schema=pa.schema(
        [
            _column("trajectory_id", _text, "new every night"),
            _column("sighting_ids", pa.list_(_text), "its sightings in order of time"),
            _column("camera_ids", pa.list_(_text), "their cameras"),
            _column("passed_at", pa.list_(TIME), "middle of each sighting"),
            _column("started_at", TIME, "entered its first camera"),
            _column("finished_at", TIME, "left its last camera"),
            _column("length_m", _double, "metres along the road"),
            _column("mean_speed_mps", _double, "length over time between first and last passing"),
            _column("probability", _float, "product of its links' probabilities"),
            _column("geometry", _bytes, "WKB LineString, degrees WGS 84"),
        ]
    ),
    lives_days=3,
)

TABLES = {table.name: table for table in (CAMERAS, ROADS, SNAPSHOTS, FRAMES, DETECTIONS, EMBEDDINGS, SIGHTINGS, TRANSITIONS, OBSERVABILITY, LINKS, TRAJECTORIES)}  # fmt: skip
"""Every table by name, in the order of the line; products are named by their SQL (`products/<name>`)."""


def frame_id(camera_id: str, slot_at: datetime) -> str:
    """Name the frame of a planned observation."""
    return f"{camera_id}@{slot_at:%Y%m%dT%H%M%S}.{slot_at.microsecond // 1000:03d}Z"
