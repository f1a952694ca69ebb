-- grain: one sighting that links or trajectories name and nobody saw
-- reads: links, sightings, trajectories
-- params:
-- units:
WITH named AS (
    SELECT query_id AS sighting_id
    FROM links
    UNION
    SELECT gallery_id AS sighting_id
    FROM links
    UNION
    SELECT unnest(sighting_ids) AS sighting_id
    FROM trajectories
),

unknown_sightings AS (
    SELECT named.sighting_id
    FROM named
    ANTI JOIN sightings ON named.sighting_id = sightings.sighting_id
)

SELECT sighting_id
FROM unknown_sightings
ORDER BY sighting_id
