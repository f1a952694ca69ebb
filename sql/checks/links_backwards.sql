-- grain: one link that ends before it begins, stays at its camera, or misstates its travel time
-- reads: links, sightings, transitions
-- params:
-- units: seconds
-- The clock of the second camera may be ahead. Only where both views show one place (a floor below 0) may a vehicle
-- come to the second before it has left the first.
WITH clocks AS (
    SELECT
        from_camera,
        to_camera,
        min(floor_s) AS floor_s,
        any_value(clock_s) AS clock_s
    FROM transitions
    GROUP BY from_camera, to_camera
),

timed AS (
    SELECT
        links.query_id,
        links.gallery_id,
        links.travel_s,
        query.camera_id AS from_camera,
        gallery.camera_id AS to_camera,
        (epoch_us(gallery.entered_at) - epoch_us(query.left_at)) / 1000000 AS apart_s
    FROM links
    INNER JOIN sightings AS query ON links.query_id = query.sighting_id
    INNER JOIN sightings AS gallery ON links.gallery_id = gallery.sighting_id
),

linked AS (
    SELECT
        timed.* EXCLUDE (apart_s),
        timed.apart_s - coalesce(clocks.clock_s, 0) AS seconds,
        least(coalesce(clocks.floor_s, 0), 0) - 0.001 AS least_s
    FROM timed
    LEFT JOIN clocks ON timed.from_camera = clocks.from_camera AND timed.to_camera = clocks.to_camera
),

links_backwards AS (
    SELECT
        query_id,
        gallery_id,
        travel_s,
        seconds
    FROM linked
    WHERE seconds < least_s OR from_camera = to_camera OR abs(travel_s - seconds) > 0.001
)

SELECT
    query_id,
    gallery_id,
    travel_s,
    seconds
FROM links_backwards
ORDER BY query_id, gallery_id
