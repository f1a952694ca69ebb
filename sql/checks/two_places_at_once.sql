-- grain: one vehicle that enters a camera before it has left the one before
-- reads: sightings, trajectories
-- params:
-- units:
WITH stops AS (
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
    WHERE there.entered_at < here.left_at
)

SELECT
    trajectory_id,
    sighting_id,
    next_sighting_id
FROM two_places_at_once
ORDER BY trajectory_id, sighting_id
