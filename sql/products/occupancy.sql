-- grain: one camera, five minutes
-- reads: frames, sightings, observability
-- params: timezone, k, round_to, boxes_found, boxes_spread
-- units: vehicles in view, percent of pictures
-- column camera_id: camera
-- column interval_at: start of the five minutes
-- column interval_local: the same in local time
-- column pictures: usable pictures
-- column vehicles_per_picture: vehicles found in a picture, mean; parked ones left out
-- column low_vehicles_per_picture: with 95 % at least so many were in view, those not found included
-- column high_vehicles_per_picture: with 95 % at most so many were in view
-- column occupied_percent: percent of pictures with a vehicle that is not parked
-- column support: vehicles behind the row
WITH pictures AS (
    SELECT
        frame_id,
        camera_id,
        time_bucket(INTERVAL 5 MINUTE, coalesce(captured_at, slot_at)) AS interval_at,
        date_trunc('hour', coalesce(captured_at, slot_at)) AS hour_at
    FROM frames
    WHERE state = 'ok'
),

boxes AS (
    SELECT
        sighting_id,
        unnest(detection_ids) AS detection_id
    FROM sightings
    WHERE motion <> 'parked'
),

found AS (
    SELECT
        sighting_id,
        left(detection_id, len(rtrim(detection_id, '0123456789')) - 1) AS frame_id
    FROM boxes
),

honest AS (
    SELECT
        camera_id,
        hour_at
    FROM observability
    WHERE pair_camera_id = '' AND verdict <> 'none'
),

counted AS (
    SELECT
        pictures.camera_id,
        pictures.interval_at,
        count(DISTINCT pictures.frame_id) AS pictures,
        count(DISTINCT found.frame_id) AS occupied,
        count(found.sighting_id) AS boxes,
        count(DISTINCT found.sighting_id) AS support
    FROM pictures
    INNER JOIN honest ON pictures.camera_id = honest.camera_id AND pictures.hour_at = honest.hour_at
    LEFT JOIN found ON pictures.frame_id = found.frame_id
    GROUP BY pictures.camera_id, pictures.interval_at
),

occupancy AS (
    SELECT
        *,
        greatest(rounded(support, $round_to), $k) AS vehicles,
        boxes * vehicles / support / pictures AS mean,
        mean * greatest(1 - $round_to // 2 / vehicles, 1 / vehicles) AS least,
        mean * (1 + $round_to // 2 / vehicles) AS most,
        1.96 * sqrt($boxes_spread * $boxes_spread + 1 / greatest(vehicles - $round_to // 2, 1)) AS doubt
    FROM counted
    WHERE support > 0
)

SELECT
    camera_id,
    interval_at,
    timezone($timezone, interval_at) AS interval_local,
    pictures,
    CAST(mean AS DECIMAL(9, 2)) AS vehicles_per_picture,
    CAST(least(least, least / $boxes_found * exp(-doubt)) AS DECIMAL(9, 2)) AS low_vehicles_per_picture,
    CAST(greatest(most, most / $boxes_found * exp(doubt)) AS DECIMAL(9, 2)) AS high_vehicles_per_picture,
    CAST(100 * occupied / pictures AS DECIMAL(4, 1)) AS occupied_percent,
    support
FROM occupancy
ORDER BY camera_id, interval_at
