-- grain: one directed pair of cameras joined by road
-- reads: cameras, transitions
-- params:
-- units: metres along the road, metres as the crow flies; detour_factor: the one over the other
-- How direct is the road between two cameras? The longest detours first: where a bridge or a crossing is missing.
WITH ways AS (
    SELECT
        from_camera,
        to_camera,
        min(road_m) AS road_m
    FROM transitions
    GROUP BY from_camera, to_camera
),

directness AS (
    SELECT
        ways.from_camera,
        ways.to_camera,
        origins.name AS from_name,
        destinations.name AS to_name,
        ways.road_m,
        haversine_m(origins.lon, origins.lat, destinations.lon, destinations.lat) AS straight_m
    FROM ways
    INNER JOIN cameras AS origins ON ways.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON ways.to_camera = destinations.camera_id
)

SELECT
    from_camera,
    to_camera,
    from_name,
    to_name,
    CAST(round(road_m) AS BIGINT) AS road_m,
    CAST(round(straight_m) AS BIGINT) AS straight_m,
    CAST(round(road_m / nullif(straight_m, 0), 2) AS DECIMAL(9, 2)) AS detour_factor
FROM directness
ORDER BY detour_factor DESC NULLS LAST, from_camera ASC, to_camera ASC
