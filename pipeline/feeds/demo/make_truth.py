"""Drive SUMO through the demo city once and keep where every vehicle was (`truth.parquet`).

A development program: `uv run --group sumo python -m pipeline.feeds.demo.make_truth`, or with any SUMO on the PATH.
The same SUMO gives the same bytes; the one kept here was SUMO 1.28.
"""

import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.feeds.demo.city import CROSS_M, LANE_M, MILL, OFF, ON, PARKWAY, QUAY, SLIP_M, Array
from pipeline.feeds.demo.vehicles import MODELS, PAINTS

TRUTH = Path(__file__).with_name("truth.parquet")
WARM_UP_S, LASTS_S, EVERY_S = 300, 1200, 2
SEED = 20260
FLOWS = {
    ("A", "B"): 92, ("B", "A"): 96, ("A", "E"): 36, ("E", "B"): 40, ("S", "N"): 16, ("N", "S"): 16, ("S", "B"): 20,
    ("B", "S"): 20, ("N", "A"): 14, ("A", "N"): 14, ("N", "E"): 10, ("S", "A"): 10, ("B", "N"): 14,
}  # fmt: skip
"""Vehicles from end to end of the city in 20 minutes. A, B: the parkway's ends; S, N: Mill Street's; E: Quay Street's."""


def main() -> None:
    """Write the truth beside this file."""
    with tempfile.TemporaryDirectory() as folder:
        _network(Path(folder))
        fleet = _traffic(Path(folder))
        _call("sumo", "-n", "net.xml", "-r", "routes.xml", "--fcd-output", "fcd.xml", "--step-length", "0.5",
              "--device.fcd.period", str(EVERY_S), "--precision", "3", "--seed", str(SEED), "--end",
              str(WARM_UP_S + LASTS_S), "--lanechange.duration", "3", "--no-step-log", "--collision.action", "warn",
              "--time-to-teleport", "-1", cwd=Path(folder))  # fmt: skip
        rows = _rows(Path(folder) / "fcd.xml", fleet)
    pq.write_table(rows, TRUTH, compression="zstd", compression_level=19)
    print(len(rows["vehicle"].unique()), "vehicles", rows.num_rows, "rows", TRUTH.stat().st_size, "bytes")


def _network(folder: Path) -> None:
    """Let netconvert join the city's roads into a SUMO network."""
    line, half = PARKWAY.line, PARKWAY.median_m / 2
    cross = MILL.line.along[np.argmin(((MILL.line.points - line.at(CROSS_M)) ** 2).sum(1))]
    ends = {
        "A": line.at(0), "J": line.at(CROSS_M), "B": line.at(line.length_m), "S": MILL.line.at(0),
        "N": MILL.line.at(MILL.line.length_m), "Q": QUAY.line.at(0), "E": QUAY.line.at(QUAY.line.length_m),
    } | {f"R{i}": line.at(at) for i, at in enumerate(SLIP_M)}  # fmt: skip
    nodes = ET.Element("nodes")
    for name, (x, y) in ends.items():
        kind = "traffic_light" if name == "J" else "priority"
        ET.SubElement(nodes, "node", id=name, x=f"{x:.3f}", y=f"{y:.3f}", type=kind)
    edges = ET.Element("edges")
    stretches = [
        ("A", "J", 0, CROSS_M, 2),
        ("J", "R0", CROSS_M, SLIP_M[0], 2),
        ("R0", "R1", *SLIP_M[:2], 3),
        ("R1", "R2", *SLIP_M[1:3], 2),
        ("R2", "R3", *SLIP_M[2:], 3),
        ("R3", "B", SLIP_M[3], line.length_m, 2),
    ]
    for start, end, first, last, lanes in stretches:
        _edge(edges, start, end, line.part(first, last, half), lanes, 15.5 if last <= CROSS_M else 17.0)
    _edge(edges, "B", "J", line.part(line.length_m, CROSS_M, -half), 2, 17.0)
    _edge(edges, "J", "A", line.part(CROSS_M, 0, -half), 2, 15.5)
    for start, end, first, last in (("S", "J", 0, cross), ("J", "S", cross, 0), ("J", "N", cross, MILL.line.length_m),
                                    ("N", "J", MILL.line.length_m, cross)):  # fmt: skip
        _edge(edges, start, end, MILL.line.part(first, last), 1, 11.5)
    _edge(edges, "Q", "E", QUAY.line.points, 1, 11.5)
    _edge(edges, "E", "Q", QUAY.line.points[::-1], 1, 11.5)
    _edge(edges, "R1", "Q", OFF.line.points, 1, 12.0, "center")
    _edge(edges, "Q", "R2", ON.line.points, 1, 12.0, "center")
    joins = ET.Element("connections")
    for start, middle, end, lanes in (("J", "R0", "R1", ((0, 1), (1, 2))), ("R0", "R1", "R2", ((1, 0), (2, 1))),
                                      ("R0", "R1", "Q", ((0, 0),)), ("R1", "R2", "R3", ((0, 1), (1, 2))),
                                      ("Q", "R2", "R3", ((0, 0),)), ("R2", "R3", "B", ((1, 0), (2, 1)))):  # fmt: skip
        for ours, theirs in lanes:
            ET.SubElement(joins, "connection", {"from": f"{start}{middle}", "to": f"{middle}{end}",
                                                "fromLane": str(ours), "toLane": str(theirs)})  # fmt: skip
    for name, root in (("nod", nodes), ("edg", edges), ("con", joins)):
        ET.ElementTree(root).write(folder / f"{name}.xml")
    _call("netconvert", "-n", "nod.xml", "-e", "edg.xml", "-x", "con.xml", "-o", "net.xml", "--no-turnarounds",
          "--tls.cycle.time", "76", "--offset.disable-normalization", "--no-warnings", cwd=folder)  # fmt: skip


