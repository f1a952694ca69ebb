-- grain: one camera that vehicles passed in the window
-- reads: sightings
-- params: starts_at, ends_at
-- units: microseconds since 1970
-- A parked vehicle tells nothing of how long a passing one stays in view; one that waited for a signal does.
WITH passes AS (
    SELECT
        camera_id,
        list(epoch_us(entered_at) ORDER BY entered_at, left_at, sighting_id) AS entered_us,
        list(epoch_us(left_at) ORDER BY entered_at, left_at, sighting_id) AS left_us
    FROM sightings
    WHERE motion <> 'parked' AND entered_at >= $starts_at AND entered_at < $ends_at
    GROUP BY camera_id
)

SELECT
    camera_id,
    entered_us,
    left_us
FROM passes
ORDER BY camera_id
