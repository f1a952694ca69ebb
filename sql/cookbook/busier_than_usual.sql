-- grain: one camera
-- reads: cameras, flow
-- params:
-- units: vehicles in the night, nights, percent of usual
-- nights: all
-- Was the last night busier than the same weekday in the 8 weeks before? `busier_than` of `nights` were less busy:
-- by chance alone it is all of 8 in one camera of nine. At least 3 such nights are needed.
WITH nights AS (
    SELECT
        camera_id,
        scan_date,
        CAST(sum(vehicles) AS BIGINT) AS vehicles
    FROM flow
    GROUP BY camera_id, scan_date
),

compared AS (
    SELECT
        last_night.camera_id,
        any_value(last_night.scan_date) AS scan_date,
        any_value(last_night.vehicles) AS vehicles,
        quantile_disc(earlier.vehicles, 0.5) AS usual_vehicles,
        count(*) FILTER (WHERE earlier.vehicles < last_night.vehicles) AS busier_than,
        count(*) AS nights
    FROM nights AS last_night
    INNER JOIN nights AS earlier
        ON
            last_night.camera_id = earlier.camera_id
            AND last_night.scan_date - earlier.scan_date BETWEEN 7 AND 56
            AND (last_night.scan_date - earlier.scan_date) % 7 = 0
    WHERE last_night.scan_date = (SELECT max(flow.scan_date) FROM flow)
    GROUP BY last_night.camera_id
    HAVING count(*) >= 3
),

busier_than_usual AS (
    SELECT
        compared.*,
        cameras.name,
        CAST(round(100 * (compared.vehicles - compared.usual_vehicles) / compared.usual_vehicles) AS INTEGER) AS percent
    FROM compared
    INNER JOIN cameras ON compared.camera_id = cameras.camera_id
)

SELECT
    camera_id,
    name,
    scan_date,
    vehicles,
    usual_vehicles,
    percent,
    busier_than,
    nights
FROM busier_than_usual
ORDER BY percent DESC, camera_id ASC
