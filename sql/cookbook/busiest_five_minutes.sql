-- grain: one camera: its busiest five minutes of the night
-- reads: cameras, flow
-- params:
-- units: vehicles in five minutes, vehicles an hour, percent of passing vehicles
-- When was each camera busiest, all headings together, and what hourly rate is that?
WITH intervals AS (
    SELECT
        camera_id,
        interval_at,
        any_value(interval_local) AS interval_local,
        any_value(seen_percent) AS seen_percent,
        sum(vehicles) AS vehicles
    FROM flow
    GROUP BY camera_id, interval_at
),

ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY camera_id ORDER BY vehicles DESC, interval_at ASC) AS place
    FROM intervals
),

busiest_five_minutes AS (
    SELECT
        ranked.camera_id,
        cameras.name,
        ranked.interval_local,
        CAST(ranked.vehicles AS BIGINT) AS vehicles,
        CAST(12 * ranked.vehicles AS BIGINT) AS vehicles_per_hour,
        ranked.seen_percent
    FROM ranked
    INNER JOIN cameras ON ranked.camera_id = cameras.camera_id
    WHERE ranked.place = 1
)

SELECT
    camera_id,
    name,
    interval_local,
    vehicles,
    vehicles_per_hour,
    seen_percent
FROM busiest_five_minutes
ORDER BY vehicles DESC, camera_id ASC
