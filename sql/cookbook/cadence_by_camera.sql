-- grain: one camera
-- reads: cameras, frames
-- params:
-- units: seconds between two usable pictures
-- How often does each camera really show something new: usually, and at its longest gap?
WITH usable AS (
    SELECT
        camera_id,
        epoch_ms(coalesce(captured_at, slot_at)) AS at_ms
    FROM frames
    WHERE state = 'ok'
),

gaps AS (
    SELECT
        camera_id,
        at_ms - lag(at_ms) OVER (PARTITION BY camera_id ORDER BY at_ms) AS gap_ms
    FROM usable
),

cadence_by_camera AS (
    SELECT
        gaps.camera_id,
        any_value(cameras.name) AS name,
        CAST(any_value(cameras.cadence_s) AS DECIMAL(9, 1)) AS stated_s,
        CAST(quantile_disc(gaps.gap_ms, 0.50) / 1000 AS DECIMAL(9, 2)) AS p50_s,
        CAST(quantile_disc(gaps.gap_ms, 0.95) / 1000 AS DECIMAL(9, 2)) AS p95_s,
        CAST(max(gaps.gap_ms) / 1000 AS DECIMAL(9, 2)) AS longest_s
    FROM gaps
    INNER JOIN cameras ON gaps.camera_id = cameras.camera_id
    GROUP BY gaps.camera_id
)

SELECT
    camera_id,
    name,
    stated_s,
    p50_s,
    p95_s,
    longest_s
FROM cadence_by_camera
ORDER BY camera_id
