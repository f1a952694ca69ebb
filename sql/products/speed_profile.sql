-- grain: one leg of a corridor, fifteen minutes
-- reads: arrivals, corridors
-- params: timezone, travel_spread
-- units: metres along the road from the corridor's first camera, kilometres an hour
-- A time-space diagram: where along a corridor vehicles were slow, and when. By links, in the quarter hour of arrival.
-- column corridor: its first and last camera; a corridor is a chain of pairs that vehicles drive on along
-- column leg: number of the leg in it, from 1
-- column from_camera: camera at the leg's beginning
-- column to_camera: camera at its end
-- column from_m: metres from the corridor's beginning to the leg's
-- column to_m: metres from the corridor's beginning to the leg's end
-- column interval_at: start of the fifteen minutes
-- column interval_local: the same in local time
-- column speed_kmh: median speed from the middle of one view to that of the next, waits included
-- column low_speed_kmh: with 95 % the median of all vehicles is not below this
-- column high_speed_kmh: with 95 % the median of all vehicles is not above this
-- column support: vehicles behind the row
WITH counted AS (
    SELECT
        arrivals.*,
        corridors.corridor,
        corridors.leg,
        corridors.from_m,
        corridors.to_m,
        3.6 * (corridors.to_m - corridors.from_m) AS scale,
        count(*) OVER legs AS n,
        1 - avg(CAST(arrivals.probability AS DECIMAL(9, 6))) OVER legs AS wrong
    FROM arrivals
    INNER JOIN corridors ON arrivals.from_camera = corridors.from_camera AND arrivals.to_camera = corridors.to_camera
    WHERE arrivals.journey_s > 0
    WINDOW legs AS (PARTITION BY arrivals.from_camera, arrivals.to_camera, arrivals.interval_at)
),

speed_profile AS (
    SELECT
        corridor,
        leg,
        from_camera,
        to_camera,
        from_m,
        to_m,
        interval_at,
        any_value(scale) AS scale,
        quantile_disc(journey_s, 0.5) AS p50_s,
        list_sort(list(journey_s)) AS times,
        any_value(n) AS n,
        0.5 * any_value(n) * (1 - any_value(wrong)) - 0.98 * sqrt(any_value(n)) AS low,
        0.5 * any_value(n) * (1 + any_value(wrong)) + 0.98 * sqrt(any_value(n)) AS high,
        count(DISTINCT query_id) AS support
    FROM counted
    GROUP BY corridor, leg, from_camera, to_camera, from_m, to_m, interval_at
)

SELECT
    corridor,
    leg,
    from_camera,
    to_camera,
    from_m,
    to_m,
    interval_at,
    timezone($timezone, interval_at) AS interval_local,
    CAST(scale / p50_s AS DECIMAL(7, 1)) AS speed_kmh,
    CAST(
        scale / times[least(CAST(ceil(high) AS BIGINT) + 1, n)] * exp(-1.96 * $travel_spread) AS DECIMAL(7, 1)
    ) AS low_speed_kmh,
    CAST(
        scale / times[greatest(CAST(floor(low) AS BIGINT), 1)] * exp(1.96 * $travel_spread) AS DECIMAL(7, 1)
    ) AS high_speed_kmh,
    support
FROM speed_profile
ORDER BY corridor, leg, interval_at
