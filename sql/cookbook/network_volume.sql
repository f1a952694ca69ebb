-- grain: one quarter of an hour, all cameras
-- reads: flow
-- params:
-- units: vehicle passes, cameras
-- When is the whole network busy? A vehicle counts once at each camera it passes.
WITH network_volume AS (
    SELECT
        time_bucket(INTERVAL 15 MINUTE, interval_local) AS quarter_local,
        CAST(sum(vehicles) AS BIGINT) AS passes,
        count(DISTINCT camera_id) AS cameras
    FROM flow
    GROUP BY time_bucket(INTERVAL 15 MINUTE, interval_local)
)

SELECT
    quarter_local,
    passes,
    cameras
FROM network_volume
ORDER BY quarter_local
