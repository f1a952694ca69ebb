-- grain: one camera, one heading, one local hour that stands out
-- reads: anomalies, cameras
-- params:
-- units: vehicles, percent of usual, nights
-- In which hours was traffic unlike that of the same weekday in the 8 weeks before? Of all nights up to the one asked,
-- the farthest from usual first.
WITH unusual_hours AS (
    SELECT
        anomalies.camera_id,
        cameras.name,
        anomalies.heading,
        anomalies.hour_local,
        anomalies.vehicles,
        anomalies.usual_vehicles,
        anomalies.low_vehicles,
        anomalies.high_vehicles,
        anomalies.percent,
        anomalies.nights
    FROM anomalies
    INNER JOIN cameras ON anomalies.camera_id = cameras.camera_id
)

SELECT
    camera_id,
    name,
    heading,
    hour_local,
    vehicles,
    usual_vehicles,
    low_vehicles,
    high_vehicles,
    percent,
    nights
FROM unusual_hours
ORDER BY abs(percent) DESC, camera_id ASC, heading ASC, hour_local ASC
