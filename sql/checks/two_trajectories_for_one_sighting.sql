-- grain: one sighting that stands more than once in trajectories
-- reads: trajectories
-- params:
-- units:
WITH stops AS (
    SELECT unnest(sighting_ids) AS sighting_id
    FROM trajectories
),

two_trajectories_for_one_sighting AS (
    SELECT
        sighting_id,
        count(*) AS times
    FROM stops
    GROUP BY sighting_id
    HAVING count(*) > 1
)

SELECT
    sighting_id,
    times
FROM two_trajectories_for_one_sighting
ORDER BY sighting_id
