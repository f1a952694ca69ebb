-- grain: one directed pair of cameras, one local hour
-- reads: cameras, travel_time
-- params:
-- units: seconds; travel_time_index: median over that of the quickest hour; planning_time_index: p95 over the same
-- In which hours is each stretch slow? (FHWA's travel time and planning time index, against the night's quickest hour.)
WITH quickest AS (
    SELECT
        from_camera,
        to_camera,
        min(p50_s) AS free_s
    FROM travel_time
    GROUP BY from_camera, to_camera
),

travel_time_index AS (
    SELECT
        travel_time.from_camera,
        travel_time.to_camera,
        origins.name AS from_name,
        destinations.name AS to_name,
        travel_time.hour_local,
        travel_time.p50_s,
        quickest.free_s,
        CAST(travel_time.p50_s / nullif(quickest.free_s, 0) AS DECIMAL(6, 2)) AS travel_time_index,
        CAST(travel_time.p95_s / nullif(quickest.free_s, 0) AS DECIMAL(6, 2)) AS planning_time_index,
        travel_time.support
    FROM travel_time
    INNER JOIN quickest
        ON travel_time.from_camera = quickest.from_camera AND travel_time.to_camera = quickest.to_camera
    INNER JOIN cameras AS origins ON travel_time.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON travel_time.to_camera = destinations.camera_id
)

SELECT
    from_camera,
    to_camera,
    from_name,
    to_name,
    hour_local,
    p50_s,
    free_s,
    travel_time_index,
    planning_time_index,
    support
FROM travel_time_index
ORDER BY from_camera, to_camera, hour_local
