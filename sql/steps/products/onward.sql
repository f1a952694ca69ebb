-- grain: three cameras that vehicles were linked past, one after the other
-- reads: arrivals
-- params: least
-- units: vehicles
-- Where vehicles of one leg go on to: what joins legs to corridors.
WITH onward AS (
    SELECT
        one.from_camera AS first_camera,
        one.to_camera AS middle_camera,
        other.to_camera AS last_camera,
        count(DISTINCT one.query_id) AS vehicles
    FROM arrivals AS one
    INNER JOIN arrivals AS other ON one.gallery_id = other.query_id
    GROUP BY one.from_camera, one.to_camera, other.to_camera
    HAVING count(DISTINCT one.query_id) >= $least
)

SELECT
    first_camera,
    middle_camera,
    last_camera,
    vehicles
FROM onward
ORDER BY first_camera, middle_camera, last_camera
