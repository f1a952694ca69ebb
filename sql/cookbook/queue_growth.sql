-- grain: one camera, five minutes
-- reads: cameras, sightings
-- params: timezone, k
-- units: vehicles that came to a stop in view, and how many more than in the five minutes before
-- Where and when does a queue build? Intervals with fewer than k stopped vehicles are not shown.
WITH stops AS (
    SELECT
        camera_id,
        time_bucket(INTERVAL 5 MINUTE, entered_at) AS interval_at,
        count(*) AS stopped
    FROM sightings
    WHERE motion = 'stopped'
    GROUP BY camera_id, time_bucket(INTERVAL 5 MINUTE, entered_at)
    HAVING count(*) >= $k
),

queue_growth AS (
    SELECT
        stops.camera_id,
        cameras.name,
        timezone($timezone, stops.interval_at) AS interval_local,
        stops.stopped,
        stops.stopped - earlier.stopped AS growth
    FROM stops
    INNER JOIN cameras ON stops.camera_id = cameras.camera_id
    LEFT JOIN stops AS earlier
        ON stops.camera_id = earlier.camera_id AND stops.interval_at = earlier.interval_at + INTERVAL 5 MINUTE
)

SELECT
    camera_id,
    name,
    interval_local,
    stopped,
    growth
FROM queue_growth
ORDER BY camera_id, interval_local
