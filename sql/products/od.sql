-- grain: one first camera, one last camera, one hour of departure
-- reads: trajectories
-- params: timezone
-- units: vehicles, seconds
-- Where a vehicle was first and last seen, which is not where its journey began and ended.
WITH journeys AS (
    SELECT
        trajectory_id,
        camera_ids[1] AS first_camera,
        camera_ids[-1] AS last_camera,
        date_trunc('hour', started_at) AS hour_at,
        (epoch_us(passed_at[-1]) - epoch_us(passed_at[1])) // 1000000 AS travel_s
    FROM trajectories
),

od AS (
    SELECT
        first_camera,
        last_camera,
        hour_at,
        quantile_disc(travel_s, 0.5) AS p50_s,
        count(DISTINCT trajectory_id) AS support
    FROM journeys
    GROUP BY first_camera, last_camera, hour_at
)

SELECT
    first_camera,
    last_camera,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    support AS vehicles,
    p50_s,
    support
FROM od
ORDER BY first_camera, last_camera, hour_at
