"""Turn the same points into trajectories by ours, MovingPandas and geopandas: `python -m benchmarks.trajectories --json`.

Vehicles drive on with bends, a point every five seconds or so. Each way runs in its own process and reads the same Parquet
file; timed is what follows its imports and a few points to warm up: reading, lines, lengths, speeds, and GeoParquet where
it is written. Of several runs the middle one by processor time counts. Lengths and speeds of all ways are held against ours.
"""

# ruff: noqa: PLC0415 - each way imports its own library in its own process
import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Told = tuple[list[str], NDArray[np.float64], NDArray[np.float64]]
"""Names of the trajectories, their lengths in metres and mean speeds in metres a second."""
UTM = "EPSG:32618"
EACH = 100
"""Points of a vehicle."""
CLOSE = 0.001
"""Share by which lengths and speeds may differ."""


def points(count: int, path: Path, seed: int = 1) -> None:
    """Write points of vehicles that drive on through a city, in the order they were seen."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    vehicles = max(1, count // EACH)
    turned = np.cumsum(rng.normal(0, 0.1, (vehicles, EACH)), axis=1) + rng.uniform(0, 2 * np.pi, (vehicles, 1))
    driven_m, paused_us = rng.uniform(20, 90, (vehicles, EACH)), rng.integers(3_000_000, 8_000_000, (vehicles, EACH))
    east, north = (np.cumsum(driven_m * way(turned), axis=1) for way in (np.sin, np.cos))
    start = np.column_stack([rng.uniform(-75.2, -74.8, vehicles), rng.uniform(40.5, 40.9, vehicles)])
    lat = start[:, 1:] + north / 111_195.0
    lon = start[:, :1] + east / 111_195.0 / np.cos(np.radians(lat))
    at_us = 1_790_000_000_000_000 + rng.integers(0, 3_600_000_000, (vehicles, 1)) + np.cumsum(paused_us, axis=1)
    names = np.repeat([f"{number:016x}" for number in rng.permutation(vehicles)], EACH)
    order = np.argsort(at_us.ravel(), kind="stable")
    columns = {"trajectory_id": names[order], "lon": lon.ravel()[order], "lat": lat.ravel()[order]}
    at = pa.array(at_us.ravel()[order], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table(columns | {"at": at}), path)


def ours(geometry: bool) -> Callable[[Path, Path], Told]:
    """Put points together as the stage `trajectories` draws its chains."""
    import pyarrow.parquet as pq

    from pipeline import geo
    from pipeline.trajectories import lines

    def told(source: Path, target: Path) -> Told:
        names, read = lines.read(pq.read_table(source, read_dictionary=["trajectory_id"]))
        drawn = lines.draw(read, geometry=geometry)
        if geometry:
            box = [read.lon.min(), read.lat.min(), read.lon.max(), read.lat.max()]
            pq.write_table(geo.geoparquet(drawn.append_column("trajectory_id", names), "LineString", box), target)
        return names.to_pylist(), *(drawn[name].to_numpy() for name in ("length_m", "mean_speed_mps"))

    return told


def movingpandas(_: bool) -> Callable[[Path, Path], Told]:
    """Build a collection of trajectories, as MovingPandas' guide does, and write its lines."""
    import geopandas
    import movingpandas as library
    import pandas as pd

    def told(source: Path, target: Path) -> Told:
        rows = pd.read_parquet(source)
        rows["at"] = rows["at"].dt.tz_localize(None)
        placed = geopandas.GeoDataFrame(rows, geometry=geopandas.points_from_xy(rows["lon"], rows["lat"]), crs=4326)
        collection = library.TrajectoryCollection(placed.to_crs(UTM), traj_id_col="trajectory_id", t="at")
        drawn = collection.to_traj_gdf()
        drawn["mean_speed_mps"] = drawn["length"] / (drawn["end_t"] - drawn["start_t"]).dt.total_seconds()
        drawn.to_crs(4326).to_parquet(target)
        return drawn["trajectory_id"].tolist(), drawn["length"].to_numpy(), drawn["mean_speed_mps"].to_numpy()

    return told


def vectorised(geometry: bool) -> Callable[[Path, Path], Told]:
    """Measure all steps at once in geopandas; lines by shapely's ragged arrays."""
    import geopandas
    import pandas as pd
    import shapely

    def told(source: Path, target: Path) -> Told:
        rows = pd.read_parquet(source).sort_values(["trajectory_id", "at"], ignore_index=True)
        placed = geopandas.GeoSeries(geopandas.points_from_xy(rows["lon"], rows["lat"], crs=4326)).to_crs(UTM)
        same = rows["trajectory_id"] == rows["trajectory_id"].shift()
        rows["step_m"] = placed.distance(placed.shift(), align=False).where(same, 0.0)
        grouped = rows.groupby("trajectory_id", sort=False)
        length, at = grouped["step_m"].sum(), grouped["at"].agg(["first", "last"])
        speed = length / (at["last"] - at["first"]).dt.total_seconds()
        if geometry:
            number = grouped.ngroup().to_numpy()
            lines = shapely.linestrings(rows[["lon", "lat"]].to_numpy(), indices=number)
            columns = {"length_m": length.to_numpy(), "mean_speed_mps": speed.to_numpy(), "trajectory_id": length.index}
            geopandas.GeoDataFrame(columns, geometry=lines, crs=4326).to_parquet(target)
        return length.index.tolist(), length.to_numpy(), speed.to_numpy()

    return told


