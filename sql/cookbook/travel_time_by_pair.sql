-- grain: one directed pair of cameras, one local hour
-- reads: cameras, travel_time
-- params:
-- units: seconds, the median with a 95 % interval; buffer_percent: to allow beyond the median, late 1 time in 20
-- How long from camera to camera: usually, for the quickest and the slowest, and how sure is the median?
WITH travel_time_by_pair AS (
    SELECT
        travel_time.from_camera,
        travel_time.to_camera,
        origins.name AS from_name,
        destinations.name AS to_name,
        travel_time.hour_local,
        travel_time.p15_s,
        travel_time.p50_s,
        travel_time.low_s,
        travel_time.high_s,
        travel_time.p85_s,
        travel_time.p95_s,
        travel_time.buffer_percent,
        travel_time.source,
        travel_time.support
    FROM travel_time
    INNER JOIN cameras AS origins ON travel_time.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON travel_time.to_camera = destinations.camera_id
)

SELECT
    from_camera,
    to_camera,
    from_name,
    to_name,
    hour_local,
    p15_s,
    p50_s,
    low_s,
    high_s,
    p85_s,
    p95_s,
    buffer_percent,
    source,
    support
FROM travel_time_by_pair
ORDER BY from_camera, to_camera, hour_local
