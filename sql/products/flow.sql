-- grain: one camera, one heading, five minutes
-- reads: sightings, observability
-- params: timezone, followed_passes, single_passes, passes_spread
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
        ($followed_passes * support + $single_passes * singles) / p_seen AS expected,
        1.96 * sqrt($passes_spread * $passes_spread + 1 / (support + singles)) AS doubt
    FROM counted
)

SELECT
    camera_id,
    heading,
    interval_at,
    timezone($timezone, interval_at) AS interval_local,
    support AS vehicles,
    CAST(round(expected) AS BIGINT) AS vehicles_expected,
    CAST(floor(least(expected * exp(-doubt), support)) AS BIGINT) AS low_vehicles,
    CAST(ceil(greatest(expected * exp(doubt), support)) AS BIGINT) AS high_vehicles,
    CAST(100 * p_seen AS DECIMAL(4, 1)) AS seen_percent,
    support
FROM flow
WHERE support > 0
ORDER BY camera_id, interval_at, heading
