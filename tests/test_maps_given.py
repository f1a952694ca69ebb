"""Apply a person's own kepler.gl configuration, or say in a sentence why not."""

import json
from pathlib import Path
from typing import Any

import pytest
from test_maps import inside, invented

from pipeline.errors import SettingsError
from pipeline.maps import compose

OWN = {
    "id": "mine",
    "type": "point",
    "config": {"dataId": "cameras", "label": "My dots", "columns": {"lat": "lat", "lng": "lon"}},
}


def saved(path: Path, *layers: dict[str, Any], version: str = "v1", **more: Any) -> Path:
    """Save a configuration as kepler.gl does."""
    path.write_text(
        json.dumps({"version": version, "config": {"visState": {"layers": layers, **more}, "mapState": {"zoom": 3}}})
    )
    return path


def test_a_persons_own_layers_and_view_are_drawn(tmp_path: Path):
    page = compose(invented(), "heatmap", config=saved(tmp_path / "mine.json", OWN)).text
    config = inside(page)["config"]["config"]
    assert [layer["id"] for layer in config["visState"]["layers"]] == ["mine"]
    assert config["mapState"] == {"zoom": 3}
    assert config["mapStyle"]["styleType"] == "dark-matter"
    assert "Drawn as mine.json has it" in page


def test_a_whole_saved_map_gives_its_configuration_and_none_of_its_data(tmp_path: Path):
    path = tmp_path / "map.json"
    config = json.loads(saved(path, OWN).read_text())
    path.write_text(json.dumps({"datasets": [{"data": {"id": "foreign"}}], "config": config, "info": {}}))
    assert set(inside(compose(invented(), "heatmap", config=path).text)["data"]) == {"cameras", "heatmap"}


def test_what_the_page_saves_of_itself_can_be_given_back(tmp_path: Path):
    for kind in ("overview", "trips", "heatmap", "arcs", "health"):
        config = inside(compose(invented(), kind).text)["config"]
        (tmp_path / "own.json").write_text(json.dumps(config))
        again = inside(compose(invented(), kind, config=tmp_path / "own.json").text)["config"]
        assert again["config"]["visState"] == config["config"]["visState"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{not json", "not JSON"),
        ("[]", "no kepler.gl configuration"),
        ('{"version": "v0", "config": {}}', "version 'v0'"),
        ('{"version": "v1", "config": {"visState": []}}', "visState is no object"),
        ('{"version": "v1", "config": {"visState": {"layers": ["x"]}}}', "layers is no list of objects"),
    ],
)
def test_what_is_no_configuration_is_refused_in_one_sentence(tmp_path: Path, content: str, sentence: str):
    (tmp_path / "mine.json").write_text(content)
    with pytest.raises(SettingsError, match=sentence):
        compose(invented(), config=tmp_path / "mine.json")


@pytest.mark.parametrize(
    ("layer", "sentence"),
    [
        ({**OWN, "config": {**OWN["config"], "dataId": "taxis"}}, "'My dots' draws data set 'taxis'; this map holds"),
        ({**OWN, "config": {**OWN["config"], "columns": {"lat": "height"}}}, "reads column 'height' of 'cameras'"),
        ({**OWN, "type": "icon"}, "'icon', which asks hosts"),
        ({"id": "bare", "type": "point"}, "layer 'bare' has no config"),
    ],
)
def test_a_layer_that_cannot_be_drawn_is_refused_by_its_name(tmp_path: Path, layer: dict[str, Any], sentence: str):
    with pytest.raises(SettingsError, match=sentence):
        compose(invented(), config=saved(tmp_path / "mine.json", layer))


def test_a_filter_on_unknown_data_is_refused(tmp_path: Path):
    path = saved(tmp_path / "mine.json", OWN, filters=[{"dataId": ["taxis"], "name": ["Hour"]}])
    with pytest.raises(SettingsError, match="filter on Hour draws data set 'taxis'"):
        compose(invented(), config=path)


def test_a_configuration_of_trips_needs_the_trips(tmp_path: Path):
    path = tmp_path / "own.json"
    path.write_text(json.dumps(inside(compose(invented(), "trips").text)["config"]))
    with pytest.raises(SettingsError, match="state a --purpose"):
        compose(invented(exempt=""), "trips", config=path)
