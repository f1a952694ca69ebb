-- grain: one row of `od`
-- reads: od, zones, passes
-- params:
-- units: vehicles
-- A true trip is from the first camera that a vehicle passed to the last, over two cameras or more.
WITH trips AS (
    SELECT
        vehicle_id,
        arg_min(camera_id, (entered_at, left_at, camera_id)) AS first_camera,
        arg_max(camera_id, (entered_at, left_at, camera_id)) AS last_camera,
        date_trunc('hour', min(entered_at)) AS hour_at
    FROM passes
    GROUP BY vehicle_id
    HAVING count(DISTINCT camera_id) > 1
),

true_od AS (
    SELECT
        origins.zone AS first_zone,
        destinations.zone AS last_zone,
        trips.hour_at,
        count(*) AS truth
    FROM trips
    INNER JOIN zones AS origins ON trips.first_camera = origins.camera_id
    INNER JOIN zones AS destinations ON trips.last_camera = destinations.camera_id
    GROUP BY origins.zone, destinations.zone, trips.hour_at
),

od AS (
    SELECT
        od.first_zone,
        od.last_zone,
        od.hour_at,
        od.vehicles AS found,
        od.low_vehicles AS low,
        od.high_vehicles AS high,
        coalesce(true_od.truth, 0) AS truth
    FROM od
    LEFT JOIN true_od
        ON od.first_zone = true_od.first_zone AND od.last_zone = true_od.last_zone AND od.hour_at = true_od.hour_at
)

SELECT * FROM od
ORDER BY first_zone, last_zone, hour_at
