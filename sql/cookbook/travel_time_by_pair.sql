-- grain: one directed pair of cameras, one local hour
-- reads: cameras, travel_time
-- params:
-- units: seconds; buffer_percent: how much longer than usual to plan, to be late one time in about seven
-- How long from camera to camera, and how reliable is it?
WITH travel_time_by_pair AS (
    SELECT
        first_camera.name AS from_name,
        last_camera.name AS to_name,
        travel_time.from_camera,
        travel_time.to_camera,
        travel_time.hour_local,
        travel_time.p15_s,
        travel_time.p50_s,
        travel_time.p85_s,
        CAST(round(100 * (travel_time.p85_s - travel_time.p50_s) / nullif(travel_time.p50_s, 0)) AS INTEGER)
            AS buffer_percent,
        travel_time.support
    FROM travel_time
    INNER JOIN cameras AS first_camera ON travel_time.from_camera = first_camera.camera_id
    INNER JOIN cameras AS last_camera ON travel_time.to_camera = last_camera.camera_id
)

SELECT
    from_name,
    to_name,
    hour_local,
    p15_s,
    p50_s,
    p85_s,
    buffer_percent,
    support
FROM travel_time_by_pair
ORDER BY from_camera, to_camera, hour_local
