"""Answer questions of the cookbook as people do without SQL: pandas and GeoPandas on the same Parquet files.

Each function reads the columns it needs and returns the columns of its namesake in `sql/cookbook`, in the same order of
rows; shares and means are not rounded. They are written to be quick: whole columns, categories for names, no loops.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd

HOUR = "h"
FOLLOWED = ("parked", "single", "lone")
"""Motions that are not those of a vehicle that was followed and drove on."""
K = 10


class Tables:
    """The Parquet files of a lake."""

    def __init__(self, root: Path) -> None:
        """Name the folder of the scan."""
        self.root = root

    def __call__(self, table: str, columns: list[str], where: Any = None) -> pd.DataFrame:
        """Read columns of a table; those of text as categories."""
        folder = self.root / table if (self.root / table).is_dir() else self.root / "products" / table
        files = sorted(str(path) for path in folder.rglob("*.parquet"))
        texts = [name for name in columns if name in ("camera_id", "motion", "label", "heading", "state", "reason")]
        rows: pd.DataFrame = pd.read_parquet(
            files, columns=columns, partitioning=None, filters=where, read_dictionary=texts
        )
        return rows


def peak_hour_by_camera(tables: Tables) -> pd.DataFrame:
    """Count sightings by camera and hour, and keep the fullest hour."""
    rows = tables("sightings", ["camera_id", "entered_at", "motion"])
    rows = rows[rows["motion"] != "parked"]
    hours = rows.groupby(["camera_id", rows["entered_at"].dt.floor(HOUR)], observed=True).size()
    found = hours[hours >= K].rename("vehicles").reset_index()
    found = found.sort_values(["vehicles", "entered_at"], ascending=[False, True]).drop_duplicates("camera_id")
    found["hour_local"] = found["entered_at"].dt.tz_localize(None)
    found = _named(tables, found).sort_values(["vehicles", "camera_id"], ascending=[False, True])
    return found[["camera_id", "name", "hour_local", "vehicles"]]


def vehicle_mix(tables: Tables) -> pd.DataFrame:
    """Count sightings by camera and label."""
    rows = tables("sightings", ["camera_id", "label", "motion"])
    kinds = rows[rows["motion"] != "parked"].groupby(["camera_id", "label"], observed=True).size()
    found = kinds.rename("vehicles").reset_index()
    found["percent"] = 100 * found["vehicles"] / found.groupby("camera_id", observed=True)["vehicles"].transform("sum")
    found = _named(tables, found[found["vehicles"] >= K])
    found = found.sort_values(["camera_id", "vehicles", "label"], ascending=[True, False, True])
    return found[["camera_id", "name", "label", "vehicles", "percent"]]


def stopped_share(tables: Tables) -> pd.DataFrame:
    """Count followed sightings and those that stood, by camera and hour."""
    rows = tables("sightings", ["camera_id", "entered_at", "motion"])
    rows = rows[~rows["motion"].isin(FOLLOWED)]
    stood = (rows["motion"] == "stopped").rename("stood")
    found = stood.groupby([rows["camera_id"], rows["entered_at"].dt.floor(HOUR)], observed=True).agg(["size", "mean"])
    found = _named(tables, found[found["size"] >= K].reset_index())
    found["hour_local"] = found["entered_at"].dt.tz_localize(None)
    found["stopped_percent"] = 100 * found["mean"]
    found = found.rename(columns={"size": "vehicles"}).sort_values(["camera_id", "hour_local"])
    return found[["camera_id", "name", "hour_local", "vehicles", "stopped_percent"]]


def dwell_by_camera(tables: Tables) -> pd.DataFrame:
    """Take the median and the 85th percentile of stays, by camera and heading."""
    rows = tables("sightings", ["camera_id", "heading", "entered_at", "left_at", "motion"])
    rows = rows[~rows["motion"].isin(FOLLOWED)]
    stay_ds = (rows["left_at"] - rows["entered_at"]) // pd.Timedelta(milliseconds=100)
    keys = pd.DataFrame({"camera_id": rows["camera_id"], "heading": rows["heading"], "stay_ds": stay_ds})
    found = _ranked(keys, ["camera_id", "heading"], "stay_ds", {"p50_s": 50, "p85_s": 85})
    found = _named(tables, found[found["vehicles"] >= K])
    found[["p50_s", "p85_s"]] /= 10
    found = found.assign(heading=found["heading"].astype(str)).sort_values(["camera_id", "heading"])
    return found[["camera_id", "name", "heading", "p50_s", "p85_s", "vehicles"]]


def queue_growth(tables: Tables) -> pd.DataFrame:
    """Count stopped sightings by camera and five minutes, and set each against the five minutes before."""
    rows = tables("sightings", ["camera_id", "entered_at"], [("motion", "=", "stopped")])
    stops = rows.groupby(["camera_id", rows["entered_at"].dt.floor("5min")], observed=True).size()
    found = stops[stops >= K].rename("stopped").reset_index()
    earlier = found.assign(entered_at=found["entered_at"] + pd.Timedelta(minutes=5))
    found = found.merge(earlier, on=["camera_id", "entered_at"], how="left", suffixes=("", "_before"))
    found["growth"] = found["stopped"] - found["stopped_before"]
    found["interval_local"] = found["entered_at"].dt.tz_localize(None)
    found = _named(tables, found).sort_values(["camera_id", "interval_local"])
    return found[["camera_id", "name", "interval_local", "stopped", "growth"]]


def picture_states(tables: Tables) -> pd.DataFrame:
    """Count frames and cameras by hour and state."""
    rows = tables("frames", ["camera_id", "slot_at", "state"])
    counted = rows.groupby([rows["slot_at"].dt.floor(HOUR), "state", "camera_id"], observed=True).size()
    found = counted.groupby(["slot_at", "state"], observed=True).agg(["sum", "size"]).reset_index()
    found["hour_local"] = found["slot_at"].dt.tz_localize(None)
    found["percent"] = 100 * found["sum"] / found.groupby("slot_at")["sum"].transform("sum")
    found = found.rename(columns={"sum": "pictures", "size": "cameras"})
    found = found.sort_values(["hour_local", "pictures"], ascending=[True, False])
    return found[["hour_local", "state", "pictures", "percent", "cameras"]]


def cadence_by_camera(tables: Tables) -> pd.DataFrame:
    """Sort the usable pictures of each camera and take the gaps between them."""
    rows = tables("frames", ["camera_id", "slot_at", "captured_at"], [("state", "=", "ok")])
    rows["at"] = rows["captured_at"].fillna(rows["slot_at"])
    rows = rows[["camera_id", "at"]].sort_values(["camera_id", "at"])
    gap_us = rows["at"].diff() // pd.Timedelta(microseconds=1)
    rows["gap_us"] = gap_us.where(rows["camera_id"].cat.codes.diff() == 0)
    kept = rows.dropna(subset=["gap_us"])
    found = _ranked(kept, ["camera_id"], "gap_us", {"p50_s": 50, "p95_s": 95, "longest_s": 100})
    found[["p50_s", "p95_s", "longest_s"]] /= 1e6
    found = _named(tables, found, "cadence_s").rename(columns={"cadence_s": "stated_s"}).sort_values("camera_id")
    return found[["camera_id", "name", "stated_s", "p50_s", "p95_s", "longest_s"]]


def too_small_to_link(tables: Tables) -> pd.DataFrame:
    """Take the median of heights, and the shares below two of them, by camera."""
    rows = tables("detections", ["camera_id", "y1_px", "y2_px"])
    rows["high"] = rows["y2_px"] - rows["y1_px"]
    rows["low_24"], rows["low_12"] = rows["high"] < 24, rows["high"] < 12
    grouped = rows.groupby("camera_id", observed=True)
    found = grouped.agg(detections=("high", "size"), median_height_px=("high", "median"),
                        low_24=("low_24", "mean"), low_12=("low_12", "mean")).reset_index()  # fmt: skip
    found["below_24_px_percent"], found["below_12_px_percent"] = 100 * found["low_24"], 100 * found["low_12"]
    found = _named(tables, found).sort_values("camera_id")
    return found[["camera_id", "name", "detections", "median_height_px", "below_24_px_percent", "below_12_px_percent"]]


def hourly_volume(tables: Tables) -> pd.DataFrame:
    """Add up `flow` by camera and hour."""
    rows = tables("flow", ["camera_id", "interval_local", "vehicles", "vehicles_expected", "seen_percent"])
    hour = rows["interval_local"].dt.floor(HOUR).rename("hour_local")
    found = rows.groupby(["camera_id", hour], observed=True).agg(
        {"vehicles": "sum", "vehicles_expected": "sum", "seen_percent": "first"}
    )
    found = _named(tables, found.reset_index()).sort_values(["camera_id", "hour_local"])
    return found[["camera_id", "name", "hour_local", "vehicles", "vehicles_expected", "seen_percent"]]


def turning_shares(tables: Tables) -> pd.DataFrame:
    """Share out the vehicles linked from each camera."""
    rows = tables("travel_time", ["from_camera", "to_camera", "support"], [("source", "=", "links")])
    found = rows.groupby(["from_camera", "to_camera"])["support"].sum().rename("vehicles").reset_index()
    found["percent"] = 100 * found["vehicles"] / found.groupby("from_camera")["vehicles"].transform("sum")
    names = tables("cameras", ["camera_id", "name"]).astype(str).set_index("camera_id")["name"]
    found["from_name"], found["to_name"] = found["from_camera"].map(names), found["to_camera"].map(names)
    found = found.sort_values(["from_camera", "vehicles", "to_camera"], ascending=[True, False, True])
    return found[["from_camera", "to_camera", "from_name", "to_name", "vehicles", "percent"]]


def directness(tables: Tables) -> pd.DataFrame:
    """Measure the straight way between the cameras of each pair in GeoPandas, in the metric CRS of the city."""
    rows = tables("transitions", ["from_camera", "to_camera", "road_m"])
    found = rows.groupby(["from_camera", "to_camera"])["road_m"].min().reset_index()
    cameras = tables("cameras", ["camera_id", "name", "lon", "lat"])
    placed = geopandas.GeoSeries(geopandas.points_from_xy(cameras["lon"], cameras["lat"], crs=4326))
    placed = placed.to_crs(placed.estimate_utm_crs())
    placed.index, names = cameras["camera_id"].astype(str), cameras.set_index(cameras["camera_id"].astype(str))["name"]
    ends = [placed.loc[found[name]].reset_index(drop=True) for name in ("from_camera", "to_camera")]
    found["straight_m"] = ends[0].distance(ends[1])
    found["detour_factor"] = found["road_m"] / found["straight_m"]
    found["from_name"], found["to_name"] = found["from_camera"].map(names), found["to_camera"].map(names)
    found = found.sort_values(["detour_factor", "from_camera", "to_camera"], ascending=[False, True, True])
    return found[["from_camera", "to_camera", "from_name", "to_name", "road_m", "straight_m", "detour_factor"]]


def _named(tables: Tables, rows: pd.DataFrame, *more: str) -> pd.DataFrame:
    """Join the names of cameras in, and sort as text does."""
    cameras = tables("cameras", ["camera_id", "name", *more])
    cameras["camera_id"] = cameras["camera_id"].astype(str)
    return rows.assign(camera_id=rows["camera_id"].astype(str)).merge(cameras, on="camera_id")


def _ranked(rows: pd.DataFrame, keys: list[str], value: str, percents: dict[str, int]) -> pd.DataFrame:
    """Return percentiles by rank (the least value that so many percent do not exceed) and the number of rows."""
    ordered = rows.sort_values([*keys, value]).reset_index(drop=True)
    sizes = ordered.groupby(keys, observed=True).size().rename("vehicles").reset_index()
    ends = sizes["vehicles"].cumsum().to_numpy()
    starts, values = ends - sizes["vehicles"].to_numpy(), ordered[value].to_numpy()
    for name, percent in percents.items():
        at = np.maximum(-(-percent * sizes["vehicles"].to_numpy() // 100) - 1, 0)
        sizes[name] = values[starts + at].astype(float)
    return sizes


ANSWERS: dict[str, Callable[[Tables], pd.DataFrame]] = {
    each.__name__: each
    for each in (
        peak_hour_by_camera, vehicle_mix, stopped_share, dwell_by_camera, queue_growth, picture_states, cadence_by_camera,
        too_small_to_link, hourly_volume, turning_shares, directness,
    )
}  # fmt: skip
"""Questions by the name of their file in `sql/cookbook`."""
