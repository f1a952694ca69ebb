-- grain: one camera in a zone of `od`
-- reads: cameras, zoned, trajectories
-- params: least
-- units: degrees WGS 84; trips
-- column zone: H3 cell of the zone, of the resolution that the night could support
-- column camera_id: camera in it
-- column lon: degrees WGS 84, of the camera
-- column lat: degrees WGS 84, of the camera
-- column support: trips that begin or end in the zone, of those in `od`
WITH ends AS (
    SELECT
        origins.zone AS first_zone,
        destinations.zone AS last_zone,
        count(DISTINCT trajectories.trajectory_id) AS trips
    FROM trajectories
    INNER JOIN zoned AS origins ON trajectories.camera_ids[1] = origins.camera_id
    INNER JOIN zoned AS destinations ON trajectories.camera_ids[-1] = destinations.camera_id
    GROUP BY origins.zone, destinations.zone, date_trunc('hour', trajectories.started_at)
    HAVING count(DISTINCT trajectories.trajectory_id) >= $least
),

counted AS (
    SELECT
        zone,
        CAST(sum(trips) AS BIGINT) AS support
    FROM (
        SELECT
            unnest(list_distinct([first_zone, last_zone])) AS zone,
            trips
        FROM ends
    ) AS either
    GROUP BY zone
),

zones AS (
    SELECT
        zoned.zone,
        zoned.camera_id,
        cameras.lon,
        cameras.lat,
        counted.support
    FROM zoned
    INNER JOIN cameras ON zoned.camera_id = cameras.camera_id
    INNER JOIN counted ON zoned.zone = counted.zone
)

SELECT
    zone,
    camera_id,
    CAST(lon AS DECIMAL(9, 6)) AS lon,
    CAST(lat AS DECIMAL(9, 6)) AS lat,
    support
FROM zones
ORDER BY zone, camera_id
