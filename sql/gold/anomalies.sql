-- grain: one camera, one heading, one hour that stands out
-- reads: flow
-- params: timezone
-- units: vehicles, nights, percent
-- nights: all
-- column camera_id: camera
-- column heading: heading, as in `flow`
-- column hour_at: start of the hour, UTC
-- column hour_local: start of the hour, local time
-- column vehicles: vehicles of `flow` in the hour
-- column usual_vehicles: median of the same hour of the same weekday in the 8 weeks before, vehicles
-- column low_vehicles: fewer than this are unusual: lower end of a 99 % prediction interval
-- column high_vehicles: more than this are unusual: upper end of it
-- column nights: of those 8 weeks, nights that saw the hour, at least 3
-- column percent: vehicles more (less: below 0) than usual, percent of usual
-- column support: vehicles behind the row
-- Which hours had more or fewer vehicles than the same hour of the last weeks' same weekday? The spread is the mean
-- deviation from the median, which one odd week moves little, and never below that of Poisson counts; Student's t
-- pays for the few weeks (after Farrington et al. 1996, J. R. Statist. Soc. A 159:547). Of usual hours, about one in
-- a hundred is named, or fewer.
-- Five minutes that `flow` withheld count as none, in every week alike; an hour it withheld altogether has no row.
WITH hours AS (
    SELECT
        camera_id,
        heading,
        date_trunc('hour', interval_at) AS hour_at,
        timezone($timezone, date_trunc('hour', interval_at)) AS hour_local,
        CAST(sum(vehicles) AS BIGINT) AS vehicles,
        CAST(sum(support) AS BIGINT) AS support
    FROM flow
    GROUP BY camera_id, heading, date_trunc('hour', interval_at)
),

weeks AS (
    SELECT
        hours.*,
        unnest(range(1, 9)) AS week
    FROM hours
),

compared AS (
    SELECT
        weeks.*,
        hours.vehicles AS then_vehicles,
        quantile_disc(hours.vehicles, 0.5) OVER (
            PARTITION BY weeks.camera_id, weeks.heading, weeks.hour_at
        ) AS usual_vehicles
    FROM weeks
    INNER JOIN hours
        ON
            weeks.camera_id = hours.camera_id
            AND weeks.heading = hours.heading
            AND weeks.hour_local - to_days(7 * CAST(weeks.week AS INTEGER)) = hours.hour_local
),

spread AS (
    SELECT
        camera_id,
        heading,
        hour_at,
        hour_local,
        vehicles,
        support,
        usual_vehicles,
        least(count(*), 8) AS nights,
        greatest(
            pow(1.2533 * sum(abs(then_vehicles - usual_vehicles)) / (count(*) - 1), 2), usual_vehicles
        ) AS variance
    FROM compared
    GROUP BY camera_id, heading, hour_at, hour_local, vehicles, support, usual_vehicles
    HAVING count(*) >= 3
),

bounds AS (
    SELECT
        *,
        [9.925, 5.841, 4.604, 4.032, 3.707, 3.499][nights - 2] * sqrt(variance * (1 + 1.571 / nights)) AS reach
    FROM spread
),

anomalies AS (
    SELECT
        *,
        CAST(greatest(floor(usual_vehicles - reach), 0) AS BIGINT) AS low_vehicles,
        CAST(ceil(usual_vehicles + reach) AS BIGINT) AS high_vehicles
    FROM bounds
)

SELECT
    camera_id,
    heading,
    hour_at,
    hour_local,
    vehicles,
    usual_vehicles,
    low_vehicles,
    high_vehicles,
    nights,
    CAST(round(100 * (vehicles - usual_vehicles) / usual_vehicles) AS INTEGER) AS percent,
    support
FROM anomalies
WHERE vehicles NOT BETWEEN low_vehicles AND high_vehicles
ORDER BY camera_id, heading, hour_at
