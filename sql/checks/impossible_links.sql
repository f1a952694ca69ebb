-- grain: one link whose travel time no transition between its cameras allows
-- reads: links, sightings, transitions
-- params:
-- units: seconds
-- Times are whole microseconds, bounds are not: a millisecond is let pass.
WITH linked AS (
    SELECT
        links.query_id,
        links.gallery_id,
        links.travel_s,
        query.camera_id AS from_camera,
        gallery.camera_id AS to_camera
    FROM links
    INNER JOIN sightings AS query ON links.query_id = query.sighting_id
    INNER JOIN sightings AS gallery ON links.gallery_id = gallery.sighting_id
),

impossible_links AS (
    SELECT
        linked.query_id,
        linked.gallery_id,
        linked.travel_s
    FROM linked
    ANTI JOIN transitions
        ON
            linked.from_camera = transitions.from_camera
            AND linked.to_camera = transitions.to_camera
            AND linked.travel_s >= transitions.floor_s - 0.001
            AND linked.travel_s <= transitions.ceiling_s + 0.001
)

SELECT
    query_id,
    gallery_id,
    travel_s
FROM impossible_links
ORDER BY query_id, gallery_id
