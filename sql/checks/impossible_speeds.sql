-- grain: one trajectory faster than any vehicle, or without length, or not a number
-- reads: trajectories
-- params: max_speed_mps
-- units: metres per second
WITH impossible_speeds AS (
    SELECT
        trajectory_id,
        length_m,
        mean_speed_mps
    FROM trajectories
    WHERE
        NOT coalesce(mean_speed_mps BETWEEN 0 AND $max_speed_mps, FALSE)
        OR NOT coalesce(isfinite(length_m) AND length_m >= 0, FALSE)
)

SELECT
    trajectory_id,
    length_m,
    mean_speed_mps
FROM impossible_speeds
ORDER BY trajectory_id
