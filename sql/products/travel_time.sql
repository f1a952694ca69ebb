-- grain: one directed pair of cameras, one hour of arrival
-- reads: sightings, observability, links
-- params: timezone, min_probability
-- units: seconds from leaving the first camera's view to entering the second's
WITH arrivals AS (
    SELECT
        links.query_id,
        links.travel_s,
        query.camera_id AS from_camera,
        gallery.camera_id AS to_camera,
        date_trunc('hour', gallery.entered_at) AS hour_at
    FROM links
    INNER JOIN sightings AS query ON links.query_id = query.sighting_id
    INNER JOIN sightings AS gallery ON links.gallery_id = gallery.sighting_id
    WHERE links.probability >= $min_probability
),

honest AS (
    SELECT
        camera_id,
        pair_camera_id,
        hour_at,
        p_pair
    FROM observability
    WHERE pair_camera_id <> '' AND verdict IN ('link', 'trajectory')
),

travel_time AS (
    SELECT
        arrivals.from_camera,
        arrivals.to_camera,
        arrivals.hour_at,
        any_value(honest.p_pair) AS p_pair,
        quantile_disc(arrivals.travel_s, 0.15) AS p15_s,
        quantile_disc(arrivals.travel_s, 0.50) AS p50_s,
        quantile_disc(arrivals.travel_s, 0.85) AS p85_s,
        count(DISTINCT arrivals.query_id) AS support
    FROM arrivals
    INNER JOIN honest
        ON
            arrivals.from_camera = honest.camera_id
            AND arrivals.to_camera = honest.pair_camera_id
            AND arrivals.hour_at = honest.hour_at
    GROUP BY arrivals.from_camera, arrivals.to_camera, arrivals.hour_at
)

SELECT
    from_camera,
    to_camera,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    CAST(p15_s AS DECIMAL(9, 1)) AS p15_s,
    CAST(p50_s AS DECIMAL(9, 1)) AS p50_s,
    CAST(p85_s AS DECIMAL(9, 1)) AS p85_s,
    CAST(100 * p_pair AS DECIMAL(4, 1)) AS seen_percent,
    support
FROM travel_time
ORDER BY from_camera, to_camera, hour_at
