-- grain: one camera, one hour, one kind of vehicle
-- reads: sightings, observability
-- params: timezone
-- units: vehicles, percent of followed vehicles
-- column camera_id: camera
-- column hour_at: start of the hour
-- column hour_local: the same in local time
-- column label: `car`, `truck`, `bus`, `motorcycle`, or `vehicle` where the detector does not tell kinds
-- column vehicles: vehicles of the kind that were followed over two pictures or more
-- column percent: percent of all that were followed
-- column low_percent: with 95 % at least so many of those passing are of the kind, were none of the untold ones
-- column high_percent: with 95 % at most so many are, were all of the untold ones; of `vehicle`, how many are not told
-- column support: vehicles behind the row
WITH honest AS (
    SELECT
        camera_id,
        hour_at
    FROM observability
    WHERE pair_camera_id = '' AND verdict IN ('flow', 'link', 'trajectory')
),

kinds AS (
    SELECT
        sightings.camera_id,
        sightings.label,
        honest.hour_at,
        count(*) AS support
    FROM sightings
    INNER JOIN honest
        ON sightings.camera_id = honest.camera_id AND date_trunc('hour', sightings.entered_at) = honest.hour_at
    WHERE sightings.motion NOT IN ('parked', 'single', 'lone')
    GROUP BY sightings.camera_id, sightings.label, honest.hour_at
),

shared AS (
    SELECT
        *,
        CAST(sum(support) OVER hours AS BIGINT) AS n,
        support / sum(support) OVER hours AS share,
        coalesce(sum(support) FILTER (WHERE label = 'vehicle') OVER hours, 0) / sum(support) OVER hours AS untold
    FROM kinds
    WINDOW hours AS (PARTITION BY camera_id, hour_at)
),

mix AS (
    SELECT
        *,
        CASE label WHEN 'vehicle' THEN share ELSE least(share + untold, 1) END AS most,
        3.8416 / n AS z
    FROM shared
)

SELECT
    camera_id,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    label,
    support AS vehicles,
    CAST(100 * share AS DECIMAL(4, 1)) AS percent,
    CAST(100 * (share + z / 2 - sqrt(z * share * (1 - share) + z * z / 4)) / (1 + z) AS DECIMAL(4, 1)) AS low_percent,
    CAST(100 * (most + z / 2 + sqrt(z * most * (1 - most) + z * z / 4)) / (1 + z) AS DECIMAL(4, 1)) AS high_percent,
    support
FROM mix
ORDER BY camera_id, hour_at, label
