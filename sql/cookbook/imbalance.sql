-- grain: one pair of cameras, both directions, the night
-- reads: cameras, od
-- params:
-- units: vehicles; imbalance_percent: difference over sum, 0 even, 100 one way only
-- Between which cameras does traffic go mostly one way?
WITH movements AS (
    SELECT
        least(first_camera, last_camera) AS one_camera,
        greatest(first_camera, last_camera) AS other_camera,
        CAST(sum(vehicles) FILTER (WHERE first_camera <= last_camera) AS BIGINT) AS there,
        CAST(sum(vehicles) FILTER (WHERE first_camera > last_camera) AS BIGINT) AS back
    FROM od
    WHERE first_camera <> last_camera
    GROUP BY least(first_camera, last_camera), greatest(first_camera, last_camera)
),

imbalance AS (
    SELECT
        movements.one_camera,
        movements.other_camera,
        ones.name AS one_name,
        others.name AS other_name,
        coalesce(movements.there, 0) AS there,
        coalesce(movements.back, 0) AS back,
        CAST(
            100 * abs(coalesce(movements.there, 0) - coalesce(movements.back, 0))
            / (coalesce(movements.there, 0) + coalesce(movements.back, 0)) AS DECIMAL(4, 1)
        ) AS imbalance_percent
    FROM movements
    INNER JOIN cameras AS ones ON movements.one_camera = ones.camera_id
    INNER JOIN cameras AS others ON movements.other_camera = others.camera_id
)

SELECT
    one_camera,
    other_camera,
    one_name,
    other_name,
    there,
    back,
    imbalance_percent
FROM imbalance
ORDER BY imbalance_percent DESC, one_camera ASC, other_camera ASC
