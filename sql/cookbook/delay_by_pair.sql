-- grain: one directed pair of cameras, the night
-- reads: cameras, travel_time
-- params:
-- units: seconds a vehicle; vehicle-hours; vehicles
-- Where is most time lost? Vehicles linked, times the delay of the hour's median against the quickest hour's.
-- Only linked vehicles count, a part of all: it ranks stretches, it does not total the city's delay.
WITH quickest AS (
    SELECT
        from_camera,
        to_camera,
        min(p50_s) AS free_s
    FROM travel_time
    WHERE source = 'links'
    GROUP BY from_camera, to_camera
),

delays AS (
    SELECT
        travel_time.from_camera,
        travel_time.to_camera,
        any_value(quickest.free_s) AS free_s,
        max(travel_time.p50_s) - any_value(quickest.free_s) AS most_delay_s,
        arg_max(travel_time.hour_local, (travel_time.p50_s, travel_time.hour_local)) AS slowest_hour_local,
        sum(travel_time.support * (travel_time.p50_s - quickest.free_s)) AS lost_s,
        CAST(sum(travel_time.support) AS BIGINT) AS vehicles
    FROM travel_time
    INNER JOIN quickest
        ON travel_time.from_camera = quickest.from_camera AND travel_time.to_camera = quickest.to_camera
    WHERE travel_time.source = 'links'
    GROUP BY travel_time.from_camera, travel_time.to_camera
),

delay_by_pair AS (
    SELECT
        delays.*,
        origins.name AS from_name,
        destinations.name AS to_name,
        CAST(delays.lost_s / 3600 AS DECIMAL(9, 2)) AS vehicle_hours
    FROM delays
    INNER JOIN cameras AS origins ON delays.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON delays.to_camera = destinations.camera_id
)

SELECT
    from_camera,
    to_camera,
    from_name,
    to_name,
    vehicle_hours,
    free_s,
    most_delay_s,
    slowest_hour_local,
    vehicles
FROM delay_by_pair
ORDER BY vehicle_hours DESC, from_camera ASC, to_camera ASC
