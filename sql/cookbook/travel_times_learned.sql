-- grain: one directed pair of cameras, one heading at the first
-- reads: cameras, transitions
-- params:
-- units: metres along the road, seconds, pairs of sightings
-- Between which cameras has the system learned how long the way takes, and from how much?
WITH travel_times_learned AS (
    SELECT
        transitions.from_camera,
        transitions.to_camera,
        transitions.heading,
        origins.name AS from_name,
        destinations.name AS to_name,
        CAST(round(transitions.road_m) AS BIGINT) AS road_m,
        CAST(round(transitions.floor_s + exp(transitions.travel_mu), 1) AS DECIMAL(9, 1)) AS median_s,
        transitions.source,
        transitions.support
    FROM transitions
    INNER JOIN cameras AS origins ON transitions.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON transitions.to_camera = destinations.camera_id
)

SELECT
    from_camera,
    to_camera,
    heading,
    from_name,
    to_name,
    road_m,
    median_s,
    source,
    support
FROM travel_times_learned
ORDER BY support DESC, from_camera ASC, to_camera ASC, heading ASC
