-- grain: one camera, one hour
-- reads: sightings, observability, places
-- params: timezone, k, round_to, boxes_found, boxes_spread
-- units: vehicles, pictures, vehicle-minutes
-- What single stills can tell, however rare: how full the view is. Parked vehicles are left out.
-- column camera_id: camera
-- column cell: H3 cell it stands in
-- column hour_at: start of the hour
-- column hour_local: the same in local time
-- column pictures: usable pictures
-- column pictures_planned: pictures that were planned
-- column vehicles: vehicles found in them; where stills come seldom, boxes
-- column vehicles_per_picture: vehicles found in a picture, mean
-- column low_vehicles_per_picture: with 95 % at least so many were in view, those not found included
-- column high_vehicles_per_picture: with 95 % at most so many were in view
-- column vehicle_minutes: minutes that the vehicles found were in view
-- column support: vehicles behind the row
WITH entering AS (
    SELECT
        camera_id,
        sighting_id,
        len(detection_ids) AS pictures,
        date_trunc('hour', entered_at) AS hour_at
    FROM sightings
    WHERE motion <> 'parked'
),

honest AS (
    SELECT
        camera_id,
        hour_at,
        slots_seen,
        slots_planned,
        cadence_s
    FROM observability
    WHERE pair_camera_id = '' AND verdict <> 'none'
),

counted AS (
    SELECT
        honest.camera_id,
        honest.hour_at,
        any_value(honest.slots_seen) AS pictures,
        any_value(honest.slots_planned) AS pictures_planned,
        any_value(honest.cadence_s) AS cadence_s,
        sum(entering.pictures) AS vehicle_pictures,
        count(DISTINCT entering.sighting_id) AS support,
        greatest(rounded(support, $round_to), $k) AS vehicles
    FROM honest
    INNER JOIN entering ON honest.camera_id = entering.camera_id AND honest.hour_at = entering.hour_at
    GROUP BY honest.camera_id, honest.hour_at
),

counts AS (
    SELECT
        *,
        vehicle_pictures * vehicles / support AS told_pictures,
        told_pictures / pictures AS mean,
        mean * greatest(1 - $round_to // 2 / vehicles, 1 / vehicles) AS least,
        mean * (1 + $round_to // 2 / vehicles) AS most,
        1.96 * sqrt($boxes_spread * $boxes_spread + 1 / greatest(vehicles - $round_to // 2, 1)) AS doubt
    FROM counted
)

SELECT
    counts.camera_id,
    places.cell,
    counts.hour_at,
    timezone($timezone, counts.hour_at) AS hour_local,
    CAST(counts.pictures AS BIGINT) AS pictures,
    CAST(counts.pictures_planned AS BIGINT) AS pictures_planned,
    counts.vehicles,
    CAST(counts.mean AS DECIMAL(9, 2)) AS vehicles_per_picture,
    CAST(least(least, least / $boxes_found * exp(-doubt)) AS DECIMAL(9, 2)) AS low_vehicles_per_picture,
    CAST(greatest(most, most / $boxes_found * exp(doubt)) AS DECIMAL(9, 2)) AS high_vehicles_per_picture,
    CAST(counts.told_pictures * counts.cadence_s / 60 AS DECIMAL(12, 1)) AS vehicle_minutes,
    counts.support
FROM counts
INNER JOIN places ON counts.camera_id = places.camera_id
ORDER BY counts.camera_id, counts.hour_at
