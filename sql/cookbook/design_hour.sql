-- grain: one camera
-- reads: cameras, flow
-- params:
-- units: vehicles; percent of the night's vehicles; percent of the busiest hour's
-- How sharp is the peak, and how one-sided? AASHTO's K (busiest hour's share) and D (share of its main heading), of the
-- night that was scanned, not of a whole day. Vehicles whose heading is not told are in K, not in D.
WITH headings AS (
    SELECT
        camera_id,
        date_trunc('hour', interval_local) AS hour_local,
        heading,
        CAST(sum(vehicles) AS BIGINT) AS vehicles
    FROM flow
    GROUP BY camera_id, date_trunc('hour', interval_local), heading
),

hours AS (
    SELECT
        camera_id,
        hour_local,
        sum(vehicles) AS vehicles,
        sum(vehicles) FILTER (WHERE heading <> 'none') AS headed,
        max(vehicles) FILTER (WHERE heading <> 'none') AS along,
        arg_max(heading, (vehicles, heading)) FILTER (WHERE heading <> 'none') AS main_heading
    FROM headings
    GROUP BY camera_id, hour_local
),

design_hour AS (
    SELECT
        hours.camera_id,
        cameras.name,
        hours.hour_local,
        CAST(hours.vehicles AS BIGINT) AS vehicles,
        CAST(100 * hours.vehicles / sum(hours.vehicles) OVER (PARTITION BY hours.camera_id) AS DECIMAL(4, 1))
            AS k_percent,
        hours.main_heading,
        CAST(100 * hours.along / hours.headed AS DECIMAL(4, 1)) AS d_percent
    FROM hours
    INNER JOIN cameras ON hours.camera_id = cameras.camera_id
    QUALIFY
        row_number() OVER (PARTITION BY hours.camera_id ORDER BY hours.vehicles DESC, hours.hour_local ASC) = 1
)

SELECT
    camera_id,
    name,
    hour_local,
    vehicles,
    k_percent,
    main_heading,
    d_percent
FROM design_hour
ORDER BY vehicles DESC, camera_id ASC
