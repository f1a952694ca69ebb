-- grain: one camera, one local hour
-- reads: cameras, occupancy
-- params:
-- units: vehicles in a picture; percent of pictures with a vehicle; pictures
-- How full is each view, hour by hour, and in its fullest five minutes? Parked vehicles are left out.
WITH occupancy_by_camera AS (
    SELECT
        occupancy.camera_id,
        any_value(cameras.name) AS name,
        date_trunc('hour', occupancy.interval_local) AS hour_local,
        CAST(sum(occupancy.pictures) AS BIGINT) AS pictures,
        CAST(sum(occupancy.vehicles_per_picture * occupancy.pictures) / sum(occupancy.pictures) AS DECIMAL(9, 2))
            AS vehicles_per_picture,
        CAST(sum(occupancy.occupied_percent * occupancy.pictures) / sum(occupancy.pictures) AS DECIMAL(4, 1))
            AS occupied_percent,
        max(occupancy.vehicles_per_picture) AS most_vehicles_per_picture,
        arg_max(occupancy.interval_local, (occupancy.vehicles_per_picture, occupancy.interval_local)) AS fullest_local
    FROM occupancy
    INNER JOIN cameras ON occupancy.camera_id = cameras.camera_id
    GROUP BY occupancy.camera_id, date_trunc('hour', occupancy.interval_local)
)

SELECT
    camera_id,
    name,
    hour_local,
    pictures,
    vehicles_per_picture,
    occupied_percent,
    most_vehicles_per_picture,
    fullest_local
FROM occupancy_by_camera
ORDER BY camera_id, hour_local
