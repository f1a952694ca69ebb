-- grain: one camera, one local hour
-- reads: cameras, sightings
-- params: timezone, k
-- units: vehicles, percent of vehicles followed over two pictures or more
-- What share of the vehicles stood still in view: signals, queues, congestion? Parked vehicles are left out.
WITH stopped_share AS (
    SELECT
        sightings.camera_id,
        any_value(cameras.name) AS name,
        timezone($timezone, date_trunc('hour', sightings.entered_at)) AS hour_local,
        count(*) AS vehicles,
        CAST(100 * count(*) FILTER (WHERE sightings.motion = 'stopped') / count(*) AS DECIMAL(4, 1)) AS stopped_percent
    FROM sightings
    INNER JOIN cameras ON sightings.camera_id = cameras.camera_id
    WHERE sightings.motion NOT IN ('parked', 'single', 'lone')
    GROUP BY sightings.camera_id, date_trunc('hour', sightings.entered_at)
    HAVING count(*) >= $k
)

SELECT
    camera_id,
    name,
    hour_local,
    vehicles,
    stopped_percent
FROM stopped_share
ORDER BY camera_id, hour_local
