-- grain: one trajectory that is faster than any vehicle between two vertices, or not as long as its line
-- reads: trajectories
-- params: max_speed_mps, position_m
-- units: metres, metres a second
-- Between any two vertices each leg may be position_m shorter than its way. Lengths may differ from the line's by a
-- twentieth and by position_m: roads know their own lengths, and lines are drawn coarser than roads.
WITH drawn AS (
    SELECT
        trajectory_id,
        length_m,
        vertices_at,
        len(camera_ids) - 1 AS legs,
        CAST(json_extract(st_asgeojson(st_geomfromwkb(geometry)), '$.coordinates') AS DOUBLE[][]) AS vertices
    FROM trajectories
),

placed AS (
    SELECT
        trajectory_id,
        length_m,
        legs,
        unnest(vertices) AS vertex,
        unnest(vertices_at) AS reached_at,
        unnest(range(len(vertices))) AS number
    FROM drawn
),

stepped AS (
    SELECT
        trajectory_id,
        length_m,
        legs,
        number,
        reached_at,
        coalesce(haversine_m(
            lag(vertex[1]) OVER line,
            lag(vertex[2]) OVER line,
            vertex[1],
            vertex[2]
        ), 0) AS step_m
    FROM placed
    WINDOW line AS (PARTITION BY trajectory_id ORDER BY number)
),

measured AS (
    SELECT
        trajectory_id,
        length_m,
        legs,
        number,
        sum(step_m) OVER line AS along_m,
        sum(step_m) OVER line - $max_speed_mps * epoch_us(reached_at) / 1000000 AS ahead_m
    FROM stepped
    WINDOW line AS (PARTITION BY trajectory_id ORDER BY number)
),

gained AS (
    SELECT
        trajectory_id,
        length_m,
        legs,
        along_m,
        ahead_m - min(ahead_m) OVER (PARTITION BY trajectory_id ORDER BY number) AS gained_m
    FROM measured
),

impossible_lines AS (
    SELECT
        trajectory_id,
        any_value(length_m) AS length_m,
        max(along_m) AS line_m,
        max(gained_m) AS gained_m
    FROM gained
    GROUP BY trajectory_id
    HAVING
        max(gained_m) > $position_m * any_value(legs) + 1
        OR abs(max(along_m) - any_value(length_m)) > $position_m + 0.05 * any_value(length_m)
)

SELECT
    trajectory_id,
    length_m,
    line_m,
    gained_m
FROM impossible_lines
ORDER BY trajectory_id
