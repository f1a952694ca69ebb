-- grain: one camera
-- reads: cameras, detections
-- params:
-- units: vehicles in pictures, percent of them; heights in pixels
-- How large do vehicles appear? Lower than 24 px there is too little to tell one from another.
WITH too_small_to_link AS (
    SELECT
        detections.camera_id,
        any_value(cameras.name) AS name,
        count(*) AS detections,
        CAST(round(median(detections.y2_px - detections.y1_px)) AS BIGINT) AS median_height_px,
        CAST(100 * count(*) FILTER (WHERE detections.y2_px - detections.y1_px < 24) / count(*) AS DECIMAL(4, 1))
            AS below_24_px_percent,
        CAST(100 * count(*) FILTER (WHERE detections.y2_px - detections.y1_px < 12) / count(*) AS DECIMAL(4, 1))
            AS below_12_px_percent
    FROM detections
    INNER JOIN cameras ON detections.camera_id = cameras.camera_id
    GROUP BY detections.camera_id
)

SELECT
    camera_id,
    name,
    detections,
    median_height_px,
    below_24_px_percent,
    below_12_px_percent
FROM too_small_to_link
ORDER BY camera_id
