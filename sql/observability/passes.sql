-- grain: one camera that vehicles passed in the window
-- reads: sightings
-- params: starts_at, ends_at
-- units: microseconds
-- A stopped or parked vehicle tells nothing of how long a passing one stays in view; one seen once stayed 0.
WITH through AS (
    SELECT
        camera_id,
        motion = 'moving' AS followed,
        CASE WHEN motion = 'moving' THEN epoch_us(left_at) - epoch_us(entered_at) ELSE 0 END AS stay_us
    FROM sightings
    WHERE motion IN ('moving', 'single') AND entered_at >= $starts_at AND entered_at < $ends_at
),

passes AS (
    SELECT
        camera_id,
        count(*) AS passed,
        count(*) FILTER (WHERE followed) AS followed,
        quantile_disc(stay_us, 0.5) AS stay_us
    FROM through
    GROUP BY camera_id
)

SELECT
    camera_id,
    passed,
    followed,
    stay_us
FROM passes
ORDER BY camera_id
