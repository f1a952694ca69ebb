"""Name every table of the house: its columns, its key, its unit of work and the days it may live.

Times are `timestamp[us, UTC]`; positions degrees WGS 84 (`OGC:CRS84`, longitude first); lengths metres; boxes pixels
xyxy with the origin top left of the full frame; bearings degrees clockwise from north; ids strings.
"""

from datetime import datetime

import pyarrow as pa

from pipeline.schemas import Table, column

TIME = pa.timestamp("us", tz="UTC")
KEPT = None
"""Retention of a table that never expires."""

FRAME_STATES = ("ok", "stale", "frozen", "placeholder", "dark", "moved", "broken", "missed")
"""The terminal states of a planned (camera, slot); exactly one each."""

LABELS = ("car", "truck", "bus", "motorcycle", "vehicle")
"""What leaves a detector: vehicles only. `vehicle` is a vehicle whose kind is not told."""

VERDICTS = ("none", "count", "flow", "link", "trajectory")
"""What a camera, or a pair, can honestly support, from least to most."""


_text, _float, _double, _int, _bytes = pa.string(), pa.float32(), pa.float64(), pa.int32(), pa.binary()

CAMERAS = Table(
    "cameras",
    grain="one camera of a scan",
    key=("camera_id",),
    schema=pa.schema(
        [
            column("camera_id", _text, "`<feed>:<native_id>`"),
            column("stable_id", _text, "our own id, of feed, name and place: it stays when the operator renumbers"),
            column("site_id", _text, "pole whose views hang together: the feed's own, or within a few metres"),
            column("feed", _text, "feed that lists it"),
            column("native_id", _text, "the feed's own id, verbatim"),
            column("name", _text, "the feed's own name, verbatim"),
            column("lon", _double, "degrees WGS 84"),
            column("lat", _double, "degrees WGS 84"),
            column("bearing_deg", _float, "where it looks, degrees clockwise from north", null=True),
            column("bearing_source", _text, "which field told where it looks, and in which words", null=True),
            column("road", _text, "road it looks at", null=True),
            column("cadence_s", _float, "seconds between two new pictures"),
            column("licence", _text, "licence of its pictures"),
            column("attribution", _text, "line to show beside anything made of them"),
            column("cleared", pa.bool_(), "whether its terms allow this use"),
            column("image_url", _text, "address of its newest picture, without any key", null=True),
            column("stream_url", _text, "address of its video, where the feed lists one; never asked for", null=True),
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
            column("from_node", _text, "junction it leaves"),
            column("to_node", _text, "junction it reaches"),
            column("length_m", _double, "metres along the road"),
            column("geometry", _bytes, "WKB LineString, degrees WGS 84"),
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
            column("camera_id", _text, "camera"),
            column("slot_at", TIME, "planned time of the observation"),
            column("fetched_at", TIME, "when the bytes arrived; null where none did", null=True),
            column("captured_at", TIME, "when the picture was taken, where the feed tells", null=True),
            column(
                "captured_at_source", _text, "`name`, `feed`, `last_modified`, `clip`, `header`, `render` or `none`"
            ),
            column("status", _text, "`ok`, `ok: ` and what to doubt, or why no bytes came"),
            column("jpeg", _bytes, "the bytes as they came", null=True),
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
            column("frame_id", _text, "`<camera_id>@<slot YYYYmmddTHHMMSS.mmmZ>`"),
            column("camera_id", _text, "camera"),
            column("slot_at", TIME, "planned time of the observation"),
            column("captured_at", TIME, "when the picture was taken; null where unknown", null=True),
            column(
                "captured_at_source", _text, "`name`, `feed`, `last_modified`, `clip`, `header`, `render` or `none`"
            ),
            column("width_px", _int, "pixels; 0 where there is no picture"),
            column("height_px", _int, "pixels; 0 where there is no picture"),
            column("sha256", _text, "of the bytes as they came", null=True),
            column("state", _text, "one of FRAME_STATES"),
            column("reason", _text, "why, where the state is not `ok`; what to doubt, where it is", null=True),
            column("view", _bytes, "256 signs of the edges in an `ok` picture, much the same for one view", null=True),
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
            column("detection_id", _text, "`<frame_id>#<nnn>`, by falling score"),
            column("frame_id", _text, "frame"),
            column("camera_id", _text, "camera"),
            column("captured_at", TIME, "when the picture was taken, or its slot where unknown"),
            column("label", _text, "one of LABELS"),
            column("score", _float, "0..1, the detector's own confidence"),
            column("x1_px", _float, "left edge"),
            column("y1_px", _float, "top edge"),
            column("x2_px", _float, "right edge"),
            column("y2_px", _float, "bottom edge"),
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
            column("detection_id", _text, "detection"),
            column("encoder", _text, "encoder that made it"),
            column("vector", _bytes, "unit-length float16, little endian; 2 bytes a dimension"),
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
            column("sighting_id", _text, "new every night"),
            column("camera_id", _text, "camera"),
            column("label", _text, "one of LABELS, by vote of its detections"),
            column("entered_at", TIME, "first seen; at a still a minute or slower the one frame it was in (`lone`)"),
            column("left_at", TIME, "last seen; dwell is left_at - entered_at"),
            column(
                "heading", _text, "compass point N NE E SE S SW W NW, else `away` `toward` `left` `right`, else `none`"
            ),
            column("motion", _text, "`moving`, `stopped`, `parked`, `single` or `lone` (one frame, none near it)"),
            column("detection_ids", pa.list_(_text), "its detections in order of time"),
            column("quality", _float, "0..1, how sure it is that these are one vehicle"),
            column("view", _bytes, "`frames.view` where it was first seen", null=True),
            column(
                "carriageway", _int, "from 1 on the left as one drives, of those of its heading and window", null=True
            ),
            column(
                "cut",
                pa.bool_(),
                "whether the picture's edge cuts its first or last box: it was in view longer",
                null=True,
            ),
            column("speed_mps", _float, "mean over the ground while followed; null without calibration", null=True),
            column("speed_error_mps", _float, "standard error of speed_mps: boxes and calibration", null=True),
        ]
    ),
    lives_days=7,
)

