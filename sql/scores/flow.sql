-- grain: one row of `flow`; where the truth tells no headings, one camera and five minutes
-- reads: flow, passes
-- params:
-- units: vehicles
WITH told AS (
    SELECT coalesce(bool_or(heading IS NOT NULL), FALSE) AS by_heading
    FROM passes
),

true_flow AS (
    SELECT
        passes.camera_id,
        CASE WHEN told.by_heading THEN passes.heading ELSE '' END AS heading,
        time_bucket(INTERVAL 5 MINUTE, passes.entered_at) AS interval_at,
        count(*) AS truth
    FROM passes
    CROSS JOIN told
    GROUP BY ALL
),

published AS (
    SELECT
        flow.camera_id,
        CASE WHEN told.by_heading THEN flow.heading ELSE '' END AS heading,
        flow.interval_at,
        sum(flow.vehicles_expected) AS found,
        sum(flow.low_vehicles) AS low,
        sum(flow.high_vehicles) AS high
    FROM flow
    CROSS JOIN told
    WHERE flow.heading <> 'none' OR NOT told.by_heading
    GROUP BY ALL
),

flow AS (
    SELECT
        published.camera_id,
        published.heading,
        published.interval_at,
        published.found,
        published.low,
        published.high,
        coalesce(true_flow.truth, 0) AS truth
    FROM published
    LEFT JOIN true_flow
        ON
            published.camera_id = true_flow.camera_id
            AND published.heading = true_flow.heading
            AND published.interval_at = true_flow.interval_at
)

SELECT * FROM flow
ORDER BY camera_id, interval_at, heading
