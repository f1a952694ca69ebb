-- grain: one row of `counts`
-- reads: counts, passes
-- params: gap_s
-- units: vehicles in view, mean over the time from the hour's first pass to its last
-- A pass that is known by its pictures lasts from half a gap before the first to half a gap after the last.
WITH spans AS (
    SELECT
        camera_id,
        date_trunc('hour', entered_at) AS hour_at,
        (epoch_us(left_at) - epoch_us(entered_at)) / 1e6 + $gap_s AS stay_s,
        epoch_us(entered_at) AS entered_us
    FROM passes
),

hours AS (
    SELECT
        hour_at,
        ceil((max(entered_us) - min(entered_us)) / 6e7) * 60 AS lasts_s
    FROM spans
    GROUP BY hour_at
),

true_counts AS (
    SELECT
        spans.camera_id,
        spans.hour_at,
        sum(spans.stay_s) / any_value(hours.lasts_s) AS truth
    FROM spans
    INNER JOIN hours ON spans.hour_at = hours.hour_at
    GROUP BY spans.camera_id, spans.hour_at
),

counts AS (
    SELECT
        counts.camera_id,
        counts.hour_at,
        counts.vehicles_per_picture AS found,
        counts.low_vehicles_per_picture AS low,
        counts.high_vehicles_per_picture AS high,
        coalesce(true_counts.truth, 0) AS truth
    FROM counts
    LEFT JOIN true_counts ON counts.camera_id = true_counts.camera_id AND counts.hour_at = true_counts.hour_at
)

SELECT * FROM counts
ORDER BY camera_id, hour_at
