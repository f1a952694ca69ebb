-- grain: one H3 cell, the night
-- reads: heatmap
-- params:
-- units: vehicle-minutes, percent of all vehicle-minutes
-- Which cells hold the most moving traffic, and in which hour most?
WITH cells AS (
    SELECT
        cell,
        sum(vehicle_minutes) AS vehicle_minutes,
        arg_max(hour_local, (vehicle_minutes, hour_local)) AS busiest_hour_local,
        max(support) AS most_vehicles
    FROM heatmap
    GROUP BY cell
),

hottest_cells AS (
    SELECT
        cell,
        CAST(vehicle_minutes AS DECIMAL(12, 1)) AS vehicle_minutes,
        CAST(100 * vehicle_minutes / sum(vehicle_minutes) OVER () AS DECIMAL(4, 1)) AS percent,
        busiest_hour_local,
        most_vehicles
    FROM cells
)

SELECT
    cell,
    vehicle_minutes,
    percent,
    busiest_hour_local,
    most_vehicles
FROM hottest_cells
ORDER BY vehicle_minutes DESC, cell ASC
