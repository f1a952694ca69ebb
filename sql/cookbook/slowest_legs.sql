-- grain: one leg of a corridor
-- reads: cameras, speed_profile
-- params:
-- units: kilometres an hour; percent of the leg's own quickest fifteen minutes
-- Which legs lose most speed against their own best, and when? The likely bottlenecks first.
WITH slowest_legs AS (
    SELECT
        speed_profile.corridor,
        speed_profile.leg,
        any_value(origins.name) AS from_name,
        any_value(destinations.name) AS to_name,
        max(speed_profile.speed_kmh) AS best_kmh,
        min(speed_profile.speed_kmh) AS worst_kmh,
        arg_min(
            speed_profile.interval_local, (speed_profile.speed_kmh, speed_profile.interval_local)
        ) AS worst_local,
        CAST(100 * min(speed_profile.speed_kmh) / nullif(max(speed_profile.speed_kmh), 0) AS DECIMAL(4, 1))
            AS percent_of_best
    FROM speed_profile
    INNER JOIN cameras AS origins ON speed_profile.from_camera = origins.camera_id
    INNER JOIN cameras AS destinations ON speed_profile.to_camera = destinations.camera_id
    GROUP BY speed_profile.corridor, speed_profile.leg
)

SELECT
    corridor,
    leg,
    from_name,
    to_name,
    best_kmh,
    worst_kmh,
    worst_local,
    percent_of_best
FROM slowest_legs
ORDER BY percent_of_best, corridor, leg
