-- grain: one link that leads forward in time and is the best of both its sightings
-- reads: links, sightings, observability, transitions
-- params:
-- units: probability 0..1, microseconds
-- A vehicle goes on along one link only: the likeliest, should a sighting have several.
-- The second camera's clock may be ahead: times there are told by the first's. Only where both views show one place (a
-- floor below 0) may a vehicle come before it has left; who passed first tells the order.
-- Only pairs that support trajectories in the hour of arrival lead on; the others' links give travel times, no more.
WITH honest AS (
    SELECT
        camera_id,
        pair_camera_id,
        hour_at
    FROM observability
    WHERE pair_camera_id <> '' AND verdict = 'trajectory'
),

clocks AS (
    SELECT
        from_camera,
        to_camera,
        CAST(floor(1000000 * least(min(floor_s), 0)) AS BIGINT) AS least_us,
        CAST(round(1000000 * any_value(clock_s)) AS BIGINT) AS clock_us
    FROM transitions
    GROUP BY from_camera, to_camera
),

joined AS (
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
        query.left_at AS query_left_at,
        coalesce(clocks.clock_us, 0) AS clock_us,
        coalesce(clocks.least_us, 0) AS least_us,
        gallery.entered_at - to_microseconds(coalesce(clocks.clock_us, 0)) AS gallery_entered_at,
        gallery.left_at - to_microseconds(coalesce(clocks.clock_us, 0)) AS gallery_left_at
    FROM links
    INNER JOIN sightings AS query ON links.query_id = query.sighting_id
    INNER JOIN sightings AS gallery ON links.gallery_id = gallery.sighting_id
    LEFT JOIN clocks ON query.camera_id = clocks.from_camera AND gallery.camera_id = clocks.to_camera
),

forward AS (
    SELECT
        query_id,
        gallery_id,
        probability,
        distance,
        from_camera,
        to_camera,
        from_heading,
        to_heading,
        clock_us,
        query_entered_at,
        gallery_left_at,
        query_entered_at + to_microseconds(
            (epoch_us(query_left_at) - epoch_us(query_entered_at)) // 2
        ) AS query_passed_at,
        gallery_entered_at + to_microseconds(
            (epoch_us(gallery_left_at) - epoch_us(gallery_entered_at)) // 2
        ) AS gallery_passed_at
    FROM joined
    WHERE
        epoch_us(gallery_entered_at) - epoch_us(query_left_at) >= least_us
        AND epoch_us(query_entered_at) + epoch_us(query_left_at)
        < epoch_us(gallery_entered_at) + epoch_us(gallery_left_at)
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
