-- grain: one row of `travel_time` whose pair some true vehicles passed one after the other
-- reads: travel_time, passes
-- params: least
-- units: seconds, the median
-- A true time is from leaving one camera's view to entering that of the vehicle's next camera. By links in the hour of
-- arrival, by flows in that of leaving.
WITH hops AS (
    SELECT
        camera_id AS from_camera,
        lead(camera_id) OVER vehicle AS to_camera,
        left_at,
        lead(entered_at) OVER vehicle AS reached_at
    FROM passes
    WINDOW vehicle AS (PARTITION BY vehicle_id ORDER BY entered_at, left_at, camera_id)
),

sourced AS (
    SELECT
        from_camera,
        to_camera,
        source.name AS source,
        date_trunc('hour', CASE source.name WHEN 'links' THEN reached_at ELSE left_at END) AS hour_at,
        (epoch_us(reached_at) - epoch_us(left_at)) / 1e6 AS travel_s
    FROM hops
    CROSS JOIN (VALUES ('links'), ('flows')) AS source (name)
    WHERE to_camera <> from_camera
),

true_times AS (
    SELECT
        from_camera,
        to_camera,
        source,
        hour_at,
        median(travel_s) AS truth
    FROM sourced
    GROUP BY from_camera, to_camera, source, hour_at
    HAVING count(*) >= $least
),

travel_time AS (
    SELECT
        travel_time.from_camera,
        travel_time.to_camera,
        travel_time.hour_at,
        travel_time.source,
        travel_time.p50_s AS found,
        travel_time.low_s AS low,
        travel_time.high_s AS high,
        true_times.truth
    FROM travel_time
    INNER JOIN true_times
        ON
            travel_time.from_camera = true_times.from_camera
            AND travel_time.to_camera = true_times.to_camera
            AND travel_time.source = true_times.source
            AND travel_time.hour_at = true_times.hour_at
)

SELECT * FROM travel_time
ORDER BY from_camera, to_camera, hour_at, source
