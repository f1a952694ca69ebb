-- grain: views for people who ask, each named with its own grain
-- reads: frames, sightings, observability, trajectories
-- params:
-- units: seconds, percent
-- column passed_at: middle between entered_at and left_at
-- column pictures: detections it was seen in
-- column seen_percent: chance that a passing vehicle is in at least one usable picture
-- column seen_at_both_percent: chance that a vehicle on its way is seen at both cameras
-- column frames: planned pictures
-- column hour_at: start of the hour, UTC
-- column leg: number of the way, from 1
-- column from_camera: camera left behind
-- column to_camera: camera reached
-- column reached_at: when it passed the camera it reached
-- column seconds: from the one passing to the other, whole seconds
-- `scan_date` is there where several nights are asked.

-- One vehicle passing one camera once, parked ones left out.
CREATE VIEW passings AS
SELECT
    scan_date,
    sighting_id,
    camera_id,
    label,
    heading,
    motion,
    entered_at,
    left_at,
    entered_at + to_microseconds((epoch_us(left_at) - epoch_us(entered_at)) // 2) AS passed_at,
    len(detection_ids) AS pictures,
    quality
FROM sightings
WHERE motion <> 'parked';

-- One camera in one hour: what it saw of what it should have, and what that supports.
CREATE VIEW coverage AS
SELECT
    scan_date,
    camera_id,
    hour_at,
    slots_planned,
    slots_seen,
    cadence_s,
    dwell_s,
    CAST(100 * p_seen AS DECIMAL(4, 1)) AS seen_percent,
    verdict,
    reason
FROM observability
WHERE pair_camera_id = '';

-- One directed pair of cameras in one hour, and what it supports.
CREATE VIEW pairs AS
SELECT
    scan_date,
    camera_id AS from_camera,
    pair_camera_id AS to_camera,
    hour_at,
    CAST(100 * p_pair AS DECIMAL(4, 1)) AS seen_at_both_percent,
    verdict,
    reason
FROM observability
WHERE pair_camera_id <> '';

-- One camera, one hour, one state of its pictures.
CREATE VIEW states AS
SELECT
    scan_date,
    camera_id,
    date_trunc('hour', slot_at) AS hour_at,
    state,
    count(*) AS frames
FROM frames
GROUP BY scan_date, camera_id, date_trunc('hour', slot_at), state;

-- One vehicle on the way from one camera of its trajectory to the next.
CREATE VIEW legs AS
WITH numbered AS (
    SELECT
        scan_date,
        trajectory_id,
        camera_ids,
        passed_at,
        unnest(range(1, len(camera_ids))) AS leg
    FROM trajectories
)

SELECT
    scan_date,
    trajectory_id,
    leg,
    camera_ids[leg] AS from_camera,
    camera_ids[leg + 1] AS to_camera,
    passed_at[leg] AS passed_at,
    passed_at[leg + 1] AS reached_at,
    (epoch_us(passed_at[leg + 1]) - epoch_us(passed_at[leg])) // 1000000 AS seconds
FROM numbered;
