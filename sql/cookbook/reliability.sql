-- grain: one directed pair of cameras, one local hour
-- reads: cameras, travel_time
-- params:
-- units: seconds; lottr, planning_time_index: ratios; buffer_percent: percent of the median
-- How far can one rely on the travel time? FHWA's measures: level of travel time reliability (80th percentile over
-- median, reliable below 1.50: 23 CFR 490.507),
-- planning time index (95th percentile over free flow, here the median of the
-- night's quickest hour) and buffer index (95th percentile over the median). The least reliable first.
WITH quickest AS (
    SELECT
        from_camera,
        to_camera,
        min(p50_s) AS free_s
    FROM travel_time
    GROUP BY from_camera, to_camera
),

reliability AS (
    SELECT
        travel_time.from_camera,
        travel_time.to_camera,
        origins.name AS from_name,
        destinations.name AS to_name,
        travel_time.hour_local,
        travel_time.p50_s,
        travel_time.p80_s,
        travel_time.p95_s,
        CAST(travel_time.p80_s / nullif(travel_time.p50_s, 0) AS DECIMAL(6, 2)) AS lottr,
        CAST(travel_time.p95_s / nullif(quickest.free_s, 0) AS DECIMAL(6, 2)) AS planning_time_index,
        CAST(round(100 * (travel_time.p95_s - travel_time.p50_s) / nullif(travel_time.p50_s, 0)) AS INTEGER)
            AS buffer_percent,
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
    p80_s,
    p95_s,
    lottr,
    lottr < 1.50 AS is_reliable,
    planning_time_index,
    buffer_percent,
    support
FROM reliability
ORDER BY lottr DESC, from_camera ASC, to_camera ASC, hour_local ASC
