-- grain: one directed pair of cameras that enough vehicles were linked on in the night
-- reads: arrivals, transitions
-- params: least
-- units: metres along the road, vehicles
WITH linked AS (
    SELECT
        from_camera,
        to_camera,
        count(DISTINCT query_id) AS vehicles
    FROM arrivals
    GROUP BY from_camera, to_camera
    HAVING count(DISTINCT query_id) >= $least
),

roads AS (
    SELECT
        from_camera,
        to_camera,
        CAST(round(arg_max(road_m, (support, heading))) AS BIGINT) AS road_m
    FROM transitions
    GROUP BY from_camera, to_camera
),

stretches AS (
    SELECT
        linked.from_camera,
        linked.to_camera,
        roads.road_m,
        linked.vehicles
    FROM linked
    INNER JOIN roads ON linked.from_camera = roads.from_camera AND linked.to_camera = roads.to_camera
    WHERE roads.road_m > 0
)

SELECT
    from_camera,
    to_camera,
    road_m,
    vehicles
FROM stretches
ORDER BY from_camera, to_camera
