-- grain: one camera, one heading, five minutes
-- reads: sightings, observability
-- params: timezone
-- units: vehicles, percent of passing vehicles
-- Vehicles that were followed over two pictures or more and were not parked, those that waited included; heading `none`
-- where it is not told. A box in one picture alone may be a piece of a pass or no vehicle, and is not counted.
-- `vehicles` is what was seen; `vehicles_expected` also those that came and went between two pictures.
WITH entering AS (
    SELECT
        camera_id,
        heading,
        sighting_id,
        time_bucket(INTERVAL 5 MINUTE, entered_at) AS interval_at,
        date_trunc('hour', entered_at) AS hour_at
    FROM sightings
    WHERE motion NOT IN ('parked', 'single', 'lone')
),

honest AS (
    SELECT
        camera_id,
        hour_at,
        p_seen
    FROM observability
    WHERE pair_camera_id = '' AND verdict IN ('flow', 'link', 'trajectory')
),

flow AS (
    SELECT
        entering.camera_id,
        entering.heading,
        entering.interval_at,
        count(DISTINCT entering.sighting_id) AS support,
        any_value(honest.p_seen) AS p_seen
    FROM entering
    INNER JOIN honest ON entering.camera_id = honest.camera_id AND entering.hour_at = honest.hour_at
    GROUP BY entering.camera_id, entering.heading, entering.interval_at
)

SELECT
    camera_id,
    heading,
    interval_at,
    timezone($timezone, interval_at) AS interval_local,
    support AS vehicles,
    CAST(round(support / p_seen) AS BIGINT) AS vehicles_expected,
    CAST(100 * p_seen AS DECIMAL(4, 1)) AS seen_percent,
    support
FROM flow
ORDER BY camera_id, interval_at, heading
