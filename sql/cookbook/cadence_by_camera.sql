-- grain: one camera
-- reads: cameras, frames
-- params:
-- units: seconds between two usable pictures
-- How often does each camera really show something new: usually, and at its longest gap?
WITH usable AS (
    SELECT
        camera_id,
        list_sort(list(coalesce(captured_at, slot_at))) AS taken_at
    FROM frames
    WHERE state = 'ok'
    GROUP BY camera_id
),

pairs AS (
    SELECT
        camera_id,
        unnest(taken_at[:-2]) AS one_at,
        unnest(taken_at[2:]) AS next_at
    FROM usable
),

gaps AS (
    SELECT
        camera_id,
        epoch_us(next_at) - epoch_us(one_at) AS gap_us,
        count(*) AS times
    FROM pairs
    GROUP BY camera_id, epoch_us(next_at) - epoch_us(one_at)
),

ranked AS (
    SELECT
        *,
        sum(times) OVER (PARTITION BY camera_id ORDER BY gap_us) AS up_to,
        sum(times) OVER (PARTITION BY camera_id) AS of_all
    FROM gaps
),

cadence_by_camera AS (
    SELECT
        ranked.camera_id,
        any_value(cameras.name) AS name,
        CAST(any_value(cameras.cadence_s) AS DECIMAL(9, 1)) AS stated_s,
        CAST(min(ranked.gap_us) FILTER (WHERE 100 * ranked.up_to >= 50 * ranked.of_all) / 1000000 AS DECIMAL(9, 2))
            AS p50_s,
        CAST(min(ranked.gap_us) FILTER (WHERE 100 * ranked.up_to >= 95 * ranked.of_all) / 1000000 AS DECIMAL(9, 2))
            AS p95_s,
        CAST(max(ranked.gap_us) / 1000000 AS DECIMAL(9, 2)) AS longest_s
    FROM ranked
    INNER JOIN cameras ON ranked.camera_id = cameras.camera_id
    GROUP BY ranked.camera_id
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
