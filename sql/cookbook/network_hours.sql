-- grain: one local hour, all cells
-- reads: heatmap
-- params:
-- units: vehicle-minutes, percent of the night's, cells
-- How does the city's traffic rise and fall, and over how many cells does it spread?
WITH network_hours AS (
    SELECT
        hour_local,
        CAST(sum(vehicle_minutes) AS DECIMAL(14, 1)) AS vehicle_minutes,
        CAST(100 * sum(vehicle_minutes) / sum(sum(vehicle_minutes)) OVER () AS DECIMAL(4, 1)) AS percent,
        count(*) AS cells
    FROM heatmap
    GROUP BY hour_local
)

SELECT
    hour_local,
    vehicle_minutes,
    percent,
    cells
FROM network_hours
ORDER BY hour_local
