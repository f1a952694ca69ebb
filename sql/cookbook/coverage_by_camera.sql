-- grain: one camera
-- reads: cameras, observability
-- params:
-- units: pictures, percent of pictures planned, percent of passing vehicles in the worst hour
-- What did each camera see of the night, and what does that support in its worst hour?
WITH hours AS (
    SELECT
        camera_id,
        hour_at,
        slots_planned,
        slots_seen,
        p_seen,
        verdict,
        reason
    FROM observability
    WHERE pair_camera_id = ''
),

coverage_by_camera AS (
    SELECT
        hours.camera_id,
        any_value(cameras.name) AS name,
        CAST(sum(hours.slots_planned) AS BIGINT) AS pictures_planned,
        CAST(sum(hours.slots_seen) AS BIGINT) AS pictures_seen,
        CAST(100 * sum(hours.slots_seen) / nullif(sum(hours.slots_planned), 0) AS DECIMAL(4, 1)) AS percent,
        CAST(100 * min(hours.p_seen) AS DECIMAL(4, 1)) AS worst_seen_percent,
        arg_min(hours.verdict, (hours.p_seen, hours.hour_at)) AS worst_verdict,
        arg_min(hours.reason, (hours.p_seen, hours.hour_at)) AS worst_reason
    FROM hours
    INNER JOIN cameras ON hours.camera_id = cameras.camera_id
    GROUP BY hours.camera_id
)

SELECT
    camera_id,
    name,
    pictures_planned,
    pictures_seen,
    percent,
    worst_seen_percent,
    worst_verdict,
    worst_reason
FROM coverage_by_camera
ORDER BY percent ASC NULLS FIRST, camera_id ASC
