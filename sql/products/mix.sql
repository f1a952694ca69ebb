-- grain: one camera, one hour, one kind of vehicle
-- reads: sightings, observability
-- params: timezone, k, least, round_to
-- units: vehicles, percent of followed vehicles
-- Kinds that too few vehicles are of are counted together, with the next where they are still too few.
-- column camera_id: camera
-- column hour_at: start of the hour
-- column hour_local: the same in local time
-- column label: `car`, `truck`, `bus`, `motorcycle`, `vehicle` where it is not told, `other` for kinds too rare
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

pooled AS (
    SELECT
        *,
        count(*) OVER hours > 1 AND (support < $least OR sum(support) OVER lesser < $least) AS is_pooled
    FROM kinds
    WINDOW
        hours AS (PARTITION BY camera_id, hour_at),
        lesser AS (hours ORDER BY support, label ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),

shared AS (
    SELECT
        camera_id,
        hour_at,
        if(is_pooled, 'other', label) AS kind,
        bool_or(label = 'vehicle') AS is_untold,
        CAST(sum(support) AS BIGINT) AS support,
        greatest(rounded(CAST(sum(support) AS BIGINT), $round_to), $k) AS vehicles
    FROM pooled
    GROUP BY ALL
),

told AS (
    SELECT
        *,
        greatest(rounded(CAST(sum(support) OVER hours AS BIGINT), $round_to), $k) AS n,
        greatest(n - $round_to // 2, 1) AS least_n,
        coalesce(sum(vehicles + $round_to // 2) FILTER (WHERE is_untold) OVER hours, 0) AS untold
    FROM shared
    WINDOW hours AS (PARTITION BY camera_id, hour_at)
),

mix AS (
    SELECT
        *,
        greatest(vehicles - $round_to // 2, 0) / (n + $round_to // 2) AS share,
        least((vehicles + $round_to // 2 + if(is_untold, 0, untold)) / least_n, 1) AS most,
        3.8416 / least_n AS z
    FROM told
)

SELECT
    camera_id,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    kind AS label,
    vehicles,
    CAST(100 * vehicles / n AS DECIMAL(4, 1)) AS percent,
    CAST(100 * (share + z / 2 - sqrt(z * share * (1 - share) + z * z / 4)) / (1 + z) AS DECIMAL(4, 1)) AS low_percent,
    CAST(100 * (most + z / 2 + sqrt(z * most * (1 - most) + z * z / 4)) / (1 + z) AS DECIMAL(4, 1)) AS high_percent,
    support
FROM mix
ORDER BY camera_id, hour_at, kind
