-- grain: one link between cameras that cannot honestly support one in the hour of its arrival
-- reads: links, sightings, observability
-- params:
-- units:
WITH linked AS (
    SELECT
        links.query_id,
        links.gallery_id,
        query.camera_id AS from_camera,
        gallery.camera_id AS to_camera,
        date_trunc('hour', gallery.entered_at) AS hour_at
    FROM links
    INNER JOIN sightings AS query ON links.query_id = query.sighting_id
    INNER JOIN sightings AS gallery ON links.gallery_id = gallery.sighting_id
),

honest AS (
    SELECT
        camera_id,
        pair_camera_id,
        hour_at
    FROM observability
    WHERE verdict IN ('link', 'trajectory')
),

links_beyond_observability AS (
    SELECT
        linked.query_id,
        linked.gallery_id,
        linked.from_camera,
        linked.to_camera,
        linked.hour_at
    FROM linked
    ANTI JOIN honest
        ON
            linked.from_camera = honest.camera_id
            AND linked.to_camera = honest.pair_camera_id
            AND linked.hour_at = honest.hour_at
)

SELECT
    query_id,
    gallery_id,
    from_camera,
    to_camera,
    hour_at
FROM links_beyond_observability
ORDER BY query_id, gallery_id
