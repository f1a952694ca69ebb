-- grain: one trajectory faster than any vehicle, or whose length or speed is no number
-- reads: trajectories
-- params: max_speed_mps, position_m
-- units: metres, metres per second
-- Each leg may be position_m shorter than its way, as cameras stand beside where they are said to.
WITH timed AS (
    SELECT
        trajectory_id,
        length_m,
        mean_speed_mps,
        length_m - $position_m * (len(camera_ids) - 1) AS least_m,
        (epoch_us(passed_at[-1]) - epoch_us(passed_at[1])) / 1000000 AS seconds
    FROM trajectories
),

impossible_speeds AS (
    SELECT
        trajectory_id,
        length_m,
        mean_speed_mps
    FROM timed
    WHERE
        NOT coalesce(isfinite(mean_speed_mps) AND mean_speed_mps >= 0, FALSE)
        OR NOT coalesce(isfinite(length_m) AND length_m >= 0, FALSE)
        OR least_m > $max_speed_mps * seconds + 0.001
)

SELECT
    trajectory_id,
    length_m,
    mean_speed_mps
FROM impossible_speeds
ORDER BY trajectory_id
