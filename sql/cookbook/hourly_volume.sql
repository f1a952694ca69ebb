-- grain: one camera, one local hour
-- reads: cameras, flow
-- params:
-- units: vehicles, percent of passing vehicles
-- How many vehicles passed each camera in each hour, and how many more came and went between two pictures?
WITH hourly_volume AS (
    SELECT
        flow.camera_id,
        any_value(cameras.name) AS name,
        date_trunc('hour', flow.interval_local) AS hour_local,
        CAST(sum(flow.vehicles) AS BIGINT) AS vehicles,
        CAST(sum(flow.vehicles_expected) AS BIGINT) AS vehicles_expected,
        any_value(flow.seen_percent) AS seen_percent
    FROM flow
    INNER JOIN cameras ON flow.camera_id = cameras.camera_id
    GROUP BY flow.camera_id, date_trunc('hour', flow.interval_local)
)

SELECT
    camera_id,
    name,
    hour_local,
    vehicles,
    vehicles_expected,
    seen_percent
FROM hourly_volume
ORDER BY camera_id, hour_local
