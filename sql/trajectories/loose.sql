-- grain: one camera, one heading, one hour of leaving
-- reads: sightings, legs
-- params:
-- units: sightings, seconds
-- How many vehicles no leg leads on from, and how many no leg leads to.
WITH loose AS (
    SELECT
        sightings.camera_id,
        sightings.heading,
        date_trunc('hour', sightings.left_at) AS hour_at,
        count(*) - count(onward.query_id) AS ends,
        count(*) - count(before.gallery_id) AS starts,
        quantile_disc(epoch_us(sightings.left_at) - epoch_us(sightings.entered_at), 0.5) / 1000000 AS stay_s
    FROM sightings
    LEFT JOIN legs AS onward ON sightings.sighting_id = onward.query_id
    LEFT JOIN legs AS before ON sightings.sighting_id = before.gallery_id
    WHERE sightings.motion NOT IN ('parked', 'lone')
    GROUP BY sightings.camera_id, sightings.heading, date_trunc('hour', sightings.left_at)
)

SELECT
    camera_id,
    heading,
    hour_at,
    ends,
    starts,
    stay_s
FROM loose
ORDER BY camera_id, heading, hour_at
