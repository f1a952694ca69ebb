-- grain: one link that travel times and speeds are told by
-- reads: sightings, observability, links
-- params: min_probability
-- units: seconds; probability that both sightings are one vehicle
-- Links that are sure enough, between cameras that support links in the hour of arrival. `travel_s` is from the last
-- picture at the first camera to the first at the second, `journey_s` from the middle of one pass to that of the next.
WITH honest AS (
    SELECT
        camera_id,
        pair_camera_id,
        hour_at,
        p_pair
    FROM observability
    WHERE pair_camera_id <> '' AND verdict IN ('link', 'trajectory')
),

alone AS (
    SELECT
        camera_id,
        hour_at,
        coalesce(cadence_s, 0) AS cadence_s
    FROM observability
    WHERE pair_camera_id = ''
),

passing AS (
    SELECT
        sighting_id,
        camera_id,
        entered_at,
        (epoch_us(left_at) - epoch_us(entered_at)) / 2e6 AS half_s
    FROM sightings
),

arrivals AS (
    SELECT
        links.query_id,
        links.gallery_id,
        one.camera_id AS from_camera,
        other.camera_id AS to_camera,
        date_trunc('hour', other.entered_at) AS hour_at,
        time_bucket(INTERVAL 15 MINUTE, other.entered_at) AS interval_at,
        links.travel_s,
        links.travel_s + one.half_s + other.half_s AS journey_s,
        links.probability
    FROM links
    INNER JOIN passing AS one ON links.query_id = one.sighting_id
    INNER JOIN passing AS other ON links.gallery_id = other.sighting_id
    WHERE links.probability >= $min_probability
)

SELECT
    arrivals.*,
    honest.p_pair,
    coalesce(before.cadence_s, 0) + coalesce(after.cadence_s, 0) AS gaps_s
FROM arrivals
INNER JOIN honest
    ON
        arrivals.from_camera = honest.camera_id
        AND arrivals.to_camera = honest.pair_camera_id
        AND arrivals.hour_at = honest.hour_at
LEFT JOIN alone AS before ON arrivals.from_camera = before.camera_id AND arrivals.hour_at = before.hour_at
LEFT JOIN alone AS after ON arrivals.to_camera = after.camera_id AND arrivals.hour_at = after.hour_at
ORDER BY arrivals.query_id, arrivals.gallery_id
