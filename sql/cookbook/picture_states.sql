-- grain: one local hour, one state of pictures, all cameras
-- reads: frames
-- params: timezone
-- units: pictures, percent of the hour's pictures, cameras
-- How healthy was the feed, hour by hour?
WITH by_camera AS (
    SELECT
        state,
        epoch_us(slot_at) // 3600000000 AS hour,
        camera_id,
        count(*) AS pictures
    FROM frames
    GROUP BY state, epoch_us(slot_at) // 3600000000, camera_id
),

picture_states AS (
    SELECT
        state,
        hour,
        CAST(sum(pictures) AS BIGINT) AS pictures,
        CAST(100 * sum(pictures) / sum(sum(pictures)) OVER (PARTITION BY hour) AS DECIMAL(4, 1)) AS percent,
        count(*) AS cameras
    FROM by_camera
    GROUP BY state, hour
)

SELECT
    timezone($timezone, make_timestamptz(hour * 3600000000)) AS hour_local,
    state,
    pictures,
    percent,
    cameras
FROM picture_states
ORDER BY hour_local ASC, pictures DESC, state ASC