def _edge(
    edges: ET.Element, start: str, end: str, points: Array, lanes: int, speed: float, spread: str = "right"
) -> None:
    ET.SubElement(edges, "edge", {
        "id": start + end, "from": start, "to": end, "numLanes": str(lanes), "speed": str(speed), "spreadType": spread,
        "width": str(LANE_M), "shape": " ".join(f"{x:.3f},{y:.3f}" for x, y in points),
    })  # fmt: skip


def _traffic(folder: Path) -> dict[str, tuple[str, str]]:
    """Write the vehicles with their models and return each one's model and paint."""
    chance = np.random.default_rng(SEED)
    routes, fleet = ET.Element("routes"), {}
    for name, model in MODELS.items():
        slow = {"bus": 0.85, "truck": 0.9}.get(model.label, 1.0)
        ET.SubElement(routes, "vType", id=name, length=str(model.length_m), width=str(model.width_m), minGap="2.0",
                      carFollowModel="Krauss", sigma="0.4", speedFactor=f"normc({slow},0.09,0.7,1.25)",
                      accel="2.4" if slow == 1.0 else "1.3", lcStrategic="3")  # fmt: skip
    trips, lasts_s = [], WARM_UP_S + LASTS_S
    for (start, end), count in FLOWS.items():
        trips += [(float(at), start, end) for at in chance.uniform(0, lasts_s - 40, round(count * lasts_s / LASTS_S))]
    shares = np.array([model.share for model in MODELS.values()])
    for number, (at, start, end) in enumerate(sorted(trips)):
        name = str(chance.choice(list(MODELS), p=shares / shares.sum()))
        paints = MODELS[name].paints or tuple(PAINTS)
        weights = np.array([PAINTS[paint].share for paint in paints])
        fleet[str(number)] = (name, str(chance.choice(paints, p=weights / weights.sum())))
        ET.SubElement(routes, "trip", {"id": str(number), "type": name, "depart": f"{at:.1f}", "from": _first(start),
                                       "to": _last(end), "departSpeed": "max", "departLane": "best"})  # fmt: skip
    ET.ElementTree(routes).write(folder / "routes.xml")
    return fleet


def _first(end: str) -> str:
    return {"A": "AJ", "B": "BJ", "S": "SJ", "N": "NJ", "E": "EQ"}[end]


def _last(end: str) -> str:
    return {"A": "JA", "B": "R3B", "S": "JS", "N": "JN", "E": "QE"}[end]


def _rows(path: Path, fleet: dict[str, tuple[str, str]]) -> pa.Table:
    """Return a row per vehicle and 2 s with the middle of the vehicle, as small integers."""
    seen: dict[str, list[tuple[int, ...]]] = {}
    for _, step in ET.iterparse(path):
        if step.tag != "timestep":
            continue
        second = round(float(step.get("time", "0"))) - WARM_UP_S
        for each in step if second >= 0 else ():
            angle = np.radians(float(each.get("angle", "0")))
            back = MODELS[fleet[each.get("id", "")][0]].length_m / 2
            x = float(each.get("x", "0")) - back * np.sin(angle)
            y = float(each.get("y", "0")) - back * np.cos(angle)
            place = (second, round(x * 10), round(y * 10), round(float(each.get("angle", "0")) * 10))
            seen.setdefault(each.get("id", ""), []).append((*place, round(float(each.get("speed", "0")) * 100)))
        step.clear()
    order = sorted(seen, key=int)
    table = {"vehicle": np.repeat(np.arange(len(order)), [len(seen[name]) for name in order]).astype(np.int16)}
    numbers = np.concatenate([np.array(seen[name]) for name in order]).astype(np.int16)
    table |= dict(zip(("second", "x_dm", "y_dm", "heading_ddeg", "speed_cmps"), numbers.T, strict=True))
    names = [[fleet[name][i] for name in order] for i in (0, 1)]
    columns = {name: pa.array(values) for name, values in table.items()}
    for name, values in zip(("model", "paint"), names, strict=True):
        columns[name] = pa.array([values[i] for i in table["vehicle"]]).dictionary_encode()
    return pa.table(columns)


def _call(program: str, *options: str, cwd: Path) -> None:
    """Run one of SUMO's programs."""
    subprocess.run([shutil.which(program) or program, *options], cwd=cwd, check=True)


if __name__ == "__main__":
    main()
