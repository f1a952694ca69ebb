-- grain: one camera in a zone of `od`
-- reads: cameras, zoned, trajectories
-- params:
-- units: degrees WGS 84; trips
-- column zone: H3 cell of the zone, of the resolution that the night could support
-- column camera_id: camera in it
-- column lon: degrees WGS 84, of the camera
-- column lat: degrees WGS 84, of the camera
-- column support: trips of the night that begin or end in the zone
WITH ends AS (
    SELECT
        trajectory_id,
        unnest([camera_ids[1], camera_ids[-1]]) AS camera_id
    FROM trajectories
),

counted AS (
    SELECT
        zoned.zone,
        count(DISTINCT ends.trajectory_id) AS support
    FROM ends
    INNER JOIN zoned ON ends.camera_id = zoned.camera_id
    GROUP BY zoned.zone
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
