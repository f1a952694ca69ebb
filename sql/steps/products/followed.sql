-- grain: the night
-- reads: trajectories, sightings
-- params: followed_passes, single_passes
-- units: shares 0..1 and above
-- How much of the traffic that cameras saw is in a trajectory: of the vehicles followed at a camera, and of all passes.
-- Links abstain, so it is a lesser part by far where vehicles are many and pictures small.
WITH seen AS (
    SELECT
        count(*) FILTER (WHERE motion NOT IN ('parked', 'single', 'lone')) AS followed,
        count(*) FILTER (WHERE motion IN ('single', 'lone')) AS singles
    FROM sightings
),

chained AS (
    SELECT coalesce(sum(len(sighting_ids)), 0) AS passings
    FROM trajectories
),

followed AS (
    SELECT
        chained.passings / nullif(seen.followed, 0) AS share,
        chained.passings
        / nullif($followed_passes * seen.followed + $single_passes * seen.singles, 0) AS share_of_passes
    FROM chained
    CROSS JOIN seen
)

SELECT
    share,
    share_of_passes
FROM followed
ORDER BY share, share_of_passes
