-- grain: one planned observation of one camera with more than one frame
-- reads: frames
-- params:
-- units:
WITH slots_with_two_frames AS (
    SELECT
        camera_id,
        slot_at,
        count(*) AS times
    FROM frames
    GROUP BY camera_id, slot_at
    HAVING count(*) > 1
)

SELECT
    camera_id,
    slot_at,
    times
FROM slots_with_two_frames
ORDER BY camera_id, slot_at
