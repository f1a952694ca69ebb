-- grain: one leg of a corridor, fifteen minutes
-- reads: cameras, speed_profile
-- params:
-- units: metres from the corridor's beginning, kilometres an hour with a 95 % interval, vehicles
-- Where along each corridor were vehicles slow, and when? The rows of a time-space diagram, in driving order.
WITH speed_by_corridor AS (
    SELECT
        speed_profile.corridor,
        speed_profile.leg,
        origins.name AS from_name,
        destinations.name AS to_name,
        speed_profile.from_m,
        speed_profile.to_m,
        speed_profile.interval_local,
        speed_profile.speed_kmh,
        speed_profile.low_speed_kmh,
        speed_profile.high_speed_kmh,
        speed_profile.support
    FROM speed_profile
    INNER JOIN cameras AS origins ON speed_profile.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON speed_profile.to_camera = destinations.camera_id
)

SELECT
    corridor,
    leg,
    from_name,
    to_name,
    from_m,
    to_m,
    interval_local,
    speed_kmh,
    low_speed_kmh,
    high_speed_kmh,
    support
FROM speed_by_corridor
ORDER BY corridor, interval_local, leg
