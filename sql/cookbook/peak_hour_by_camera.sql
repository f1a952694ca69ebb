-- grain: one camera: its busiest local hour of the night
-- reads: cameras, sightings
-- params: timezone, k
-- units: vehicles
-- Which hour is the peak at each camera? Parked vehicles are left out; of equal hours the first.
WITH hours AS (
    SELECT
        camera_id,
        epoch_us(entered_at) // 3600000000 AS hour,
        count(*) AS vehicles
    FROM sightings
    WHERE motion <> 'parked'
    GROUP BY camera_id, epoch_us(entered_at) // 3600000000
    HAVING count(*) >= $k
),

ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY camera_id ORDER BY vehicles DESC, hour ASC) AS place
    FROM hours
),

peak_hour_by_camera AS (
    SELECT
        ranked.camera_id,
        cameras.name,
        timezone($timezone, make_timestamptz(ranked.hour * 3600000000)) AS hour_local,
        ranked.vehicles
    FROM ranked
    INNER JOIN cameras ON ranked.camera_id = cameras.camera_id
    WHERE ranked.place = 1
)

SELECT
    camera_id,
    name,
    hour_local,
    vehicles
FROM peak_hour_by_camera
ORDER BY vehicles DESC, camera_id ASC
