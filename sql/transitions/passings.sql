-- grain: one camera, heading and second of the night in which a vehicle came or went
-- reads: sightings
-- params:
-- units: seconds since 1970
WITH moved AS (
    SELECT camera_id, heading, epoch_us(entered_at) // 1000000 AS entered_s, epoch_us(left_at) // 1000000 AS left_s
    FROM sightings
    WHERE motion NOT IN ('parked', 'lone')
),

events AS (
    SELECT camera_id, heading, entered_s AS second, 1 AS came, 0 AS went FROM moved
    UNION ALL
    SELECT camera_id, heading, left_s AS second, 0 AS came, 1 AS went FROM moved
),

passings AS (
    SELECT camera_id, heading, second, CAST(sum(came) AS BIGINT) AS came, CAST(sum(went) AS BIGINT) AS went
    FROM events
    GROUP BY camera_id, heading, second
)

SELECT camera_id, heading, second, came, went
FROM passings
ORDER BY camera_id, heading, second
