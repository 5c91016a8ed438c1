"""Both code locations load under the workspace file, join by asset key, and leave no dependency in the air."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import dagster as dg
import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
STUB_MARK = "dagster/auto_created_stub_asset"
LOCATIONS = {"platform_assets": "platform_assets.definitions", "data_assets": "data_assets.definitions"}


def workspace_locations() -> dict[str, str]:
    document = yaml.safe_load((ROOT / "workspace.yaml").read_text())
    modules = [entry["python_module"] for entry in document["load_from"]]
    return {module["location_name"]: module["module_name"] for module in modules}


def load_definitions(module_name: str) -> dg.Definitions:
    found = [value for value in vars(import_module(module_name)).values() if isinstance(value, dg.Definitions)]
    assert len(found) == 1, f"{module_name} must hold exactly one Definitions, it has {len(found)}"
    return found[0]


def declared_specs(definitions: dg.Definitions) -> dict[dg.AssetKey, dg.AssetSpec]:
    """Dagster makes a stub for a dependency that nobody declares; such a one does not count."""
    specs = definitions.resolve_all_asset_specs()
    return {spec.key: spec for spec in specs if STUB_MARK not in spec.metadata}


@pytest.fixture(scope="module")
def specs() -> dict[str, dict[dg.AssetKey, dg.AssetSpec]]:
    """What each location declares."""
    return {name: declared_specs(load_definitions(module)) for name, module in LOCATIONS.items()}


def dangling(specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> Iterator[str]:
    declared = {key for location in specs.values() for key in location}
    for name, location in specs.items():
        for spec in location.values():
            for dependency in spec.deps:
                if dependency.asset_key not in declared:
                    missing = dependency.asset_key.to_user_string()
                    yield f"{name}: {spec.key.to_user_string()} depends on {missing}, which nobody declares"


def test_the_workspace_file_names_both_locations() -> None:
    assert workspace_locations() == LOCATIONS


def test_no_table_of_dg_or_dagster_hides_the_workspace_file() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert not {"dg", "dagster"} & set(tools)


def test_both_locations_declare_assets(specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> None:
    assert all(specs.values())


def test_no_dependency_dangles(specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> None:
    assert list(dangling(specs)) == []


def test_no_key_is_declared_twice(specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> None:
    platform, data = specs["platform_assets"], specs["data_assets"]
    assert sorted(key.to_user_string() for key in platform.keys() & data.keys()) == []


def test_the_locations_are_joined(specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> None:
    platform = specs["platform_assets"]
    joins = [dep for spec in specs["data_assets"].values() for dep in spec.deps if dep.asset_key in platform]
    assert joins, "no table depends on a platform resource: the graph from IAM role to gold is cut"


def test_the_graph_goes_on_from_gold_to_what_people_look_at(specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> None:
    days = dg.AssetKey(["flights", "gold", "daily_carrier_performance"])
    assert days in specs["data_assets"]
    readers = {key for key, spec in specs["platform_assets"].items() if days in {dep.asset_key for dep in spec.deps}}
    assert readers == {dg.AssetKey(["query", "worst-carriers"]), dg.AssetKey(["dashboard", "carriers"])}


def test_no_asset_needs_itself_by_way_of_the_other_location(specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> None:
    both = {key: spec for location in specs.values() for key, spec in location.items()}
    graph = {key: [dep.asset_key for dep in spec.deps] for key, spec in both.items()}
    assert {*TopologicalSorter(graph).static_order()} >= both.keys()  # a circle raises CycleError


Graph = dict[dg.AssetKey, set[dg.AssetKey]]


@pytest.fixture(scope="module")
def graph(specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> Graph:
    """What each asset of both locations comes after directly."""
    both = {key: spec for location in specs.values() for key, spec in location.items()}
    return {key: {dep.asset_key for dep in spec.deps} for key, spec in both.items()}


def find_ancestors(graph: Graph, key: dg.AssetKey) -> set[dg.AssetKey]:
    return {other for one in graph.get(key, ()) for other in {one, *find_ancestors(graph, one)}}


def find_implied(graph: Graph, key: dg.AssetKey) -> set[dg.AssetKey]:
    direct = graph[key]
    return {one for one in direct if any(one in find_ancestors(graph, other) for other in direct - {one})}


def test_no_drawn_edge_is_implied_by_another(graph: Graph, specs: dict[str, dict[dg.AssetKey, dg.AssetSpec]]) -> None:
    """But that a table reads another says where its rows come from; the snapshot knows of no table."""
    snapshot = dg.AssetKey(["snapshot", "estate"])
    implied = {(one, key) for key in graph if key != snapshot for one in find_implied(graph, key)}
    reads = {(one, key) for one, key in implied if {one, key} <= specs["data_assets"].keys()}
    assert implied - reads == set()


def test_an_implied_edge_is_found() -> None:
    a, b, c = (dg.AssetKey(name) for name in "abc")
    assert find_implied({a: set(), b: {a}, c: {a, b}}, c) == {a}


def test_every_gold_table_comes_after_the_role_and_what_its_step_runs_with(graph: Graph) -> None:
    gold = [key for key in graph if key.path[:2] == ["flights", "gold"]]
    assert len(gold) == 3
    wanted = {("iam_role", "storage"), ("wheel", "lakehouse_steps"), ("grants", "volume", "flights", "ops", "pipes")}
    for key in gold:
        assert {dg.AssetKey(list(path)) for path in wanted} <= find_ancestors(graph, key)


def test_every_job_sensor_and_schedule_resolves() -> None:
    for module in LOCATIONS.values():
        definitions = load_definitions(module)
        dg.Definitions.validate_loadable(definitions)
        definitions.get_repository_def().load_all_definitions()


def test_dagster_validates_two_locations(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"]
    result = subprocess.run(
        ["env", f"DAGSTER_HOME={tmp_path}", *command], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    for location in LOCATIONS:
        assert f"Validation successful for code location {location}" in output


def test_a_dangling_dependency_is_found() -> None:
    here = declared_specs(dg.Definitions(assets=[dg.AssetSpec("a", deps=["b", "missing"])]))
    there = declared_specs(dg.Definitions(assets=[dg.AssetSpec("b")]))
    found = list(dangling({"one": here, "two": there}))
    assert found == ["one: a depends on missing, which nobody declares"]
