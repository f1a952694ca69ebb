-- grain: one directed pair of cameras in one hour whose flows alone tell a travel time
-- reads: transitions, observability
-- params: flows_spread
-- units: seconds from leaving the first camera's view to entering the second's; vehicles
-- By the heading that most vehicles took. The interval is that of the mean of a log-normal, and of how far flows
-- mistake another movement, or the next platoon, for the vehicles that left.
WITH honest AS (
    SELECT
        camera_id,
        pair_camera_id,
        hour_at,
        p_pair
    FROM observability
    WHERE pair_camera_id <> '' AND verdict IN ('flow', 'link', 'trajectory')
),

main AS (
    SELECT
        *,
        1.96 * sqrt(travel_sigma * travel_sigma / greatest(hour_support, 1) + $flows_spread * $flows_spread) AS doubt
    FROM transitions
    WHERE source = 'learned'
    QUALIFY row_number() OVER (
        PARTITION BY from_camera, to_camera, hour_at
        ORDER BY hour_support DESC, heading ASC
    ) = 1
),

learned AS (
    SELECT
        main.from_camera,
        main.to_camera,
        main.hour_at,
        main.floor_s + exp(main.travel_mu - 1.036433 * main.travel_sigma) AS p15_s,
        main.floor_s + exp(main.travel_mu) AS p50_s,
        main.floor_s + exp(main.travel_mu + 0.841621 * main.travel_sigma) AS p80_s,
        main.floor_s + exp(main.travel_mu + 1.036433 * main.travel_sigma) AS p85_s,
        main.floor_s + exp(main.travel_mu + 1.644854 * main.travel_sigma) AS p95_s,
        (main.floor_s + exp(main.travel_mu)) * exp(-main.doubt) AS low_s,
        (main.floor_s + exp(main.travel_mu)) * exp(main.doubt) AS high_s,
        honest.p_pair,
        CAST(main.hour_support AS BIGINT) AS support
    FROM main
    INNER JOIN honest
        ON
            main.from_camera = honest.camera_id
            AND main.to_camera = honest.pair_camera_id
            AND main.hour_at = honest.hour_at
)

SELECT * FROM learned
ORDER BY from_camera, to_camera, hour_at
