-- grain: one directed pair of cameras joined by road
-- reads: transitions
-- params:
-- units: seconds, ln seconds, pairs of sightings
WITH ways AS (
    SELECT
        from_camera,
        to_camera,
        list(floor_s ORDER BY heading) AS floor_s,
        list(travel_mu ORDER BY heading) AS travel_mu,
        list(travel_sigma ORDER BY heading) AS travel_sigma,
        list(greatest(support, 1) ORDER BY heading) AS weight
    FROM transitions
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
