"""Tell where vehicles spent their time: heatmap -> vehicle-minutes by H3 cell, and by hour."""

from typing import Any

import h3
import numpy as np

from pipeline.report.given import Facts, Given, Rows
from pipeline.report.words import cut

FINE, COARSE = "heatmap", "heatmap_coarse"
MINUTES = ("vehicle_minutes", "low_vehicle_minutes", "high_vehicle_minutes")
MAX_CELLS, MAX_TOP = 1500, 10
"""More cells than a map of a page can show are told by larger ones, where the night has them."""


def facts(given: Given) -> Facts:
    """Add up the night's vehicle-minutes by cell, the fullest first, and by hour."""
    fine = given.product(FINE)
    which = COARSE if len({row["cell"] for row in fine}) > MAX_CELLS and COARSE in given.products else FINE
    rows = given.product(which)
    cells = _sums(rows, "cell")
    cells.sort(key=lambda row: (-row["vehicle_minutes"], row["cell"]))
    for row in cells:
        row["lat"], row["lon"] = (round(each, 5) for each in h3.cell_to_latlng(row["cell"]))
    near = _nearest(given, cells[:MAX_TOP])
    return {
        "product": which,
        "resolution": h3.get_resolution(cells[0]["cell"]) if cells else None,
        "vehicle_minutes": round(sum(row["vehicle_minutes"] for row in cells), 1),
        "cells": cut(cells, MAX_CELLS, which),
        "top": [{**row, "near": name} for row, name in zip(cells, near, strict=False)],
        "hours": sorted(_sums(rows, "hour_local"), key=lambda row: row["hour_local"]),
    }


def _sums(rows: Rows, by: str) -> Rows:
    """Add up vehicle-minutes and their bounds by one column; bounds that the product does not state are None."""
    found: dict[Any, dict[str, float | None]] = {}
    for row in rows:
        sums = found.setdefault(row[by], dict.fromkeys(MINUTES))
        for name in MINUTES:
            if row.get(name) is not None:
                sums[name] = round((sums[name] or 0.0) + float(row[name]), 1)
    return [{by: key, **sums} for key, sums in found.items()]


def _nearest(given: Given, cells: Rows) -> list[str]:
    """Name the camera nearest to each cell's middle."""
    listed = given.table("cameras")
    if not cells or not listed.num_rows:
        return ["" for _ in cells]
    spots = np.column_stack([listed["lon"].to_numpy(), listed["lat"].to_numpy()])
    names = listed["name"].to_pylist()
    shrink = np.cos(np.radians(spots[:, 1].mean()))
    found = []
    for row in cells:
        away = (spots - [row["lon"], row["lat"]]) * [shrink, 1.0]
        found.append(names[int(np.argmin((away**2).sum(axis=1)))])
    return found
