"""Apply a person's own kepler.gl configuration: saved JSON -> a configuration that fits a map's data sets, or one sentence."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import SettingsError

VERSION = "v1"
"""The schema that kepler.gl 1.0 and later save."""
DRAWN_HERE = ("arc", "cluster", "geojson", "grid", "heatmap", "hexagon", "hexagonId", "line", "point", "trip")
"""Kinds of layers that kepler.gl draws without asking a host for icons, models or tiles."""
MOST_BYTES = 5_000_000


def read_config(path: Path) -> dict[str, Any]:
    """Read what kepler.gl saved: its configuration, or a whole map whose data sets are left aside.

    Raises:
        SettingsError: no such file, no JSON, or no configuration of version v1.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise SettingsError(f"{path}: more than 5 MB is no configuration; save the map's config without its data")
        saved = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); pass a kepler.gl config saved as JSON"
        ) from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"{path}: not JSON ({error}); save the map's config again with kepler.gl's `Export map`, JSON"
        ) from error
    found = saved.get("config") if isinstance(saved, dict) and "datasets" in saved else saved
    if not isinstance(found, dict) or not isinstance(found.get("config"), dict):
        raise SettingsError(
            f'{path}: no kepler.gl configuration; it reads {{"version": "{VERSION}", "config": {{...}}}}'
        )
    if (version := found.get("version")) != VERSION:
        raise SettingsError(
            f"{path}: version {version!r}; kepler.gl 1.0 and later save {VERSION!r}: open the map there and save it again"
        )
    return found


def fitted(
    config: dict[str, Any], own: dict[str, Any], data: dict[str, tuple[str, ...]], where: Path
) -> dict[str, Any]:
    """Return a person's configuration on the page's own base map, held against the data sets that the page holds.

    Args:
        config: As `read_config` gives it.
        own: The page's own configuration; gives what the person's does not say.
        data: Columns by data set.
        where: File, for the errors.

    Raises:
        SettingsError: a layer or filter names a data set or column that the page does not have, or needs a host.
    """
    vis, state = config["config"].get("visState", {}), config["config"].get("mapState")
    if not isinstance(vis, dict):
        raise SettingsError(f"{where}: visState is no object; save the map's config again")
    layers, filters = _objects(vis, "layers", where), _objects(vis, "filters", where)
    for each in layers:
        _check_layer(each, data, where)
    for each in filters:
        ids, names = _list(each.get("dataId")), _list(each.get("name"))
        _check_data(f"filter on {', '.join(map(str, names))}", ids, data, where)
        _check_columns("filter", [(ids[0], name) for name in names] if ids else [], data, where)
    theirs = {key: value for key, value in vis.items() if value is not None}
    if isinstance(tooltip := vis.get("interactionConfig"), dict):
        theirs["interactionConfig"] = _known_tooltips(tooltip, data)
    made = {"visState": own["config"]["visState"] | theirs, "mapStyle": own["config"]["mapStyle"]}
    return {"version": VERSION, "config": made | ({"mapState": state} if isinstance(state, dict) else {})}


def _check_layer(layer: dict[str, Any], data: dict[str, tuple[str, ...]], where: Path) -> None:
    """Raise SettingsError unless a layer can be drawn from the page's data sets without a network."""
    kind, config = layer.get("type"), layer.get("config")
    if not isinstance(config, dict):
        raise SettingsError(f"{where}: layer {layer.get('id')!r} has no config; save the map's config again")
    name = f"layer {config.get('label') or layer.get('id')!r}"
    if kind not in DRAWN_HERE:
        raise SettingsError(
            f"{where}: {name} is of type {kind!r}, which asks hosts for what it draws; use one of {', '.join(DRAWN_HERE)}"
        )
    _check_data(name, [config.get("dataId")], data, where)
    columns = config.get("columns")
    wanted = [each for each in (columns.values() if isinstance(columns, dict) else []) if isinstance(each, str)]
    channels = layer.get("visualChannels")
    fields = [each for each in (channels.values() if isinstance(channels, dict) else []) if isinstance(each, dict)]
    wanted += [each["name"] for each in fields if isinstance(each.get("name"), str)]
    _check_columns(name, [(config["dataId"], column) for column in wanted], data, where)


def _check_data(what: str, ids: list[Any], data: dict[str, tuple[str, ...]], where: Path) -> None:
    """Raise SettingsError where something names a data set that the page does not hold."""
    if unknown := [each for each in ids if not isinstance(each, str) or each not in data]:
        raise SettingsError(
            f"{where}: {what} draws data set {unknown[0]!r}; this map holds {sorted(data)}: "
            "choose the --kind it was saved from, or state a --purpose where it shows single trips"
        )


def _check_columns(what: str, wanted: Iterable[tuple[str, str]], data: dict[str, tuple[str, ...]], where: Path) -> None:
    """Raise SettingsError where something names a column that its data set does not have."""
    for name, column in wanted:
        if column not in data[name]:
            raise SettingsError(
                f"{where}: {what} reads column {column!r} of {name!r}; choose from {sorted(data[name])}"
            )


def _known_tooltips(interaction: dict[str, Any], data: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Leave out the tooltips of data sets that the page does not hold."""
    tooltip = interaction.get("tooltip")
    if not isinstance(tooltip, dict) or not isinstance(fields := tooltip.get("fieldsToShow"), dict):
        return interaction
    kept = {name: shown for name, shown in fields.items() if name in data}
    return interaction | {"tooltip": tooltip | {"fieldsToShow": kept}}


def _objects(vis: dict[str, Any], key: str, where: Path) -> list[dict[str, Any]]:
    """Return a list of objects; raise SettingsError where there is something else."""
    found = vis.get(key) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise SettingsError(f"{where}: {key} is no list of objects; save the map's config again")
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
