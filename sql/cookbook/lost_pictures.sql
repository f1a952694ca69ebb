-- grain: one camera, one state of its pictures other than ok
-- reads: cameras, frames
-- params: timezone
-- units: frames
-- Which pictures were lost, when, and why?
WITH lost_pictures AS (
    SELECT
        frames.camera_id,
        frames.state,
        any_value(cameras.name) AS name,
        count(*) AS frames,
        timezone($timezone, min(frames.slot_at)) AS first_local,
        timezone($timezone, max(frames.slot_at)) AS last_local,
        mode(frames.reason ORDER BY frames.frame_id) AS reason
    FROM frames
    INNER JOIN cameras ON frames.camera_id = cameras.camera_id
    WHERE frames.state <> 'ok'
    GROUP BY frames.camera_id, frames.state
)

SELECT
    camera_id,
    name,
    state,
    frames,
    first_local,
    last_local,
    reason
FROM lost_pictures
ORDER BY camera_id, state
