-- grain: one detection that stands more than once in sightings
-- reads: sightings
-- params:
-- units:
WITH seen AS (
    SELECT unnest(detection_ids) AS detection_id
    FROM sightings
),

two_sightings_for_one_detection AS (
    SELECT
        detection_id,
        count(*) AS times
    FROM seen
    GROUP BY detection_id
    HAVING count(*) > 1
)

SELECT
    detection_id,
    times
FROM two_sightings_for_one_detection
ORDER BY detection_id
