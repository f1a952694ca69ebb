-- grain: one detection that is no box inside a usable frame
-- reads: detections, frames
-- params:
-- units: pixels
WITH detections_outside_their_frame AS (
    SELECT
        detections.detection_id,
        detections.x1_px,
        detections.y1_px,
        detections.x2_px,
        detections.y2_px,
        frames.width_px,
        frames.height_px,
        frames.state
    FROM detections
    LEFT JOIN frames ON detections.frame_id = frames.frame_id
    WHERE
        NOT coalesce(
            frames.state = 'ok'
            AND detections.camera_id = frames.camera_id
            AND detections.x1_px >= 0
            AND detections.y1_px >= 0
            AND detections.x1_px < detections.x2_px
            AND detections.y1_px < detections.y2_px
            AND detections.x2_px <= frames.width_px
            AND detections.y2_px <= frames.height_px,
            FALSE
        )
)

SELECT
    detection_id,
    x1_px,
    y1_px,
    x2_px,
    y2_px,
    width_px,
    height_px,
    state
FROM detections_outside_their_frame
ORDER BY detection_id
