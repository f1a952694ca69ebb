-- grain: one calibrated camera, one heading, five minutes
-- reads: cameras, sightings
-- params: timezone, k
-- units: metres per second, vehicles
-- How fast do vehicles drive past each camera? Of calibrated cameras, those whose speed could be told; parked ones are
-- left out, those that waited are not. `error_mps` is the usual error of one vehicle's speed, not of their mean.
WITH told AS (
    SELECT
        camera_id,
        heading,
        time_bucket(INTERVAL 5 MINUTE, entered_at) AS interval_at,
        cast(round(speed_mps * 100) AS BIGINT) AS speed_cmps,
        cast(round(speed_error_mps * 100) AS BIGINT) AS error_cmps
    FROM sightings
    WHERE speed_mps IS NOT NULL AND motion <> 'parked'
),

speed_by_camera AS (
    SELECT
        told.camera_id,
        any_value(cameras.name) AS name,
        told.heading,
        timezone($timezone, told.interval_at) AS interval_local,
        cast(sum(told.speed_cmps) // count(*) / 100 AS DECIMAL(5, 1)) AS mean_mps,
        cast(quantile_disc(told.speed_cmps, 0.85) / 100 AS DECIMAL(5, 1)) AS p85_mps,
        cast(quantile_disc(told.error_cmps, 0.50) / 100 AS DECIMAL(5, 1)) AS error_mps,
        count(*) AS vehicles
    FROM told
    INNER JOIN cameras ON told.camera_id = cameras.camera_id
    GROUP BY told.camera_id, told.heading, told.interval_at
    HAVING count(*) >= $k
)

SELECT
    camera_id,
    name,
    heading,
    interval_local,
    mean_mps,
    p85_mps,
    error_mps,
    vehicles
FROM speed_by_camera
ORDER BY camera_id, interval_local, heading
