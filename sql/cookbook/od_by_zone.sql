-- grain: one first zone, one last zone, the night
-- reads: cameras, od, zones
-- params:
-- units: vehicles, with a 95 % interval; percent of the vehicles first seen in the zone
-- Where do vehicles first seen in a zone go? A zone is named by its first camera; rows the product withheld are not in
-- the shares, and ends are where vehicles were first and last seen, not where they set out or arrived.
WITH named AS (
    SELECT
        zones.zone,
        arg_min(cameras.name, zones.camera_id) AS name
    FROM zones
    INNER JOIN cameras ON zones.camera_id = cameras.camera_id
    GROUP BY zones.zone
),

pairs AS (
    SELECT
        first_zone,
        last_zone,
        CAST(sum(vehicles) AS BIGINT) AS vehicles,
        CAST(sum(low_vehicles) AS BIGINT) AS low_vehicles,
        CAST(sum(high_vehicles) AS BIGINT) AS high_vehicles
    FROM od
    GROUP BY first_zone, last_zone
),

od_by_zone AS (
    SELECT
        pairs.first_zone,
        pairs.last_zone,
        origins.name AS first_name,
        destinations.name AS last_name,
        pairs.vehicles,
        pairs.low_vehicles,
        pairs.high_vehicles,
        CAST(100 * pairs.vehicles / sum(pairs.vehicles) OVER (PARTITION BY pairs.first_zone) AS DECIMAL(4, 1))
            AS percent
    FROM pairs
    INNER JOIN named AS origins ON pairs.first_zone = origins.zone
    INNER JOIN named AS destinations ON pairs.last_zone = destinations.zone
)

SELECT
    first_zone,
    last_zone,
    first_name,
    last_name,
    vehicles,
    low_vehicles,
    high_vehicles,
    percent
FROM od_by_zone
ORDER BY first_zone ASC, vehicles DESC, last_zone ASC
