-- grain: one camera and heading that vehicles passed in the night
-- reads: sightings
-- params: usual
-- units: whole seconds since 1970, seconds
-- Parked vehicles come and go with nobody. A share `usual` of the vehicles stays no longer than `stay_s`.
WITH moved AS (
    SELECT
        camera_id,
        heading,
        epoch_us(entered_at) // 1000000 AS entered_s,
        epoch_us(left_at) // 1000000 AS left_s,
        CAST((epoch_us(left_at) - epoch_us(entered_at)) / 1000000 AS DOUBLE) AS stay_s
    FROM sightings
    WHERE motion NOT IN ('parked', 'lone')
),

passings AS (
    SELECT
        camera_id,
        heading,
        list(entered_s ORDER BY entered_s) AS came,
        list(left_s ORDER BY left_s) AS went,
        quantile_disc(stay_s, CAST($usual AS DOUBLE)) AS stay_s
    FROM moved
    GROUP BY camera_id, heading
)

SELECT
    camera_id,
    heading,
    came,
    went,
    stay_s
FROM passings
ORDER BY camera_id, heading
