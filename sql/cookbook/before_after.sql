-- grain: one camera, one local hour of the day
-- reads: cameras, flow
-- params: date
-- units: vehicles in the hour and night; nights; percent of before, with a 95 % interval
-- nights: all
-- How did traffic change on a date, such as the opening of a road? Nights before it against nights from it on, hour by
-- hour; the spread is that between nights, and never below that of Poisson counts. Compare like weekdays.
WITH hours AS (
    SELECT
        camera_id,
        scan_date,
        scan_date >= CAST($date AS DATE) AS is_after,
        extract(HOUR FROM interval_local) AS hour_of_day,
        CAST(sum(vehicles) AS BIGINT) AS vehicles
    FROM flow
    GROUP BY camera_id, scan_date, extract(HOUR FROM interval_local)
),

sides AS (
    SELECT
        camera_id,
        hour_of_day,
        is_after,
        count(*) AS nights,
        sum(vehicles) / count(*) AS mean_vehicles,
        greatest(
            (count(*) * sum(vehicles * vehicles) - sum(vehicles) * sum(vehicles))
            / (count(*) * greatest(count(*) - 1, 1)),
            sum(vehicles) / count(*)
        ) / count(*) AS variance
    FROM hours
    GROUP BY camera_id, hour_of_day, is_after
),

before_after AS (
    SELECT
        earlier.camera_id,
        cameras.name,
        earlier.hour_of_day,
        earlier.nights AS nights_before,
        later.nights AS nights_after,
        earlier.mean_vehicles AS before_vehicles,
        later.mean_vehicles AS after_vehicles,
        100 * (later.mean_vehicles - earlier.mean_vehicles) / earlier.mean_vehicles AS change,
        196 * sqrt(earlier.variance + later.variance) / earlier.mean_vehicles AS reach
    FROM sides AS earlier
    INNER JOIN sides AS later
        ON earlier.camera_id = later.camera_id AND earlier.hour_of_day = later.hour_of_day
    INNER JOIN cameras ON earlier.camera_id = cameras.camera_id
    WHERE NOT earlier.is_after AND later.is_after
)

SELECT
    camera_id,
    name,
    hour_of_day,
    nights_before,
    nights_after,
    CAST(before_vehicles AS DECIMAL(9, 1)) AS before_vehicles,
    CAST(after_vehicles AS DECIMAL(9, 1)) AS after_vehicles,
    CAST(round(change) AS INTEGER) AS change_percent,
    CAST(floor(change - reach) AS INTEGER) AS low_change_percent,
    CAST(ceil(change + reach) AS INTEGER) AS high_change_percent
FROM before_after
ORDER BY camera_id, hour_of_day
