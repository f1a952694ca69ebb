-- grain: one first zone, one last zone, one hour of departure
-- reads: trajectories, zoned, followed
-- params: timezone, k, round_to, trips_whole, trips_spread
-- units: vehicles, seconds
-- Pieces of trips: where a vehicle was first and last followed, which is not where its journey began and ended. The
-- interval reckons that the fewer of the passings are in a trajectory, the fewer pieces are whole trips.
-- column first_zone: H3 cell of the zone of the first camera
-- column last_zone: H3 cell of the zone of the last camera
-- column hour_at: start of the hour in which the vehicle entered its first camera
-- column hour_local: the same in local time
-- column vehicles: vehicles that were followed from the one zone to the other
-- column low_vehicles: with 95 % at least so many passed their first camera in the one and their last in the other
-- column high_vehicles: with 95 % at most so many did, those included that no link told
-- column p50_s: median seconds from first to last passing, whole seconds
-- column support: vehicles behind the row
WITH journeys AS (
    SELECT
        trajectories.trajectory_id,
        origins.zone AS first_zone,
        destinations.zone AS last_zone,
        date_trunc('hour', trajectories.started_at) AS hour_at,
        (epoch_us(trajectories.passed_at[-1]) - epoch_us(trajectories.passed_at[1])) // 1000000 AS travel_s
    FROM trajectories
    INNER JOIN zoned AS origins ON trajectories.camera_ids[1] = origins.camera_id
    INNER JOIN zoned AS destinations ON trajectories.camera_ids[-1] = destinations.camera_id
),

counted AS (
    SELECT
        first_zone,
        last_zone,
        hour_at,
        quantile_disc(travel_s, 0.5) AS p50_s,
        count(DISTINCT trajectory_id) AS support
    FROM journeys
    GROUP BY first_zone, last_zone, hour_at
),

od AS (
    SELECT
        counted.*,
        greatest(rounded(counted.support, $round_to), $k) AS vehicles,
        greatest(vehicles - $round_to // 2, 1) AS least,
        vehicles + $round_to // 2 AS most,
        $trips_whole * followed.share * followed.share AS whole,
        1.96 * sqrt($trips_spread * $trips_spread + 1 / least) AS doubt
    FROM counted
    CROSS JOIN followed
)

SELECT
    first_zone,
    last_zone,
    hour_at,
    timezone($timezone, hour_at) AS hour_local,
    vehicles,
    CAST(floor(least(least * whole * exp(-doubt), least) / $round_to) AS BIGINT) * $round_to AS low_vehicles,
    CAST(ceil(greatest(most * whole * exp(doubt), most) / $round_to) AS BIGINT) * $round_to AS high_vehicles,
    p50_s,
    support
FROM od
ORDER BY first_zone, last_zone, hour_at
