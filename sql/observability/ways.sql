-- grain: one directed pair of cameras joined by road
-- reads: transitions
-- params: hour_at
-- units: seconds, ln seconds, pairs of sightings
-- Of each pair, the hour asked for, or the nearest that is told.
WITH ranked AS (
    SELECT
        *,
        dense_rank() OVER (
            PARTITION BY from_camera, to_camera
            ORDER BY abs(epoch_us(hour_at) - epoch_us($hour_at)), hour_at
        ) AS place
    FROM transitions
),

ways AS (
    SELECT
        from_camera,
        to_camera,
        list(floor_s ORDER BY heading) AS floor_s,
        list(travel_mu ORDER BY heading) AS travel_mu,
        list(travel_sigma ORDER BY heading) AS travel_sigma,
        list(greatest(support, 1) ORDER BY heading) AS weight
    FROM ranked
    WHERE place = 1
    GROUP BY from_camera, to_camera
)

SELECT
    from_camera,
    to_camera,
    floor_s,
    travel_mu,
    travel_sigma,
    weight
FROM ways
ORDER BY from_camera, to_camera
