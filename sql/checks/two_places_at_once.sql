-- grain: one vehicle that enters a camera before it has left the one before
-- reads: sightings, trajectories, transitions
-- params:
-- units: seconds
-- The clock of the second camera may be ahead, and where both views show one place a floor below 0 says for how long.
WITH clocks AS (
    SELECT
        from_camera,
        to_camera,
        min(floor_s) AS floor_s,
        any_value(clock_s) AS clock_s
    FROM transitions
    GROUP BY from_camera, to_camera
),

stops AS (
    SELECT
        trajectory_id,
        unnest(sighting_ids) AS sighting_id,
        unnest(range(len(sighting_ids))) AS step
    FROM trajectories
),

timed AS (
    SELECT
        stops.trajectory_id,
        stops.step,
        sightings.sighting_id,
        sightings.camera_id,
        sightings.entered_at,
        sightings.left_at
    FROM stops
    INNER JOIN sightings ON stops.sighting_id = sightings.sighting_id
),

two_places_at_once AS (
    SELECT
        here.trajectory_id,
        here.sighting_id,
        there.sighting_id AS next_sighting_id
    FROM timed AS here
    INNER JOIN timed AS there ON here.trajectory_id = there.trajectory_id AND here.step + 1 = there.step
    LEFT JOIN clocks ON here.camera_id = clocks.from_camera AND there.camera_id = clocks.to_camera
    WHERE
        (epoch_us(there.entered_at) - epoch_us(here.left_at)) / 1000000
        < coalesce(clocks.clock_s, 0) + least(coalesce(clocks.floor_s, 0), 0) - 0.001
)

SELECT
    trajectory_id,
    sighting_id,
    next_sighting_id
FROM two_places_at_once
ORDER BY trajectory_id, sighting_id
