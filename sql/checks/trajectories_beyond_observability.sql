-- grain: one leg of a trajectory between cameras that cannot honestly support one in the hour of its arrival
-- reads: trajectories, observability
-- params:
-- units:
WITH stops AS (
    SELECT
        trajectory_id,
        camera_ids,
        passed_at,
        unnest(range(1, len(camera_ids))) AS leg
    FROM trajectories
),

driven AS (
    SELECT
        trajectory_id,
        leg,
        camera_ids[leg] AS from_camera,
        camera_ids[leg + 1] AS to_camera,
        date_trunc('hour', passed_at[leg + 1]) AS hour_at
    FROM stops
),

honest AS (
    SELECT
        camera_id,
        pair_camera_id,
        hour_at
    FROM observability
    WHERE pair_camera_id <> '' AND verdict = 'trajectory'
),

trajectories_beyond_observability AS (
    SELECT
        driven.trajectory_id,
        driven.leg,
        driven.from_camera,
        driven.to_camera,
        driven.hour_at
    FROM driven
    ANTI JOIN honest
        ON
            driven.from_camera = honest.camera_id
            AND driven.to_camera = honest.pair_camera_id
            AND driven.hour_at = honest.hour_at
)

SELECT
    trajectory_id,
    leg,
    from_camera,
    to_camera,
    hour_at
FROM trajectories_beyond_observability
ORDER BY trajectory_id, leg
