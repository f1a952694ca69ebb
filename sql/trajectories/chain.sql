-- grain: one chain of legs, each starting at the sighting where the one before it ended
-- reads: legs, ways
-- params: max_speed_mps, position_m
-- units: metres, seconds, probability 0..1
-- A leg faster than max_speed_mps along its way, less position_m, is no leg.
-- Legs lead forward in time, so no chain is a ring. All times of a chain are by the clock of its first camera.
WITH RECURSIVE possible AS (
    SELECT
        legs.query_id,
        legs.gallery_id,
        legs.probability,
        legs.from_camera,
        legs.to_camera,
        legs.query_entered_at,
        legs.query_passed_at,
        legs.gallery_passed_at,
        legs.gallery_left_at,
        legs.clock_us,
        ways.way
    FROM legs
    INNER JOIN ways
        ON
            legs.from_camera = ways.from_camera
            AND legs.to_camera = ways.to_camera
            AND legs.from_heading = ways.from_heading
            AND legs.to_heading = ways.to_heading
    WHERE
        (ways.length_m - $position_m) * 1000000
        <= $max_speed_mps * (epoch_us(legs.gallery_passed_at) - epoch_us(legs.query_passed_at))
),

walk AS (
    SELECT
        possible.query_id AS head_id,
        1 AS step,
        CAST(0 AS BIGINT) AS ahead_us,
        possible.*
    FROM possible
    ANTI JOIN possible AS before ON possible.query_id = before.gallery_id
    UNION ALL
    SELECT
        walk.head_id,
        walk.step + 1 AS step,
        walk.ahead_us + walk.clock_us AS ahead_us,
        possible.*
    FROM walk
    INNER JOIN possible ON walk.gallery_id = possible.query_id
),

chain AS (
    SELECT
        head_id,
        list_prepend(head_id, list(gallery_id ORDER BY step)) AS sighting_ids,
        list_prepend(arg_min(from_camera, step), list(to_camera ORDER BY step)) AS camera_ids,
        list_prepend(
            arg_min(query_passed_at, step), list(gallery_passed_at - to_microseconds(ahead_us) ORDER BY step)
        ) AS passed_at,
        arg_min(query_entered_at, step) AS started_at,
        arg_max(gallery_left_at - to_microseconds(ahead_us), step) AS finished_at,
        list(probability ORDER BY step) AS probabilities,
        list(way ORDER BY step) AS ways
    FROM walk
    GROUP BY head_id
)

SELECT
    sighting_ids,
    camera_ids,
    passed_at,
    started_at,
    finished_at,
    probabilities,
    ways
FROM chain
ORDER BY head_id
