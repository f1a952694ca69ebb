-- grain: one leg of a trajectory between cameras that cannot honestly support one in the hour of its arrival
-- reads: trajectories, observability
-- params:
-- units:
-- A leg that bridges a camera needs one between both that supports trajectories with each.
WITH stops AS (
    SELECT
        trajectory_id,
        camera_ids,
        passed_at,
        bridged,
        unnest(range(1, len(camera_ids))) AS leg
    FROM trajectories
),

driven AS (
    SELECT
        trajectory_id,
        leg,
        camera_ids[leg] AS from_camera,
        camera_ids[leg + 1] AS to_camera,
        coalesce(bridged[leg], FALSE) AS is_bridge,
        date_trunc('hour', passed_at[leg + 1]) AS hour_at
    FROM stops
),

honest AS (
    SELECT
        camera_id,
        pair_camera_id,
        hour_at,
        FALSE AS is_bridge
    FROM observability
    WHERE pair_camera_id <> '' AND verdict = 'trajectory'
),

supported AS (
    SELECT * FROM honest
    UNION ALL
    SELECT DISTINCT
        one.camera_id,
        other.pair_camera_id,
        one.hour_at + to_hours(later.hours) AS hour_at,
        TRUE AS is_bridge
    FROM honest AS one
    INNER JOIN honest AS other ON one.pair_camera_id = other.camera_id AND one.hour_at = other.hour_at
    CROSS JOIN (VALUES (0), (1)) AS later (hours)
),

trajectories_beyond_observability AS (
    SELECT
        driven.trajectory_id,
        driven.leg,
        driven.from_camera,
        driven.to_camera,
        driven.hour_at
    FROM driven
    ANTI JOIN supported
        ON
            driven.from_camera = supported.camera_id
            AND driven.to_camera = supported.pair_camera_id
            AND driven.is_bridge = supported.is_bridge
            AND driven.hour_at = supported.hour_at
)

SELECT
    trajectory_id,
    leg,
    from_camera,
    to_camera,
    hour_at
FROM trajectories_beyond_observability
ORDER BY trajectory_id, leg
