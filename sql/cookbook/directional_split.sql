-- grain: one camera, one heading
-- reads: cameras, flow
-- params:
-- units: vehicles, percent of the camera's vehicles
-- Which way does the traffic of each camera go? `none` is traffic whose heading is not told.
WITH headings AS (
    SELECT
        camera_id,
        heading,
        CAST(sum(vehicles) AS BIGINT) AS vehicles
    FROM flow
    GROUP BY camera_id, heading
),

directional_split AS (
    SELECT
        headings.camera_id,
        cameras.name,
        headings.heading,
        headings.vehicles,
        CAST(100 * headings.vehicles / sum(headings.vehicles) OVER (PARTITION BY headings.camera_id) AS DECIMAL(4, 1))
            AS percent
    FROM headings
    INNER JOIN cameras ON headings.camera_id = cameras.camera_id
)

SELECT
    camera_id,
    name,
    heading,
    vehicles,
    percent
FROM directional_split
ORDER BY camera_id ASC, vehicles DESC, heading ASC
