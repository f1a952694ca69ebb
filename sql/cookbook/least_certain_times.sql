-- grain: one directed pair of cameras, one local hour
-- reads: cameras, travel_time
-- params:
-- units: seconds; width_percent: width of the 95 % interval, percent of the median; vehicles
-- Which travel times are known least well, and would gain most from another night? The widest interval first.
WITH least_certain_times AS (
    SELECT
        travel_time.from_camera,
        travel_time.to_camera,
        origins.name AS from_name,
        destinations.name AS to_name,
        travel_time.hour_local,
        travel_time.p50_s,
        travel_time.low_s,
        travel_time.high_s,
        CAST(round(100 * (travel_time.high_s - travel_time.low_s) / nullif(travel_time.p50_s, 0)) AS INTEGER)
            AS width_percent,
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
    p50_s,
    low_s,
    high_s,
    width_percent,
    source,
    support
FROM least_certain_times
ORDER BY width_percent DESC NULLS LAST, from_camera ASC, to_camera ASC, hour_local ASC
