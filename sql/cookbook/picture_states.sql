-- grain: one local hour, one state of pictures, all cameras
-- reads: frames
-- params: timezone
-- units: pictures, percent of the hour's pictures, cameras
-- How healthy was the feed, hour by hour?
WITH picture_states AS (
    SELECT
        state,
        timezone($timezone, date_trunc('hour', slot_at)) AS hour_local,
        count(*) AS pictures,
        CAST(100 * count(*) / sum(count(*)) OVER (PARTITION BY date_trunc('hour', slot_at)) AS DECIMAL(4, 1))
            AS percent,
        count(DISTINCT camera_id) AS cameras
    FROM frames
    GROUP BY state, date_trunc('hour', slot_at)
)

SELECT
    hour_local,
    state,
    pictures,
    percent,
    cameras
FROM picture_states
ORDER BY hour_local ASC, pictures DESC, state ASC
