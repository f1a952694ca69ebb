-- grain: one camera, one kind of vehicle
-- reads: cameras, sightings
-- params: k
-- units: vehicles, percent of the camera's vehicles
-- What drives past each camera? Parked vehicles are left out; kinds seen fewer than k times are not shown.
WITH kinds AS (
    SELECT
        camera_id,
        label,
        count(*) AS vehicles
    FROM sightings
    WHERE motion <> 'parked'
    GROUP BY camera_id, label
),

shares AS (
    SELECT
        camera_id,
        label,
        vehicles,
        CAST(100 * vehicles / sum(vehicles) OVER (PARTITION BY camera_id) AS DECIMAL(4, 1)) AS percent
    FROM kinds
),

vehicle_mix AS (
    SELECT
        shares.camera_id,
        cameras.name,
        shares.label,
        shares.vehicles,
        shares.percent
    FROM shares
    INNER JOIN cameras ON shares.camera_id = cameras.camera_id
    WHERE shares.vehicles >= $k
)

SELECT
    camera_id,
    name,
    label,
    vehicles,
    percent
FROM vehicle_mix
ORDER BY camera_id ASC, vehicles DESC, label ASC
