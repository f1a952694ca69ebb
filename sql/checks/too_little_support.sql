-- grain: one row of a product that fewer than k vehicles stand behind
-- reads: supports
-- params: k
-- units: vehicles
-- `supports` is the column `support` of every product of the night, with the product's name.
WITH too_little_support AS (
    SELECT
        product,
        support,
        count(*) AS times
    FROM supports
    WHERE support < $k
    GROUP BY product, support
)

SELECT
    product,
    support,
    times
FROM too_little_support
ORDER BY product, support
