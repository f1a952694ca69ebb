-- grain: one pair of zones, both directions, the night
-- reads: cameras, od, zones
-- params:
-- units: vehicles; imbalance_percent: difference over sum, 0 even, 100 one way only
-- Between which zones does traffic go mostly one way?
WITH named AS (
    SELECT
        zones.zone,
        arg_min(cameras.name, zones.camera_id) AS name
    FROM zones
    INNER JOIN cameras ON zones.camera_id = cameras.camera_id
    GROUP BY zones.zone
),

movements AS (
    SELECT
        least(first_zone, last_zone) AS one_zone,
        greatest(first_zone, last_zone) AS other_zone,
        CAST(coalesce(sum(vehicles) FILTER (WHERE first_zone <= last_zone), 0) AS BIGINT) AS there,
        CAST(coalesce(sum(vehicles) FILTER (WHERE first_zone > last_zone), 0) AS BIGINT) AS back
    FROM od
    WHERE first_zone <> last_zone
    GROUP BY least(first_zone, last_zone), greatest(first_zone, last_zone)
),

imbalance AS (
    SELECT
        movements.*,
        ones.name AS one_name,
        others.name AS other_name,
        CAST(100 * abs(movements.there - movements.back) / (movements.there + movements.back) AS DECIMAL(4, 1))
            AS imbalance_percent
    FROM movements
    INNER JOIN named AS ones ON movements.one_zone = ones.zone
    INNER JOIN named AS others ON movements.other_zone = others.zone
)

SELECT
    one_zone,
    other_zone,
    one_name,
    other_name,
    there,
    back,
    imbalance_percent
FROM imbalance
ORDER BY imbalance_percent DESC, one_zone ASC, other_zone ASC
