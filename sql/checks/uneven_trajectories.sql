-- grain: one trajectory whose sightings, cameras and times do not go together in order
-- reads: trajectories
-- params:
-- units:
WITH uneven_trajectories AS (
    SELECT
        trajectory_id,
        len(sighting_ids) AS sightings,
        len(camera_ids) AS cameras,
        len(passed_at) AS times
    FROM trajectories
    WHERE
        len(sighting_ids) < 2
        OR len(camera_ids) <> len(sighting_ids)
        OR len(passed_at) <> len(sighting_ids)
        OR passed_at <> list_sort(list_distinct(passed_at))
        OR started_at > passed_at[1]
        OR finished_at < passed_at[-1]
)

SELECT
    trajectory_id,
    sightings,
    cameras,
    times
FROM uneven_trajectories
ORDER BY trajectory_id
