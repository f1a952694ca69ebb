-- grain: one directed pair of cameras, its worst hour
-- reads: cameras, observability
-- params:
-- units: percent of vehicles passing both that are seen at both
-- Between which cameras can vehicles be linked at all, and what stands against it elsewhere?
WITH observable_pairs AS (
    SELECT
        observability.camera_id AS from_camera,
        observability.pair_camera_id AS to_camera,
        any_value(origins.name) AS from_name,
        any_value(destinations.name) AS to_name,
        CAST(100 * min(observability.p_pair) AS DECIMAL(4, 1)) AS worst_seen_percent,
        arg_min(observability.verdict, (observability.p_pair, observability.hour_at)) AS worst_verdict,
        arg_min(observability.reason, (observability.p_pair, observability.hour_at)) AS worst_reason
    FROM observability
    INNER JOIN cameras AS origins ON observability.camera_id = origins.camera_id
    INNER JOIN cameras AS destinations ON observability.pair_camera_id = destinations.camera_id
    GROUP BY observability.camera_id, observability.pair_camera_id
)

SELECT
    from_camera,
    to_camera,
    from_name,
    to_name,
    worst_seen_percent,
    worst_verdict,
    worst_reason
FROM observable_pairs
ORDER BY worst_seen_percent DESC, from_camera ASC, to_camera ASC
