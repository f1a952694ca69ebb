-- grain: one camera and heading, one camera two transitions further on, one hour of leaving
-- reads: loose, transitions, observability
-- params: crowded
-- units: seconds, vehicles a second, shares 0..1
-- By which way a vehicle that no leg leads on from may come to another camera, missed by the one in between.
-- Both travel times and the stay between are added up and told as one log-normal with the same mean and variance.
-- Where more than `crowded` strangers come to the second camera in the time that fits, place and time tell none apart.
WITH steps AS (
    SELECT
        ways.*,
        observability.p_seen,
        exp(ways.travel_mu + ways.travel_sigma ** 2 / 2) AS mean_s,
        (exp(ways.travel_sigma ** 2) - 1) * exp(2 * ways.travel_mu + ways.travel_sigma ** 2) AS variance,
        (ways.support + 1) / sum(ways.support + 1) OVER (
            PARTITION BY ways.from_camera, ways.heading, ways.hour_at
        ) AS turning
    FROM transitions AS ways
    INNER JOIN observability
        ON
            ways.from_camera = observability.camera_id
            AND ways.to_camera = observability.pair_camera_id
            AND ways.hour_at = observability.hour_at
    WHERE observability.verdict = 'trajectory'
),

joined AS (
    SELECT
        one.from_camera,
        one.heading,
        one.hour_at,
        other.to_camera,
        other.to_heading,
        one.floor_s + other.floor_s AS floor_s,
        one.clock_s + other.clock_s AS clock_s,
        ln(one.mean_s + other.mean_s + coalesce(stay.stay_s, 0)) AS ln_mean,
        ln(
            1 + (one.variance + other.variance) / (one.mean_s + other.mean_s + coalesce(stay.stay_s, 0)) ** 2
        ) AS ln_variance,
        one.turning * other.turning * greatest(1 - alone.p_seen, 0.02) AS expected,
        row_number() OVER (
            PARTITION BY one.from_camera, one.heading, one.hour_at, other.to_camera
            ORDER BY one.road_m + other.road_m, one.to_camera, other.heading
        ) AS choice
    FROM steps AS one
    INNER JOIN steps AS other
        ON
            one.to_camera = other.from_camera
            AND one.hour_at = other.hour_at
            AND one.to_heading IN (other.heading, 'none')
            AND one.from_camera <> other.to_camera
    LEFT JOIN loose AS stay
        ON other.from_camera = stay.camera_id AND other.heading = stay.heading AND other.hour_at = stay.hour_at
    INNER JOIN observability AS alone
        ON one.to_camera = alone.camera_id AND alone.pair_camera_id = '' AND one.hour_at = alone.hour_at
    ANTI JOIN transitions AS direct
        ON one.from_camera = direct.from_camera AND other.to_camera = direct.to_camera
),

detours AS (
    SELECT
        joined.from_camera,
        joined.heading,
        joined.hour_at,
        joined.to_camera,
        joined.to_heading,
        joined.floor_s,
        joined.clock_s,
        joined.ln_mean - joined.ln_variance / 2 AS mu,
        sqrt(joined.ln_variance) AS sigma,
        joined.expected,
        any_value(ends.ends) AS ends,
        sum(starts.starts) / 3600 AS rate
    FROM joined
    INNER JOIN loose AS ends
        ON joined.from_camera = ends.camera_id AND joined.heading = ends.heading AND joined.hour_at = ends.hour_at
    INNER JOIN loose AS starts
        ON
            joined.to_camera = starts.camera_id
            AND joined.hour_at = starts.hour_at
            AND (joined.to_heading = starts.heading OR 'none' IN (joined.to_heading, starts.heading))
    WHERE joined.choice = 1
    GROUP BY ALL
    HAVING
        sum(starts.starts) BETWEEN 1 AND 3600 * $crowded
        / sqrt(2 * pi() * joined.ln_variance) / exp(joined.ln_mean - joined.ln_variance / 2)
)

SELECT
    from_camera,
    heading,
    hour_at,
    to_camera,
    to_heading,
    floor_s,
    clock_s,
    mu,
    sigma,
    expected,
    ends,
    rate
FROM detours
ORDER BY from_camera, heading, hour_at, to_camera
