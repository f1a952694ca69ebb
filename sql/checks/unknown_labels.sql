-- grain: one detection or sighting that is no vehicle, or is more than certain
-- reads: detections, sightings
-- params:
-- units: score and quality 0..1
WITH labelled AS (
    SELECT
        detection_id AS id,
        label,
        score
    FROM detections
    UNION ALL
    SELECT
        sighting_id AS id,
        label,
        quality AS score
    FROM sightings
),

unknown_labels AS (
    SELECT
        id,
        label,
        score
    FROM labelled
    WHERE
        label NOT IN ('car', 'truck', 'bus', 'motorcycle', 'vehicle')
        OR NOT coalesce(score BETWEEN 0 AND 1, FALSE)
)

SELECT
    id,
    label,
    score
FROM unknown_labels
ORDER BY id
