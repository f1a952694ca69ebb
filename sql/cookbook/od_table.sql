-- grain: one first camera, one last camera
-- reads: cameras, od
-- params:
-- units: vehicles, percent of the vehicles first seen there
-- Where do vehicles first seen at a camera go? Rows the product withheld are not in the shares.
WITH pairs AS (
    SELECT
        first_camera,
        last_camera,
        CAST(sum(vehicles) AS BIGINT) AS vehicles
    FROM od
    GROUP BY first_camera, last_camera
),

od_table AS (
    SELECT
        pairs.first_camera,
        pairs.last_camera,
        origins.name AS first_name,
        destinations.name AS last_name,
        pairs.vehicles,
        CAST(100 * pairs.vehicles / sum(pairs.vehicles) OVER (PARTITION BY pairs.first_camera) AS DECIMAL(4, 1))
            AS percent
    FROM pairs
    INNER JOIN cameras AS origins ON pairs.first_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON pairs.last_camera = destinations.camera_id
)

SELECT
    first_camera,
    last_camera,
    first_name,
    last_name,
    vehicles,
    percent
FROM od_table
ORDER BY first_camera ASC, vehicles DESC, last_camera ASC
