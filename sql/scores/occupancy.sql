-- grain: one row of `occupancy`
-- reads: occupancy, passes
-- params: gap_s
-- units: vehicles in view, mean over the five minutes
-- A pass that is known by its pictures lasts from half a gap before the first to half a gap after the last.
WITH spans AS (
    SELECT
        camera_id,
        epoch_us(entered_at) - CAST($gap_s * 5e5 AS BIGINT) AS from_us,
        epoch_us(left_at) + CAST($gap_s * 5e5 AS BIGINT) AS to_us
    FROM passes
),

cells AS (
    SELECT
        camera_id,
        from_us,
        to_us,
        unnest(range(from_us // 300000000, to_us // 300000000 + 1)) AS cell
    FROM spans
),

true_occupancy AS (
    SELECT
        camera_id,
        cell,
        sum(least(to_us, (cell + 1) * 300000000) - greatest(from_us, cell * 300000000)) / 3e8 AS truth
    FROM cells
    GROUP BY camera_id, cell
),

occupancy AS (
    SELECT
        occupancy.camera_id,
        occupancy.interval_at,
        occupancy.vehicles_per_picture AS found,
        occupancy.low_vehicles_per_picture AS low,
        occupancy.high_vehicles_per_picture AS high,
        coalesce(true_occupancy.truth, 0) AS truth
    FROM occupancy
    LEFT JOIN true_occupancy
        ON
            occupancy.camera_id = true_occupancy.camera_id
            AND epoch_us(occupancy.interval_at) // 300000000 = true_occupancy.cell
)

SELECT * FROM occupancy
ORDER BY camera_id, interval_at