TRANSITIONS = Table(
    "transitions",
    grain="one directed pair of cameras joined by road, for one heading at the first, in one hour of the night",
    key=("from_camera", "to_camera", "heading", "hour_at"),
    schema=pa.schema(
        [
            column("from_camera", _text, "camera left behind"),
            column("to_camera", _text, "camera reached"),
            column("heading", _text, "sightings.heading at from_camera"),
            column("hour_at", TIME, "start of the hour of leaving from_camera, by its clock"),
            column("to_heading", _text, "sightings.heading at to_camera"),
            column("road_m", _double, "metres along the road"),
            column("travel_mu", _double, "mean of ln(travel time - floor_s), seconds"),
            column("travel_sigma", _double, "standard deviation of ln(travel time - floor_s)"),
            column(
                "floor_s", _double, "no vehicle is faster, seconds; below 0 where both views show one place at once"
            ),
            column("ceiling_s", _double, "later than this is not looked for, seconds"),
            column("clock_s", _double, "seconds that to_camera's clock is ahead of from_camera's; in no travel time"),
            column("support", _int, "pairs of sightings of the night the distribution was learned from"),
            column("hour_support", _int, "those of them that left in the hour"),
            column(
                "fit",
                _double,
                "0..1, share of the variance of pairs by gap, of the night, that the distribution explains",
            ),
            column("source", _text, "`road` (distance and class speed) or `learned`"),
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
            column("camera_id", _text, "camera, or the first of a pair"),
            column("pair_camera_id", _text, "second camera of a pair; empty for one camera"),
            column("hour_at", TIME, "start of the hour"),
            column("slots_planned", _int, "observations planned"),
            column("slots_seen", _int, "observations with a usable picture"),
            column("cadence_s", _float, "usual seconds between usable pictures, outages left out", null=True),
            column("dwell_s", _float, "median seconds a passing vehicle stays in view", null=True),
            column("p_seen", _float, "chance that a passing vehicle is in at least one usable picture"),
            column("p_pair", _float, "chance that it is seen at both cameras; null for one camera", null=True),
            column("verdict", _text, "one of VERDICTS"),
            column("reason", _text, "why not more"),
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
            column("query_id", _text, "sighting at the first camera"),
            column("gallery_id", _text, "sighting at the second camera"),
            column(
                "travel_s", _double, "seconds from leaving the first to entering the second, their clocks set right"
            ),
            column("distance", _float, "cosine distance of appearance, 0..2"),
            column("probability", _float, "calibrated chance that both are one vehicle"),
            column("runner_up", _float, "probability of the likeliest other pair of either sighting; 0 without one"),
            column("prior_nats", _float, "ln odds by place alone: how many go that way, of how many in the gate"),
            column("travel_nats", _float, "ln likelihood ratio of the travel time: its usual against any in the gate"),
            column("appearance_nats", _float, "the same of looks; null where one has no portrait", null=True),
            column("kind_nats", _float, "the same of labels; 0 where one is `vehicle`"),
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
            column("trajectory_id", _text, "new every night"),
            column("sighting_ids", pa.list_(_text), "its sightings in order of time"),
            column("camera_ids", pa.list_(_text), "their cameras"),
            column("passed_at", pa.list_(TIME), "middle of each sighting"),
            column("started_at", TIME, "entered its first camera"),
            column("finished_at", TIME, "left its last camera"),
            column("length_m", _double, "metres along the road"),
            column("mean_speed_mps", _double, "length over time between first and last passing"),
            column("probability", _float, "product of its links' probabilities"),
            column("geometry", _bytes, "WKB LineString, degrees WGS 84"),
            column("vertices_at", pa.list_(TIME), "when it was at each vertex of the geometry, never falling"),
            column("bridged", pa.list_(pa.bool_()), "for each leg, whether it bridges cameras that missed the vehicle"),
        ]
    ),
    lives_days=3,
)

TABLES = {table.name: table for table in (CAMERAS, ROADS, SNAPSHOTS, FRAMES, DETECTIONS, EMBEDDINGS, SIGHTINGS, TRANSITIONS, OBSERVABILITY, LINKS, TRAJECTORIES)}  # fmt: skip
"""Every table by name, in the order of the line; products are named by their SQL (`products/<name>`)."""


def frame_id(camera_id: str, slot_at: datetime) -> str:
    """Name the frame of a planned observation."""
    return f"{camera_id}@{slot_at:%Y%m%dT%H%M%S}.{slot_at.microsecond // 1000:03d}Z"
