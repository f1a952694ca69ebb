-- grain: one link that ends before it begins, stays at its camera, or misstates its travel time
-- reads: links, sightings
-- params:
-- units: seconds
WITH linked AS (
    SELECT
        links.query_id,
        links.gallery_id,
        links.travel_s,
        query.camera_id AS from_camera,
        gallery.camera_id AS to_camera,
        (epoch_us(gallery.entered_at) - epoch_us(query.left_at)) / 1000000 AS seconds
    FROM links
    INNER JOIN sightings AS query ON links.query_id = query.sighting_id
    INNER JOIN sightings AS gallery ON links.gallery_id = gallery.sighting_id
),

links_backwards AS (
    SELECT
        query_id,
        gallery_id,
        travel_s,
        seconds
    FROM linked
    WHERE seconds < 0 OR from_camera = to_camera OR abs(travel_s - seconds) > 0.001
)

SELECT
    query_id,
    gallery_id,
    travel_s,
    seconds
FROM links_backwards
ORDER BY query_id, gallery_id
