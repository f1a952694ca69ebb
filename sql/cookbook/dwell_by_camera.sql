-- grain: one camera, one heading
-- reads: cameras, sightings
-- params: k
-- units: seconds in view
-- How long do passing vehicles stay in view, half of them and the slowest seventh? What cadence must catch.
WITH stays AS (
    SELECT
        camera_id,
        heading,
        (epoch_us(left_at) - epoch_us(entered_at)) // 100000 AS stay_ds
    FROM sightings
    WHERE motion NOT IN ('parked', 'single', 'lone')
),

dwell_by_camera AS (
    SELECT
        stays.camera_id,
        any_value(cameras.name) AS name,
        stays.heading,
        CAST(quantile_disc(stays.stay_ds, 0.50) / 10 AS DECIMAL(9, 1)) AS p50_s,
        CAST(quantile_disc(stays.stay_ds, 0.85) / 10 AS DECIMAL(9, 1)) AS p85_s,
        count(*) AS vehicles
    FROM stays
    INNER JOIN cameras ON stays.camera_id = cameras.camera_id
    GROUP BY stays.camera_id, stays.heading
    HAVING count(*) >= $k
)

SELECT
    camera_id,
    name,
    heading,
    p50_s,
    p85_s,
    vehicles
FROM dwell_by_camera
ORDER BY camera_id, heading
