-- grain: one camera, one local hour in which kinds are told
-- reads: cameras, mix
-- params:
-- units: vehicles, percent of the vehicles whose kind is told
-- What share of traffic are trucks and buses, hour by hour? Kinds the product withheld, seen fewer than k times, are
-- not in it. A detector that tells no kinds calls all of them `vehicle` and gives no row.
WITH heavy_vehicles AS (
    SELECT
        mix.camera_id,
        any_value(cameras.name) AS name,
        mix.hour_local,
        CAST(coalesce(sum(mix.vehicles) FILTER (WHERE mix.label IN ('truck', 'bus')), 0) AS BIGINT) AS heavy,
        CAST(sum(mix.vehicles) AS BIGINT) AS vehicles
    FROM mix
    INNER JOIN cameras ON mix.camera_id = cameras.camera_id
    WHERE mix.label <> 'vehicle'
    GROUP BY mix.camera_id, mix.hour_local
)

SELECT
    camera_id,
    name,
    hour_local,
    heavy,
    vehicles,
    CAST(100 * heavy / vehicles AS DECIMAL(4, 1)) AS heavy_percent
FROM heavy_vehicles
ORDER BY camera_id, hour_local
