-- grain: one link or trajectory whose probability, runner-up or distance is out of its range
-- reads: links, trajectories
-- params:
-- units: probabilities 0..1, cosine distance 0..2
WITH stated AS (
    SELECT
        query_id AS id,
        probability,
        runner_up,
        distance
    FROM links
    UNION ALL
    SELECT
        trajectory_id AS id,
        probability,
        0 AS runner_up,
        0 AS distance
    FROM trajectories
),

impossible_probabilities AS (
    SELECT
        id,
        probability,
        runner_up,
        distance
    FROM stated
    WHERE
        NOT coalesce(probability BETWEEN 0 AND 1, FALSE)
        OR NOT coalesce(runner_up BETWEEN 0 AND 1, FALSE)
        OR NOT coalesce(distance BETWEEN -0.001 AND 2.001, FALSE)
)

SELECT
    id,
    probability,
    runner_up,
    distance
FROM impossible_probabilities
ORDER BY id
