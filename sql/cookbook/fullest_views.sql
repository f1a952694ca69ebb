-- grain: one camera, one local hour
-- reads: cameras, counts
-- params:
-- units: vehicles in a picture, vehicle-minutes in view
-- Where is the road fullest? Holds for feeds that show one still in minutes, too.
WITH fullest_views AS (
    SELECT
        counts.camera_id,
        cameras.name,
        counts.hour_local,
        counts.vehicles_per_picture,
        counts.vehicle_minutes,
        counts.pictures,
        counts.support
    FROM counts
    INNER JOIN cameras ON counts.camera_id = cameras.camera_id
)

SELECT
    camera_id,
    name,
    hour_local,
    vehicles_per_picture,
    vehicle_minutes,
    pictures,
    support
FROM fullest_views
ORDER BY vehicles_per_picture DESC, camera_id ASC, hour_local ASC