def naive(_: bool) -> Callable[[Path, Path], Told]:
    """Go vehicle by vehicle in geopandas, as one would at first."""
    import geopandas
    import pandas as pd
    from shapely import LineString

    def told(source: Path, target: Path) -> Told:
        rows = pd.read_parquet(source)
        placed = geopandas.GeoDataFrame(rows, geometry=geopandas.points_from_xy(rows["lon"], rows["lat"]), crs=4326)
        found = []
        for name, group in placed.sort_values("at").groupby("trajectory_id"):
            line = LineString(group.geometry.tolist())
            length_m = geopandas.GeoSeries([line], crs=4326).to_crs(UTM).length.iloc[0]
            seconds = (group["at"].iloc[-1] - group["at"].iloc[0]).total_seconds()
            found.append((name, length_m, length_m / seconds, line))
        drawn = geopandas.GeoDataFrame(found, columns=["trajectory_id", "length_m", "mean_speed_mps", "geometry"])
        drawn.set_geometry("geometry").set_crs(4326).to_parquet(target)
        return drawn["trajectory_id"].tolist(), drawn["length_m"].to_numpy(), drawn["mean_speed_mps"].to_numpy()

    return told


WAYS: dict[str, tuple[Callable[[bool], Callable[[Path, Path], Told]], bool]] = {
    "thoroughfare": (ours, True),
    "thoroughfare, no geometry": (ours, False),
    "movingpandas": (movingpandas, True),
    "geopandas, vectorised": (vectorised, True),
    "geopandas, vectorised, no geometry": (vectorised, False),
    "geopandas, naive": (naive, True),
}  # fmt: skip
OURS, MOVING, LEAN, VECTORISED = (
    "thoroughfare", "movingpandas", "thoroughfare, no geometry", "geopandas, vectorised, no geometry"
)  # fmt: skip


def run(name: str, folder: Path) -> dict[str, float]:
    """Run one way in this process; its answers go to a file."""
    warnings.simplefilter("ignore")
    make, geometry = WAYS[name]
    told = make(geometry)
    points(2 * EACH, folder / "few.parquet")
    told(folder / "few.parquet", folder / "lines.parquet")
    before_mb, began, wall = _held_mb("VmRSS"), time.process_time(), time.perf_counter()
    names, length_m, speed_mps = told(folder / "points.parquet", folder / "lines.parquet")
    cpu_s, wall_s = time.process_time() - began, time.perf_counter() - wall
    np.savez(folder / "answers.npz", names=np.array(names), length_m=length_m, speed_mps=speed_mps)
    peak_mb = _held_mb("VmHWM")
    return {"cpu_s": cpu_s, "wall_s": wall_s, "peak_mb": peak_mb, "grown_mb": peak_mb - before_mb}


def compare(count: int, repeats: int, slow_below: int = 1_000_000) -> dict[str, Any]:
    """Run every way on the same points and hold the answers against ours; the slow ones not on very many points."""
    chosen = [name for name in WAYS if count < slow_below or name not in (MOVING, "geopandas, naive")]
    with tempfile.TemporaryDirectory() as folder:
        points(count, Path(folder) / "points.parquet")
        known, found = None, {}
        for name in chosen:
            runs = sorted((_apart(name, folder) for _ in range(repeats)), key=lambda each: each["cpu_s"])
            answers = _answers(Path(folder) / "answers.npz")
            known = known or answers
            found[name] = runs[len(runs) // 2] | {"differs": _differs(known, answers)}
    rounded = {name: {key: round(value, 6) for key, value in told.items()} for name, told in found.items()}
    return {"points": count, "ways": rounded, **_ratios(found)}


def _ratios(found: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return how many times the peers' processor time and memory ours are better."""
    ratios = {
        "times_vectorised": found[VECTORISED]["cpu_s"] / found[LEAN]["cpu_s"],
        "memory_share": found[LEAN]["grown_mb"] / found[VECTORISED]["grown_mb"],
        "peak_memory_share": found[LEAN]["peak_mb"] / found[VECTORISED]["peak_mb"],
        "largest_difference": max(each["differs"] for each in found.values()),
    }
    if MOVING in found:
        ratios["times_movingpandas"] = found[MOVING]["cpu_s"] / found[OURS]["cpu_s"]
    return {name: round(value, 6) for name, value in ratios.items()}


def _apart(name: str, folder: str) -> dict[str, float]:
    """Run one way in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.trajectories", "--way", name, "--folder", folder]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told: dict[str, float] = json.loads(said.splitlines()[-1])
    return told


def _answers(path: Path) -> tuple[list[str], NDArray[np.float64]]:
    """Read names, and lengths beside speeds, in the order of the names."""
    with np.load(path) as found:
        order = np.argsort(found["names"])
        return found["names"][order].tolist(), np.stack([found["length_m"][order], found["speed_mps"][order]])


def _differs(known: tuple[list[str], NDArray[np.float64]], other: tuple[list[str], NDArray[np.float64]]) -> float:
    """Return the largest share by which a length or speed differs; infinite where other trajectories were found."""
    if known[0] != other[0]:
        return float("inf")
    return float(np.max(np.abs(other[1] / known[1] - 1)))


def _held_mb(field: str) -> float:
    """Return the memory this process holds now, `VmRSS`, or held at most, `VmHWM`; its parent's is not counted."""
    said = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
    return float(said[field].split()[0]) / 1024


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(run(asked.way, asked.folder)))
        return
    found = [compare(count, asked.repeats) for count in asked.points]
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    for told in found:
        print(f"{told['points']:,} points")
        for name, each in told["ways"].items():
            print(
                f"  {name:36} {each['cpu_s']:8.2f} s cpu  {each['grown_mb']:7.0f} MB more, {each['peak_mb']:.0f} in all"
            )
        print("  " + ", ".join(f"{name} {value:.4g}" for name, value in told.items() if name not in ("points", "ways")))


if __name__ == "__main__":
    main()
