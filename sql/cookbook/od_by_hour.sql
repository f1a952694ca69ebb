-- grain: one local hour of departure
-- reads: od
-- params:
-- units: vehicles, movements, percent of the hour's vehicles
-- How do movements between cameras change over the night, and which is the largest of each hour?
WITH od_by_hour AS (
    SELECT
        hour_local,
        CAST(sum(vehicles) AS BIGINT) AS vehicles,
        count(*) AS movements,
        arg_max(first_camera || ' > ' || last_camera, (vehicles, first_camera, last_camera)) AS largest,
        CAST(100 * max(vehicles) / sum(vehicles) AS DECIMAL(4, 1)) AS largest_percent
    FROM od
    GROUP BY hour_local
)

SELECT
    hour_local,
    vehicles,
    movements,
    largest,
    largest_percent
FROM od_by_hour
ORDER BY hour_local
