-- grain: one camera, one local hour in which all four quarters were seen
-- reads: cameras, flow
-- params:
-- units: vehicles; peak_hour_factor: hour over four times its busiest quarter, 0.25 to 1
-- How even is the traffic within each hour? (Highway Capacity Manual: peak-hour factor.)
WITH quarters AS (
    SELECT
        camera_id,
        time_bucket(INTERVAL 15 MINUTE, interval_local) AS quarter_local,
        sum(vehicles) AS vehicles
    FROM flow
    GROUP BY camera_id, time_bucket(INTERVAL 15 MINUTE, interval_local)
),

peak_hour_factor AS (
    SELECT
        quarters.camera_id,
        any_value(cameras.name) AS name,
        date_trunc('hour', quarters.quarter_local) AS hour_local,
        CAST(sum(quarters.vehicles) AS BIGINT) AS vehicles,
        CAST(max(quarters.vehicles) AS BIGINT) AS busiest_quarter,
        CAST(sum(quarters.vehicles) / (4 * max(quarters.vehicles)) AS DECIMAL(4, 2)) AS peak_hour_factor
    FROM quarters
    INNER JOIN cameras ON quarters.camera_id = cameras.camera_id
    GROUP BY quarters.camera_id, date_trunc('hour', quarters.quarter_local)
    HAVING count(*) = 4
)

SELECT
    camera_id,
    name,
    hour_local,
    vehicles,
    busiest_quarter,
    peak_hour_factor
FROM peak_hour_factor
ORDER BY camera_id, hour_local
