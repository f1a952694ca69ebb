-- grain: one end of a chain and one later start of another that place, heading and time allow to be one vehicle
-- reads: sightings, legs, detours
-- params:
-- units: seconds, microseconds, vehicles a second
-- Sightings that no link follows, or precedes, are chains of one. All times by the clock of the first camera.
WITH moved AS (
    SELECT
        sighting_id,
        camera_id,
        heading,
        label,
        entered_at,
        epoch_us(entered_at) AS entered_us,
        epoch_us(left_at) AS left_us,
        date_trunc('hour', left_at) AS hour_at
    FROM sightings
    WHERE motion NOT IN ('parked', 'lone')
),

ways AS (
    SELECT
        from_camera,
        heading AS from_heading,
        hour_at AS from_hour_at,
        to_camera,
        to_heading,
        mu,
        sigma,
        floor_s,
        expected,
        rate,
        CAST(floor((floor_s + clock_s) * 1000000) AS BIGINT) AS least_us,
        CAST(ceil((floor_s + clock_s + exp(mu + 3 * sigma)) * 1000000) AS BIGINT) AS most_us,
        CAST(round(clock_s * 1000000) AS BIGINT) AS clock_us
    FROM detours
),

leaving AS (
    SELECT
        moved.*,
        ways.*,
        unnest(range(
            (moved.left_us + ways.least_us) // 60000000, (moved.left_us + ways.most_us) // 60000000 + 1
        )) AS minute
    FROM moved
    INNER JOIN ways
        ON
            moved.camera_id = ways.from_camera
            AND moved.heading = ways.from_heading
            AND moved.hour_at = ways.from_hour_at
    ANTI JOIN legs ON moved.sighting_id = legs.query_id
),

coming AS (
    SELECT
        moved.*,
        moved.entered_us // 60000000 AS minute
    FROM moved
    ANTI JOIN legs ON moved.sighting_id = legs.gallery_id
),

gaps AS (
    SELECT
        leaving.sighting_id AS query_id,
        coming.sighting_id AS gallery_id,
        leaving.from_camera,
        leaving.to_camera,
        leaving.from_heading,
        coming.heading AS to_heading,
        leaving.clock_us,
        leaving.entered_at AS query_entered_at,
        coming.entered_us,
        coming.left_us,
        leaving.entered_us AS query_entered_us,
        leaving.left_us AS query_left_us,
        (coming.entered_us - leaving.left_us - leaving.clock_us) / 1000000 - leaving.floor_s AS late_s,
        leaving.mu,
        leaving.sigma,
        leaving.expected,
        leaving.rate,
        leaving.label AS query_label,
        coming.label AS gallery_label
    FROM leaving
    INNER JOIN coming
        ON
            leaving.to_camera = coming.camera_id
            AND leaving.minute = coming.minute
            AND (leaving.to_heading = coming.heading OR 'none' IN (leaving.to_heading, coming.heading))
    WHERE
        coming.entered_us > leaving.left_us + leaving.least_us
        AND coming.entered_us <= leaving.left_us + leaving.most_us
        AND coming.entered_us > leaving.left_us + leaving.clock_us
)

SELECT
    query_id,
    gallery_id,
    from_camera,
    to_camera,
    from_heading,
    to_heading,
    clock_us,
    query_entered_at,
    make_timestamptz(left_us - clock_us) AS gallery_left_at,
    make_timestamptz((query_entered_us + query_left_us) // 2) AS query_passed_at,
    make_timestamptz(entered_us - clock_us + (left_us - entered_us) // 2) AS gallery_passed_at,
    late_s,
    mu,
    sigma,
    expected,
    rate,
    query_label,
    gallery_label
FROM gaps
ORDER BY query_id, gallery_id
