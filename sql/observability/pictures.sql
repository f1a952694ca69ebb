-- grain: one camera with planned observations in the window
-- reads: frames
-- params: starts_at, ends_at, follow_us
-- units: microseconds since 1970, microseconds
-- What the window has left before the first planned slot and after the last is one gap, no longer than any other.
WITH planned AS (
    SELECT
        camera_id,
        epoch_us(slot_at) AS slot_us,
        CASE WHEN state = 'ok' THEN epoch_us(coalesce(captured_at, slot_at)) END AS seen_us
    FROM frames
    WHERE slot_at >= $starts_at AND slot_at < $ends_at
),

spaced AS (
    SELECT
        camera_id,
        slot_us,
        seen_us,
        slot_us - lag(slot_us) OVER (PARTITION BY camera_id ORDER BY slot_us) AS gap_us
    FROM planned
),

pictures AS (
    SELECT
        camera_id,
        count(*) AS slots_planned,
        count(seen_us) AS slots_seen,
        max(slot_us) - min(slot_us) AS planned_us,
        sum(gap_us) FILTER (WHERE gap_us < $follow_us) AS close_us,
        least(
            max(gap_us),
            epoch_us($ends_at) - max(slot_us) + min(slot_us) - epoch_us($starts_at)
        ) AS rest_us,
        list(seen_us ORDER BY seen_us) FILTER (WHERE seen_us IS NOT NULL) AS seen_us
    FROM spaced
    GROUP BY camera_id
)

SELECT
    camera_id,
    slots_planned,
    slots_seen,
    planned_us + rest_us AS span_us,
    CAST(close_us AS BIGINT) AS close_us,
    seen_us
FROM pictures
ORDER BY camera_id
