"""The road graph of an archive becomes a table, or says why it does not."""

from pathlib import Path

import networkx as nx
import pytest

from pipeline import geo, roads, routing
from pipeline.errors import FeedError
from pipeline.scans import Scan
from pipeline.tables import ROADS

AT = {"a": (-73.98, 40.75), "b": (-73.98, 40.76), "c": (-73.97, 40.76)}


def scan(folder: Path, graph: nx.Graph | None = None, text: str = "") -> Scan:
    """A scan of an archive whose road file holds a graph, or a text."""
    if graph is not None:
        nx.write_graphml(graph, folder / "roads.graphml")
    elif text:
        (folder / "roads.graphml").write_text(text)
    return Scan("t", "archive", "America/New_York", "EPSG:32618", source=str(folder), roads="roads.graphml")


def square(graph: nx.Graph, x: str = "lon", y: str = "lat") -> nx.Graph:
    for node, (lon, lat) in AT.items():
        graph.add_node(node, **{x: lon, y: lat})
    return graph


def test_a_one_way_street_has_one_row_with_its_length_and_line(tmp_path: Path):
    graph = square(nx.DiGraph())
    graph.add_edge("a", "b", length=1200.0)
    chart = roads.chart(scan(tmp_path, graph)).to_pylist()
    assert [(row["from_node"], row["to_node"], row["length_m"]) for row in chart] == [("a", "b", 1200.0)]
    assert geo.from_wkb(chart[0]["geometry"]).tolist() == [list(AT["a"]), list(AT["b"])]


def test_of_parallel_streets_the_shortest_stands_and_loops_fall_away(tmp_path: Path):
    graph = square(nx.MultiDiGraph())
    graph.add_edges_from(
        [("a", "b", {"length": length}) for length in (1300.0, 1112.0, 1200.0)] + [("a", "a", {"length": 5.0})]
    )
    assert roads.chart(scan(tmp_path, graph))["length_m"].to_pylist() == [1112.0]


def test_a_graph_as_osmnx_writes_it_is_read_with_its_bends(tmp_path: Path):
    graph = square(nx.MultiDiGraph(), "x", "y")
    graph.add_edge("a", "c", geometry="LINESTRING (-73.98 40.75, -73.98 40.76, -73.97 40.76)")
    row = roads.chart(scan(tmp_path, graph)).to_pylist()[0]
    assert len(geo.from_wkb(row["geometry"])) == 3
    assert row["length_m"] == pytest.approx(1112 + 842, rel=0.01)


def test_an_undirected_graph_runs_both_ways(tmp_path: Path):
    graph = square(nx.Graph())
    graph.add_edge("a", "b", length=1112.0)
    assert roads.chart(scan(tmp_path, graph)).num_rows == 2


def test_a_missing_road_file_is_said_and_gives_no_roads(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert roads.chart(scan(tmp_path)).equals(ROADS.empty())
    assert "straight lines" in caplog.text


@pytest.mark.parametrize("text", ["<graphml>", "no xml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"/>'])
def test_a_broken_road_file_is_a_feed_error(tmp_path: Path, text: str):
    with pytest.raises(FeedError, match=r"roads\.graphml"):
        roads.chart(scan(tmp_path, text=text))


def test_a_node_without_a_place_is_a_feed_error(tmp_path: Path):
    graph = nx.DiGraph([("a", "b")])
    with pytest.raises(FeedError, match="no lon and lat"):
        roads.chart(scan(tmp_path, graph))


@pytest.mark.shared
def test_routes_between_real_cameras_have_plausible_lengths(shared: Path):
    source = Scan(
        "t",
        "archive",
        "America/New_York",
        "EPSG:32618",
        source=str(shared / "fdr"),
        roads="../roads/manhattan_drive.graphml",
    )
    graph = routing.RoadGraph(roads.chart(source), "EPSG:32618")
    grand, e53, e48 = (-73.977491, 40.713209), (-73.96219, 40.754739), (-73.965239, 40.751693)
    lengths = [
        graph.route(*one, *two, way, way)
        for one, two, way in ((grand, e53, 20), (e53, grand, 200), (e48, e53, 30), (e53, e48, 210))
    ]
    assert [route is not None and low < route.length_m < high for route, (low, high) in zip(
        lengths, ((4800, 5800), (4500, 5400), (400, 900), (400, 600)), strict=True)] == [True] * 4  # fmt: skip
