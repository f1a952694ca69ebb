-- grain: one trajectory whose line has other vertices than times, or times that fall or are not those of its passings
-- reads: trajectories
-- params:
-- units:
WITH counted AS (
    SELECT
        trajectory_id,
        passed_at,
        vertices_at,
        len(vertices_at) AS times,
        len(string_split(st_astext(st_geomfromwkb(geometry)), ',')) AS vertices
    FROM trajectories
),

vertices_out_of_step AS (
    SELECT
        trajectory_id,
        times,
        vertices
    FROM counted
    WHERE
        times <> vertices
        OR vertices_at <> list_sort(vertices_at)
        OR vertices_at[1] <> passed_at[1]
        OR vertices_at[-1] <> passed_at[-1]
)

SELECT
    trajectory_id,
    times,
    vertices
FROM vertices_out_of_step
ORDER BY trajectory_id
