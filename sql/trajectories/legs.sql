-- grain: one link that leads forward in time and is the best of both its sightings
-- reads: links, sightings, observability
-- params:
-- units: probability 0..1
-- Windows overlap by their lookback, so a sighting may come with a link from each; a vehicle goes on along one only.
-- Only pairs that support trajectories in the hour of arrival lead on; the others' links give travel times, no more.
WITH honest AS (
    SELECT
        camera_id,
        pair_camera_id,
        hour_at
    FROM observability
    WHERE pair_camera_id <> '' AND verdict = 'trajectory'
),

forward AS (
    SELECT
        links.query_id,
        links.gallery_id,
        links.probability,
        links.distance,
        query.camera_id AS from_camera,
        gallery.camera_id AS to_camera,
        query.heading AS from_heading,
        gallery.heading AS to_heading,
        query.entered_at AS query_entered_at,
        gallery.left_at AS gallery_left_at,
        query.entered_at + to_microseconds(
            (epoch_us(query.left_at) - epoch_us(query.entered_at)) // 2
        ) AS query_passed_at,
        gallery.entered_at + to_microseconds(
            (epoch_us(gallery.left_at) - epoch_us(gallery.entered_at)) // 2
        ) AS gallery_passed_at
    FROM links
    INNER JOIN sightings AS query ON links.query_id = query.sighting_id
    INNER JOIN sightings AS gallery ON links.gallery_id = gallery.sighting_id
    WHERE query.left_at <= gallery.entered_at AND query.entered_at < gallery.left_at
),

ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY query_id ORDER BY probability DESC, distance ASC, gallery_id ASC
        ) AS query_rank,
        row_number() OVER (
            PARTITION BY gallery_id ORDER BY probability DESC, distance ASC, query_id ASC
        ) AS gallery_rank
    FROM forward
),

legs AS (
    SELECT ranked.* EXCLUDE (query_rank, gallery_rank)
    FROM ranked
    INNER JOIN honest
        ON
            ranked.from_camera = honest.camera_id
            AND ranked.to_camera = honest.pair_camera_id
            AND date_trunc('hour', ranked.gallery_passed_at) = honest.hour_at
    WHERE ranked.query_rank = 1 AND ranked.gallery_rank = 1
)

SELECT *
FROM legs
ORDER BY query_id
