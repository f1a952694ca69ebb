-- grain: one camera, one heading, five minutes
-- reads: sightings, observability
-- params: timezone, k, round_to, followed_passes, single_passes, passes_spread
-- units: vehicles, percent of passing vehicles
-- column camera_id: camera
-- column heading: compass point N NE E SE S SW W NW, else `away` `toward` `left` `right`, else `none` where not told
-- column interval_at: start of the five minutes
-- column interval_local: the same in local time
-- column vehicles: vehicles that were followed over two pictures or more, those that waited included, parked ones not
-- column vehicles_expected: that passed: those followed and those in one picture alone, for what each stands for
-- column low_vehicles: with 95 % at least so many passed
-- column high_vehicles: with 95 % at most so many passed
-- column seen_percent: percent of passing vehicles that are in a picture at all (`observability.p_seen`)
-- column support: vehicles behind the row
WITH entering AS (
    SELECT
        camera_id,
        heading,
        sighting_id,
        motion IN ('single', 'lone') AS is_single,
        time_bucket(INTERVAL 5 MINUTE, entered_at) AS interval_at,
        date_trunc('hour', entered_at) AS hour_at
    FROM sightings
    WHERE motion <> 'parked'
),

honest AS (
    SELECT
        camera_id,
        hour_at,
        p_seen
    FROM observability
    WHERE pair_camera_id = '' AND verdict IN ('flow', 'link', 'trajectory')
),

counted AS (
    SELECT
        entering.camera_id,
        entering.heading,
        entering.interval_at,
        count(DISTINCT entering.sighting_id) FILTER (WHERE NOT entering.is_single) AS support,
        count(DISTINCT entering.sighting_id) FILTER (WHERE entering.is_single) AS singles,
        any_value(honest.p_seen) AS p_seen
    FROM entering
    INNER JOIN honest ON entering.camera_id = honest.camera_id AND entering.hour_at = honest.hour_at
    GROUP BY entering.camera_id, entering.heading, entering.interval_at
),

flow AS (
    SELECT
        *,
        greatest(rounded(support, $round_to), $k) AS vehicles,
        rounded(singles, $round_to) AS lone,
        greatest(vehicles - $round_to // 2, 1) AS least,
        greatest(lone - $round_to // 2, 0) AS least_lone,
        vehicles + $round_to // 2 AS most,
        ($followed_passes * vehicles + $single_passes * lone) / p_seen AS expected,
        ($followed_passes * least + $single_passes * least_lone) / p_seen AS low,
        ($followed_passes * most + $single_passes * (lone + $round_to // 2)) / p_seen AS high,
        1.96 * sqrt($passes_spread * $passes_spread + 1 / (least + least_lone)) AS doubt
    FROM counted
)

SELECT
    camera_id,
    heading,
    interval_at,
    timezone($timezone, interval_at) AS interval_local,
    vehicles,
    rounded(CAST(round(expected) AS BIGINT), $round_to) AS vehicles_expected,
    CAST(floor(least(low * exp(-doubt), least) / $round_to) AS BIGINT) * $round_to AS low_vehicles,
    CAST(ceil(greatest(high * exp(doubt), most) / $round_to) AS BIGINT) * $round_to AS high_vehicles,
    CAST(100 * p_seen AS DECIMAL(4, 1)) AS seen_percent,
    support
FROM flow
WHERE support > 0
ORDER BY camera_id, interval_at, heading
