-- grain: one frame whose state is not in the list, or is told without its reason
-- reads: frames
-- params:
-- units:
WITH unknown_states AS (
    SELECT
        frame_id,
        state,
        reason
    FROM frames
    WHERE
        state NOT IN ('ok', 'stale', 'frozen', 'placeholder', 'dark', 'moved', 'broken', 'missed')
        OR (state <> 'ok' AND coalesce(reason, '') = '')
)

SELECT
    frame_id,
    state,
    reason
FROM unknown_states
ORDER BY frame_id
