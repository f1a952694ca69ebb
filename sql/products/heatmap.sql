-- grain: one H3 cell, one hour
-- reads: points
-- params: timezone, step_s
-- units: vehicle-minutes spent in the cell by vehicles that were followed
WITH heatmap AS (
    SELECT
        cell,
        date_trunc('hour', placed_at) AS hour_at,
        count(*) AS points,
        count(DISTINCT trajectory_id) AS support
    FROM points
    GROUP BY cell, date_trunc('hour', placed_at)
)

SELECT
    cell,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    CAST(points * $step_s / 60 AS DECIMAL(12, 1)) AS vehicle_minutes,
    support
FROM heatmap
ORDER BY cell, hour_at
