-- grain: one pair of sightings that place, heading and time allow to be one vehicle
-- reads: sightings, transitions, observability
-- params: bucket_us, first_us, last_us
-- units: microseconds since 1970, numbers of rows in the order of the key
-- A pair must support links in the hour of leaving and in that of arrival; one that was not weighed is refused like one
-- that was found too weak. A way from a camera to itself joins pieces of one pass; one without an hour is open in all.
-- The clock of the camera reached may be ahead; where both views show one place, who passed first tells the order.
WITH numbered AS (
    SELECT
        row_number() OVER (ORDER BY sighting_id) - 1 AS number,
        camera_id,
        heading,
        motion,
        epoch_us(entered_at) AS entered_us,
        epoch_us(left_at) AS left_us,
        epoch_us(entered_at) + epoch_us(left_at) AS passed_twice_us
    FROM sightings
),

moved AS (
    SELECT * FROM numbered WHERE motion <> 'parked'
),

ways AS (
    SELECT
        row_number() OVER (ORDER BY from_camera, to_camera, heading, hour_at) - 1 AS number,
        from_camera,
        to_camera,
        heading,
        to_heading,
        epoch_us(hour_at) // 3600000000 AS hour,
        CAST(floor(floor_s * 1e6) AS BIGINT) AS floor_us,
        CAST(floor(ceiling_s * 1e6) AS BIGINT) AS ceiling_us,
        CAST(round(clock_s * 1e6) AS BIGINT) AS clock_us
    FROM transitions
),

paired AS (
    SELECT camera_id, pair_camera_id, epoch_us(hour_at) // 3600000000 AS hour
    FROM observability
    WHERE pair_camera_id <> '' AND verdict IN ('link', 'trajectory')
),

departures AS (
    SELECT
        moved.number AS query,
        moved.left_us,
        ways.number AS way,
        ways.from_camera,
        ways.to_camera,
        ways.to_heading,
        ways.clock_us,
        moved.left_us + ways.clock_us + ways.floor_us AS earliest_us,
        moved.left_us + ways.clock_us + ways.ceiling_us AS latest_us,
        CASE WHEN ways.floor_us < 0 THEN moved.passed_twice_us + 2 * ways.clock_us END AS after_us
    FROM moved
    INNER JOIN ways
        ON
            moved.camera_id = ways.from_camera
            AND moved.heading = ways.heading
            AND coalesce(ways.hour = moved.left_us // 3600000000, TRUE)
    WHERE
        ways.from_camera = ways.to_camera
        OR (ways.from_camera, ways.to_camera, moved.left_us // 3600000000)
        IN (SELECT camera_id, pair_camera_id, hour FROM paired)
),

reach AS (
    SELECT *, unnest(range(earliest_us // $bucket_us, latest_us // $bucket_us + 1)) AS bucket
    FROM departures
),

arrivals AS (
    SELECT
        number AS gallery,
        camera_id,
        heading,
        entered_us,
        passed_twice_us,
        entered_us // $bucket_us AS bucket
    FROM moved
    WHERE entered_us >= $first_us AND entered_us < $last_us
),

candidates AS (
    SELECT
        reach.query,
        arrivals.gallery,
        reach.way,
        arrivals.entered_us - reach.left_us - reach.clock_us AS travel_us
    FROM reach
    INNER JOIN arrivals ON reach.to_camera = arrivals.camera_id AND reach.bucket = arrivals.bucket
    WHERE
        arrivals.entered_us BETWEEN reach.earliest_us AND reach.latest_us
        AND coalesce(arrivals.passed_twice_us > reach.after_us, TRUE)
        AND (arrivals.heading = reach.to_heading OR 'none' IN (arrivals.heading, reach.to_heading))
        AND (
            reach.from_camera = reach.to_camera
            OR (reach.from_camera, reach.to_camera, arrivals.entered_us // 3600000000)
            IN (SELECT camera_id, pair_camera_id, hour FROM paired)
        )
)

SELECT query, gallery, way, travel_us
FROM candidates
ORDER BY query, gallery, way
