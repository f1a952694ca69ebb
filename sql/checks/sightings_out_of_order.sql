-- grain: one sighting that leaves before it enters, has no detection, or whose motion is not what it shows
-- reads: sightings
-- params:
-- units: detections
WITH sightings_out_of_order AS (
    SELECT
        sighting_id,
        entered_at,
        left_at,
        motion,
        heading,
        len(detection_ids) AS detections
    FROM sightings
    WHERE
        left_at < entered_at
        OR len(detection_ids) = 0
        OR (motion IN ('single', 'lone')) <> (len(detection_ids) = 1)
        OR motion NOT IN ('moving', 'stopped', 'parked', 'single', 'lone')
        OR heading NOT IN (
            'N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW', 'away', 'toward', 'left', 'right', 'none'
        )
)

SELECT
    sighting_id,
    entered_at,
    left_at,
    motion,
    heading,
    detections
FROM sightings_out_of_order
ORDER BY sighting_id
