-- grain: one H3 cell, one hour
-- reads: points, followed
-- params: timezone, k, round_to, step_s, minutes_whole, minutes_spread
-- units: vehicle-minutes spent in the cell
-- The interval reckons with the vehicles that no link told: by the share of all passings that are in a trajectory.
-- column cell: H3 cell, about 500 m to an edge (setting h3_coarse)
-- column hour_at: start of the hour
-- column hour_local: the same in local time
-- column vehicle_minutes: minutes that vehicles which were followed spent in the cell between two cameras
-- column low_vehicle_minutes: with 95 % all vehicles between two of their cameras spent at least so many
-- column high_vehicle_minutes: with 95 % they spent at most so many, those included that no link told
-- column support: vehicles behind the row
WITH counted AS (
    SELECT
        coarse_cell AS cell,
        date_trunc('hour', placed_at) AS hour_at,
        count(*) * $step_s / 60 AS minutes,
        count(DISTINCT trajectory_id) AS support
    FROM points
    GROUP BY coarse_cell, date_trunc('hour', placed_at)
),

heatmap_coarse AS (
    SELECT
        counted.*,
        greatest(rounded(counted.support, $round_to), $k) AS vehicles,
        greatest(vehicles - $round_to // 2, 1) AS least,
        counted.minutes / counted.support AS each,
        each * (vehicles + $round_to // 2) AS most,
        most * $minutes_whole / followed.share_of_passes AS reckoned,
        1.96 * sqrt($minutes_spread * $minutes_spread + 1 / least) AS doubt
    FROM counted
    CROSS JOIN followed
)

SELECT
    cell,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    CAST(each * vehicles AS DECIMAL(12, 1)) AS vehicle_minutes,
    CAST(each * least * exp(-1.96 / sqrt(least)) AS DECIMAL(12, 1)) AS low_vehicle_minutes,
    CAST(greatest(most, reckoned * exp(doubt)) AS DECIMAL(12, 1)) AS high_vehicle_minutes,
    support
FROM heatmap_coarse
ORDER BY cell, hour_at
