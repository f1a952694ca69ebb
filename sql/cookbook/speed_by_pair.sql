-- grain: one directed pair of cameras, one local hour
-- reads: cameras, travel_time, transitions
-- params:
-- units: metres along the road, kilometres an hour
-- How fast is each stretch driven? Median and the speed that 85 in 100 reach, over the road between the two cameras.
WITH stretches AS (
    SELECT
        from_camera,
        to_camera,
        min(road_m) AS road_m
    FROM transitions
    GROUP BY from_camera, to_camera
),

speed_by_pair AS (
    SELECT
        travel_time.from_camera,
        travel_time.to_camera,
        origins.name AS from_name,
        destinations.name AS to_name,
        travel_time.hour_local,
        CAST(round(stretches.road_m) AS BIGINT) AS road_m,
        CAST(3.6 * stretches.road_m / nullif(travel_time.p50_s, 0) AS DECIMAL(6, 1)) AS median_kmh,
        CAST(3.6 * stretches.road_m / nullif(travel_time.p85_s, 0) AS DECIMAL(6, 1)) AS slow_kmh,
        travel_time.support
    FROM travel_time
    INNER JOIN stretches
        ON travel_time.from_camera = stretches.from_camera AND travel_time.to_camera = stretches.to_camera
    INNER JOIN cameras AS origins ON travel_time.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON travel_time.to_camera = destinations.camera_id
)

SELECT
    from_camera,
    to_camera,
    from_name,
    to_name,
    hour_local,
    road_m,
    median_kmh,
    slow_kmh,
    support
FROM speed_by_pair
ORDER BY median_kmh, from_camera, to_camera, hour_local
