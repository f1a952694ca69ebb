-- grain: one camera and hour whose frames are not the slots that observability states
-- reads: frames, observability
-- params:
-- units: frames
WITH counted AS (
    SELECT
        camera_id,
        date_trunc('hour', slot_at) AS hour_at,
        count(*) AS planned,
        count(*) FILTER (WHERE state = 'ok') AS seen
    FROM frames
    GROUP BY camera_id, date_trunc('hour', slot_at)
),

stated AS (
    SELECT
        camera_id,
        hour_at,
        slots_planned,
        slots_seen
    FROM observability
    WHERE pair_camera_id = ''
),

slots_that_do_not_add_up AS (
    SELECT
        coalesce(counted.camera_id, stated.camera_id) AS camera_id,
        coalesce(counted.hour_at, stated.hour_at) AS hour_at,
        coalesce(counted.planned, 0) AS planned,
        stated.slots_planned,
        coalesce(counted.seen, 0) AS seen,
        stated.slots_seen
    FROM counted
    FULL OUTER JOIN stated ON counted.camera_id = stated.camera_id AND counted.hour_at = stated.hour_at
    WHERE
        coalesce(counted.planned, 0) IS DISTINCT FROM stated.slots_planned
        OR coalesce(counted.seen, 0) IS DISTINCT FROM stated.slots_seen
)

SELECT
    camera_id,
    hour_at,
    planned,
    slots_planned,
    seen,
    slots_seen
FROM slots_that_do_not_add_up
ORDER BY camera_id, hour_at
