-- grain: one row of `speed_profile` whose leg some true vehicles drove
-- reads: speed_profile, passes
-- params: least
-- units: kilometres an hour, the median
-- A true speed is the leg's stated length over the time from the middle of one pass to that of the vehicle's next.
WITH hops AS (
    SELECT
        camera_id AS from_camera,
        lead(camera_id) OVER vehicle AS to_camera,
        lead(entered_at) OVER vehicle AS reached_at,
        (
            lead(epoch_us(entered_at) + epoch_us(left_at)) OVER vehicle - epoch_us(entered_at) - epoch_us(left_at)
        ) / 2e6 AS journey_s
    FROM passes
    WINDOW vehicle AS (PARTITION BY vehicle_id ORDER BY entered_at, left_at, camera_id)
),

true_times AS (
    SELECT
        from_camera,
        to_camera,
        time_bucket(INTERVAL 15 MINUTE, reached_at) AS interval_at,
        median(journey_s) AS journey_s
    FROM hops
    WHERE to_camera <> from_camera
    GROUP BY ALL
    HAVING count(*) >= $least
),

speed_profile AS (
    SELECT
        speed_profile.corridor,
        speed_profile.leg,
        speed_profile.interval_at,
        speed_profile.speed_kmh AS found,
        speed_profile.low_speed_kmh AS low,
        speed_profile.high_speed_kmh AS high,
        3.6 * (speed_profile.to_m - speed_profile.from_m) / true_times.journey_s AS truth
    FROM speed_profile
    INNER JOIN true_times
        ON
            speed_profile.from_camera = true_times.from_camera
            AND speed_profile.to_camera = true_times.to_camera
            AND speed_profile.interval_at = true_times.interval_at
)

SELECT * FROM speed_profile
ORDER BY corridor, leg, interval_at
