-- grain: macros every query may use
-- units: metres, degrees
-- macro haversine_m: Metres along a great circle between two places in degrees, on a sphere of 6371008.8 m
-- macro local_time: A time by the clocks of a zone such as Europe/Helsinki
-- macro h3_resolution: Resolution of an H3 cell, 0 to 15
-- macro h3_parent: H3 cell of a coarser resolution that holds a cell: h3_parent(cell, 7); null where it is finer
-- macro rounded: A whole count to the nearest multiple of a number: rounded(13, 5) is 15
-- noqa: disable=LT02
CREATE MACRO haversine_m(lon1, lat1, lon2, lat2) AS
    2 * 6371008.8 * asin(sqrt(
        power(sin(radians(lat2 - lat1) / 2), 2)
        + cos(radians(lat1)) * cos(radians(lat2)) * power(sin(radians(lon2 - lon1) / 2), 2)
    ));
CREATE MACRO rounded(number, multiple) AS (number + multiple // 2) // multiple * multiple;
CREATE MACRO local_time(moment, zone) AS timezone(zone, moment);
CREATE MACRO h3_resolution(cell) AS
    CAST((try_cast(concat('0x', cell) AS ubigint) >> 52) & CAST(15 AS ubigint) AS integer);
CREATE MACRO h3_parent(cell, resolution) AS
    CASE
        WHEN resolution BETWEEN 0 AND h3_resolution(cell) THEN format('{:x}', (
            (try_cast(concat('0x', cell) AS ubigint) & ~(CAST(15 AS ubigint) << 52))
            | (CAST(resolution AS ubigint) << 52)
            | ((CAST(1 AS ubigint) << (3 * (15 - resolution))) - 1)
        ))
    END;
