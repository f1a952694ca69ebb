-- grain: one directed pair of cameras, one hour
-- reads: arrivals, learned
-- params: timezone, least, travel_spread
-- units: seconds from leaving the first camera's view to entering the second's, percent
-- By links, in the hour of arrival, where enough vehicles were linked; else by flows alone, in the hour of leaving.
-- column from_camera: camera left behind
-- column to_camera: camera reached
-- column hour_at: start of the hour
-- column hour_local: the same in local time
-- column source: `links`, or `flows` where too few vehicles were linked
-- column p15_s: seconds that 15 % take at most
-- column p50_s: median seconds
-- column p80_s: seconds that 80 % take at most
-- column p85_s: seconds that 85 % take at most
-- column p95_s: seconds that 95 % take at most
-- column low_s: with 95 % the median of all vehicles is not below this: chance, wrong links, gaps between pictures
-- column high_s: with 95 % the median of all vehicles is not above this
-- column buffer_percent: by how much longer than the median to allow, to be in time 19 times of 20
-- column lottr: level of travel time reliability, p80_s / p50_s
-- column seen_percent: percent of vehicles that pictures show at both cameras (`observability.p_pair`)
-- column support: vehicles behind the row
WITH ranked AS (
    SELECT
        from_camera,
        to_camera,
        hour_at,
        list_sort(list(travel_s)) AS times,
        count(*) AS n,
        1 - avg(CAST(probability AS DECIMAL(9, 6))) AS wrong,
        0.5 * n * (1 - wrong) - 0.98 * sqrt(n) AS low,
        0.5 * n * (1 + wrong) + 0.98 * sqrt(n) AS high,
        any_value(gaps_s) AS gaps_s,
        any_value(p_pair) AS p_pair,
        count(DISTINCT query_id) AS support
    FROM arrivals
    GROUP BY from_camera, to_camera, hour_at
),

linked AS (
    SELECT
        from_camera,
        to_camera,
        hour_at,
        'links' AS source,
        list_aggregate(times, 'quantile_disc', 0.15) AS p15_s,
        list_aggregate(times, 'quantile_disc', 0.50) AS p50_s,
        list_aggregate(times, 'quantile_disc', 0.80) AS p80_s,
        list_aggregate(times, 'quantile_disc', 0.85) AS p85_s,
        list_aggregate(times, 'quantile_disc', 0.95) AS p95_s,
        times[greatest(CAST(floor(low) AS BIGINT), 1)] * exp(-1.96 * $travel_spread) - gaps_s AS low_s,
        times[least(CAST(ceil(high) AS BIGINT) + 1, n)] * exp(1.96 * $travel_spread) AS high_s,
        p_pair,
        support
    FROM ranked
    WHERE support >= $least
),

travel_time AS (
    SELECT * FROM linked
    UNION ALL BY NAME
    SELECT
        *,
        'flows' AS source
    FROM learned
    WHERE (from_camera, to_camera, hour_at) NOT IN (SELECT (from_camera, to_camera, hour_at) FROM linked)
)

SELECT
    from_camera,
    to_camera,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    source,
    CAST(p15_s AS DECIMAL(9, 1)) AS p15_s,
    CAST(p50_s AS DECIMAL(9, 1)) AS p50_s,
    CAST(p80_s AS DECIMAL(9, 1)) AS p80_s,
    CAST(p85_s AS DECIMAL(9, 1)) AS p85_s,
    CAST(p95_s AS DECIMAL(9, 1)) AS p95_s,
    CAST(low_s AS DECIMAL(9, 1)) AS low_s,
    CAST(high_s AS DECIMAL(9, 1)) AS high_s,
    CAST(round(100 * (p95_s - p50_s) / nullif(greatest(p50_s, 0), 0)) AS INTEGER) AS buffer_percent,
    CAST(p80_s / nullif(greatest(p50_s, 0), 0) AS DECIMAL(9, 2)) AS lottr,
    CAST(100 * p_pair AS DECIMAL(4, 1)) AS seen_percent,
    support
FROM travel_time
ORDER BY from_camera, to_camera, hour_at
