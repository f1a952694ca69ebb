-- grain: one camera: its quietest local hour of the night
-- reads: cameras, flow
-- params:
-- units: vehicles, percent of the camera's busiest hour
-- When does a closed lane hurt least? Only hours seen in full, all twelve times five minutes, of equal ones the first.
WITH hours AS (
    SELECT
        camera_id,
        date_trunc('hour', interval_local) AS hour_local,
        CAST(sum(vehicles) AS BIGINT) AS vehicles
    FROM flow
    GROUP BY camera_id, date_trunc('hour', interval_local)
    HAVING count(DISTINCT interval_at) = 12
),

quietest_hour_by_camera AS (
    SELECT
        hours.camera_id,
        any_value(cameras.name) AS name,
        arg_min(hours.hour_local, (hours.vehicles, hours.hour_local)) AS hour_local,
        min(hours.vehicles) AS vehicles,
        CAST(100 * min(hours.vehicles) / max(hours.vehicles) AS DECIMAL(4, 1)) AS percent_of_busiest
    FROM hours
    INNER JOIN cameras ON hours.camera_id = cameras.camera_id
    GROUP BY hours.camera_id
)

SELECT
    camera_id,
    name,
    hour_local,
    vehicles,
    percent_of_busiest
FROM quietest_hour_by_camera
ORDER BY vehicles, camera_id
