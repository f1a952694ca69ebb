-- grain: one way onward from one sighting or back from it, and one sighting at its other end in time, if any
-- reads: sightings, transitions, observability, links
-- params: sighting_id
-- units: seconds; UTC; probability 0..1
-- `taken` is how sure the link is that the other sighting has on that side, with whomever.
WITH asked AS (
    SELECT * FROM sightings WHERE sighting_id = $sighting_id
),

onward AS (
    SELECT
        'onward' AS side,
        transitions.*,
        transitions.to_camera AS other_camera,
        transitions.to_heading AS other_heading,
        asked.left_at + to_microseconds(CAST((clock_s + floor_s) * 1e6 AS BIGINT)) AS first_at,
        asked.left_at + to_microseconds(CAST((clock_s + ceiling_s) * 1e6 AS BIGINT)) AS last_at
    FROM asked
    INNER JOIN transitions
        ON
            asked.camera_id = transitions.from_camera
            AND asked.heading = transitions.heading
            AND date_trunc('hour', asked.left_at) = transitions.hour_at
),

back AS (
    SELECT
        'back' AS side,
        transitions.*,
        transitions.from_camera AS other_camera,
        transitions.heading AS other_heading,
        asked.entered_at - to_microseconds(CAST((clock_s + ceiling_s) * 1e6 AS BIGINT)) AS first_at,
        asked.entered_at - to_microseconds(CAST((clock_s + floor_s) * 1e6 AS BIGINT)) AS last_at
    FROM asked
    INNER JOIN transitions
        ON
            asked.camera_id = transitions.to_camera
            AND (asked.heading = transitions.to_heading OR 'none' IN (asked.heading, transitions.to_heading))
),

ways AS (
    SELECT * FROM onward
    UNION ALL
    SELECT * FROM back
    WHERE first_at < hour_at + INTERVAL 1 HOUR AND last_at >= hour_at
),

others AS (
    SELECT
        sighting_id,
        camera_id,
        heading,
        entered_at,
        left_at
    FROM sightings
    WHERE motion NOT IN ('parked', 'lone')
),

met AS (
    SELECT
        ways.side,
        ways.from_camera,
        ways.to_camera,
        ways.hour_at,
        ways.travel_mu,
        ways.travel_sigma,
        ways.floor_s,
        ways.ceiling_s,
        ways.clock_s,
        ways.support,
        ways.source,
        others.sighting_id AS other_id,
        CASE
            WHEN ways.side = 'onward' THEN epoch_us(others.entered_at) - epoch_us(asked.left_at)
            ELSE epoch_us(asked.entered_at) - epoch_us(others.left_at)
        END / 1e6 - ways.clock_s AS gap_s,
        CASE WHEN ways.side = 'onward' THEN asked.left_at ELSE others.left_at END AS departed_at,
        CASE WHEN ways.side = 'onward' THEN others.entered_at ELSE asked.entered_at END AS arrived_at
    FROM ways
    CROSS JOIN asked
    LEFT JOIN others
        ON
            ways.other_camera = others.camera_id
            AND (
                ways.other_heading = others.heading
                OR (ways.side = 'onward' AND 'none' IN (ways.other_heading, others.heading))
            )
            AND CASE WHEN ways.side = 'onward' THEN others.entered_at ELSE others.left_at END
            BETWEEN ways.first_at AND ways.last_at
            AND (ways.side = 'onward' OR date_trunc('hour', others.left_at) = ways.hour_at)
),

taken AS (
    SELECT
        'onward' AS side,
        gallery_id AS sighting_id,
        probability
    FROM links
    UNION ALL
    SELECT
        'back' AS side,
        query_id AS sighting_id,
        probability
    FROM links
),

why AS (
    SELECT
        met.*,
        taken.probability AS taken,
        departure.verdict AS departure_verdict,
        departure.reason AS departure_reason,
        arrival.verdict AS arrival_verdict,
        arrival.reason AS arrival_reason
    FROM met
    LEFT JOIN taken ON met.side = taken.side AND met.other_id = taken.sighting_id
    LEFT JOIN observability AS departure
        ON
            met.from_camera = departure.camera_id
            AND met.to_camera = departure.pair_camera_id
            AND coalesce(date_trunc('hour', met.departed_at), met.hour_at) = departure.hour_at
    LEFT JOIN observability AS arrival
        ON
            met.from_camera = arrival.camera_id
            AND met.to_camera = arrival.pair_camera_id
            AND coalesce(date_trunc('hour', met.arrived_at), met.hour_at) = arrival.hour_at
)

SELECT *
FROM why
ORDER BY side, from_camera, to_camera, hour_at, other_id
