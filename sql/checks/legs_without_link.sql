-- grain: one leg of a trajectory that has no link and is not marked as a bridge, or is marked and has one
-- reads: trajectories, links
-- params:
-- units:
WITH numbered AS (
    SELECT
        trajectory_id,
        sighting_ids,
        bridged,
        unnest(range(1, len(sighting_ids))) AS leg
    FROM trajectories
),

driven AS (
    SELECT
        trajectory_id,
        leg,
        sighting_ids[leg] AS query_id,
        sighting_ids[leg + 1] AS gallery_id,
        bridged[leg] AS is_bridge
    FROM numbered
),

legs_without_link AS (
    SELECT
        driven.trajectory_id,
        driven.leg,
        driven.query_id,
        driven.gallery_id
    FROM driven
    LEFT JOIN links ON driven.query_id = links.query_id AND driven.gallery_id = links.gallery_id
    WHERE coalesce(driven.is_bridge = (links.query_id IS NOT NULL), TRUE)
)

SELECT
    trajectory_id,
    leg,
    query_id,
    gallery_id
FROM legs_without_link
ORDER BY trajectory_id, leg
