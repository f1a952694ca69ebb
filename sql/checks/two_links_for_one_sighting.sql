-- grain: one sighting that is the query, or the gallery, of more than one link
-- reads: links
-- params:
-- units:
WITH ends AS (
    SELECT
        query_id AS sighting_id,
        'query' AS side
    FROM links
    UNION ALL
    SELECT
        gallery_id AS sighting_id,
        'gallery' AS side
    FROM links
),

two_links_for_one_sighting AS (
    SELECT
        sighting_id,
        side,
        count(*) AS links
    FROM ends
    GROUP BY sighting_id, side
    HAVING count(*) > 1
)

SELECT
    sighting_id,
    side,
    links
FROM two_links_for_one_sighting
ORDER BY sighting_id, side
