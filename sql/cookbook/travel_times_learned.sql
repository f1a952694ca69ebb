-- grain: one directed pair of cameras, one heading at the first, one hour of leaving
-- reads: cameras, transitions
-- params: timezone
-- units: metres along the road, seconds, percent, pairs of sightings
-- Between which cameras has the system learned how long the way takes, from how much, and how well does it fit?
-- A clock ahead is that of the second camera, against the first's; it is in no travel time.
WITH travel_times_learned AS (
    SELECT
        transitions.from_camera,
        transitions.to_camera,
        transitions.heading,
        origins.name AS from_name,
        destinations.name AS to_name,
        timezone($timezone, transitions.hour_at) AS hour_local,
        CAST(round(transitions.road_m) AS BIGINT) AS road_m,
        CAST(round(transitions.floor_s + exp(transitions.travel_mu), 1) AS DECIMAL(9, 1)) AS median_s,
        CAST(round(transitions.clock_s, 1) AS DECIMAL(9, 1)) AS clock_ahead_s,
        CAST(round(100 * transitions.fit) AS INTEGER) AS fit_percent,
        transitions.source,
        transitions.hour_support,
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
    hour_local,
    road_m,
    median_s,
    clock_ahead_s,
    fit_percent,
    source,
    hour_support,
    support
FROM travel_times_learned
ORDER BY support DESC, from_camera ASC, to_camera ASC, heading ASC, hour_local ASC
