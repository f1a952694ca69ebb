-- grain: one directed pair of cameras, the night
-- reads: cameras, travel_time
-- params:
-- units: vehicles, percent of the vehicles followed on from the first camera
-- Which camera did the vehicles followed on from a camera come to next? Turning shares where cameras flank a crossing.
WITH pairs AS (
    SELECT
        from_camera,
        to_camera,
        CAST(sum(support) AS BIGINT) AS vehicles
    FROM travel_time
    WHERE source = 'links'
    GROUP BY from_camera, to_camera
),

turning_shares AS (
    SELECT
        pairs.from_camera,
        pairs.to_camera,
        origins.name AS from_name,
        destinations.name AS to_name,
        pairs.vehicles,
        CAST(100 * pairs.vehicles / sum(pairs.vehicles) OVER (PARTITION BY pairs.from_camera) AS DECIMAL(4, 1))
            AS percent
    FROM pairs
    INNER JOIN cameras AS origins ON pairs.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON pairs.to_camera = destinations.camera_id
)

SELECT
    from_camera,
    to_camera,
    from_name,
    to_name,
    vehicles,
    percent
FROM turning_shares
ORDER BY from_camera ASC, vehicles DESC, to_camera ASC
