-- grain: one directed pair of cameras, one hour
-- reads: sightings, observability, links, transitions
-- params: timezone, min_probability, k
-- units: seconds from leaving the first camera's view to entering the second's, percent
-- By links, in the hour of arrival, where k vehicles or more were linked; else by the flows alone (`source`), in the
-- hour of leaving, by the heading that most of them took. `low_s` to `high_s` holds the median with 95 % (by rank; by
-- flows, of a log-normal mean). Buffer: by how much longer than the median to allow, to be in time 19 times of 20.
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
        verdict,
        p_pair
    FROM observability
    WHERE pair_camera_id <> '' AND verdict IN ('flow', 'link', 'trajectory')
),

counted AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY from_camera, to_camera, hour_at) AS n
    FROM arrivals
),

linked AS (
    SELECT
        from_camera,
        to_camera,
        hour_at,
        'links' AS source,
        quantile_disc(travel_s, 0.15) AS p15_s,
        quantile_disc(travel_s, 0.50) AS p50_s,
        quantile_disc(travel_s, 0.85) AS p85_s,
        quantile_disc(travel_s, 0.95) AS p95_s,
        list_sort(list(travel_s))[greatest(CAST(floor(0.5 * any_value(n) - 0.98 * sqrt(any_value(n))) AS BIGINT), 1)]
            AS low_s,
        list_sort(list(travel_s))[
            least(CAST(ceil(0.5 * any_value(n) + 0.98 * sqrt(any_value(n))) AS BIGINT) + 1, any_value(n))
        ] AS high_s,
        count(DISTINCT query_id) AS support
    FROM counted
    GROUP BY from_camera, to_camera, hour_at
),

learned AS (
    SELECT
        from_camera,
        to_camera,
        hour_at,
        'flows' AS source,
        floor_s + exp(travel_mu - 1.036433 * travel_sigma) AS p15_s,
        floor_s + exp(travel_mu) AS p50_s,
        floor_s + exp(travel_mu + 1.036433 * travel_sigma) AS p85_s,
        floor_s + exp(travel_mu + 1.644854 * travel_sigma) AS p95_s,
        floor_s + exp(travel_mu - 1.959964 * travel_sigma / sqrt(greatest(hour_support, 1))) AS low_s,
        floor_s + exp(travel_mu + 1.959964 * travel_sigma / sqrt(greatest(hour_support, 1))) AS high_s,
        CAST(hour_support AS BIGINT) AS support
    FROM transitions
    WHERE source = 'learned'
    QUALIFY row_number() OVER (
        PARTITION BY from_camera, to_camera, hour_at
        ORDER BY hour_support DESC, heading ASC
    ) = 1
),

both_ways AS (
    SELECT * FROM linked
    WHERE support >= $k
    UNION ALL
    SELECT * FROM learned
    WHERE (from_camera, to_camera, hour_at) NOT IN (
        SELECT
            linked.from_camera,
            linked.to_camera,
            linked.hour_at
        FROM linked
        INNER JOIN honest
            ON
                linked.from_camera = honest.camera_id
                AND linked.to_camera = honest.pair_camera_id
                AND linked.hour_at = honest.hour_at
        WHERE linked.support >= $k AND honest.verdict <> 'flow'
    )
),

travel_time AS (
    SELECT
        both_ways.*,
        honest.p_pair
    FROM both_ways
    INNER JOIN honest
        ON
            both_ways.from_camera = honest.camera_id
            AND both_ways.to_camera = honest.pair_camera_id
            AND both_ways.hour_at = honest.hour_at
    WHERE both_ways.source = 'flows' OR honest.verdict <> 'flow'
)

SELECT
    from_camera,
    to_camera,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    source,
    CAST(p15_s AS DECIMAL(9, 1)) AS p15_s,
    CAST(p50_s AS DECIMAL(9, 1)) AS p50_s,
    CAST(p85_s AS DECIMAL(9, 1)) AS p85_s,
    CAST(p95_s AS DECIMAL(9, 1)) AS p95_s,
    CAST(low_s AS DECIMAL(9, 1)) AS low_s,
    CAST(high_s AS DECIMAL(9, 1)) AS high_s,
    CAST(round(100 * (p95_s - p50_s) / nullif(greatest(p50_s, 0), 0)) AS INTEGER) AS buffer_percent,
    CAST(100 * p_pair AS DECIMAL(4, 1)) AS seen_percent,
    support
FROM travel_time
ORDER BY from_camera, to_camera, hour_at
