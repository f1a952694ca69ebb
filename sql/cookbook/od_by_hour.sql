-- grain: one local hour of departure
-- reads: cameras, od, zones
-- params:
-- units: vehicles, movements, percent of the hour's vehicles
-- How do movements between zones change over the night, and which is the largest of each hour?
WITH named AS (
    SELECT
        zones.zone,
        arg_min(cameras.name, zones.camera_id) AS name
    FROM zones
    INNER JOIN cameras ON zones.camera_id = cameras.camera_id
    GROUP BY zones.zone
),

od_by_hour AS (
    SELECT
        od.hour_local,
        CAST(sum(od.vehicles) AS BIGINT) AS vehicles,
        count(*) AS movements,
        arg_max(
            origins.name || ' > ' || destinations.name, (od.vehicles, od.first_zone, od.last_zone)
        ) AS largest,
        CAST(100 * max(od.vehicles) / sum(od.vehicles) AS DECIMAL(4, 1)) AS largest_percent
    FROM od
    INNER JOIN named AS origins ON od.first_zone = origins.zone
    INNER JOIN named AS destinations ON od.last_zone = destinations.zone
    GROUP BY od.hour_local
)

SELECT
    hour_local,
    vehicles,
    movements,
    largest,
    largest_percent
FROM od_by_hour
ORDER BY hour_local
