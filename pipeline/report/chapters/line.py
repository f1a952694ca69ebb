"""Count what each stage of the line passed on."""

import pyarrow.compute as pc

from pipeline.report.given import Given, Rows
from pipeline.report.words import about


def facts(given: Given) -> Rows:
    """Give each stage its table, how many rows it passed on (None where they are gone) and what one is."""
    frames = given.table("frames")
    usable = pc.sum(pc.equal(frames["state"], "ok")).as_py() or 0
    made = [
        ("cameras", given.table("cameras").num_rows, "cameras listed"),
        ("frames", frames.num_rows, "pictures planned"),
        ("frames", usable, "pictures usable"),
        ("detections", given.table("detections").num_rows, "vehicle boxes found in them"),
        ("sightings", about(given.table("sightings").num_rows), "passings of one vehicle at one camera, about"),
        ("links", about(given.table("links").num_rows), "passings joined with one at another camera, about"),
        ("trajectories", about(given.table("trajectories").num_rows), "vehicles followed over two cameras or more, about"),
        ("products", sum(rows.num_rows for rows in given.products.values()), "rows of counts, times and flows published"),
    ]  # fmt: skip
    return [
        {"table": name, "count": None if name in given.gone else count, "meaning": meaning}
        for name, count, meaning in made
    ]
