"""What the page of an asset says: all that is declared, about this resource only, and nothing secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_assets.assets import describe_asset
from platform_assets.declarations import RESOURCES
from platform_assets.declared_values import HIDDEN, collect_fields, collect_values, describe_resource
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.control_plane_role import ControlPlaneRole
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.pipeline import Pipeline
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.repo import Repo
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from tests.platform_assets.test_plan_cases import CASES, TARGET, make_resource

DECLARED = [make_resource(one) for path in CASES for one in json.loads(path.read_text())["resources"]]
ALL = list({repr(one): one for one in [*RESOURCES, *DECLARED]}.values())


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            if name != "Version":  # of the language of policies, always the same
                yield from leaves(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from leaves(one)
    elif value is not None and value != "":
        yield value


def is_shown(leaf: Any, page: str) -> bool:
    text = leaf if isinstance(leaf, str) else json.dumps(leaf)
    forms = (text, " ".join(text.split()).replace("|", "\\|"), json.dumps(text, ensure_ascii=False)[1:-1])
    return any(form in page for form in forms)


def test_all_types_are_among_the_examples() -> None:
    assert {type(one) for one in ALL} == set(TYPES)


@pytest.mark.parametrize("resource", ALL, ids=lambda one: one.key)
def test_a_page_shows_every_declared_value(resource: Resource) -> None:
    page = describe_resource(resource, TARGET)
    missing = [leaf for leaf in leaves(collect_values(resource, TARGET)) if not is_shown(leaf, page)]
    assert missing == []
    assert collect_values(resource, TARGET).keys() == resource.desired(TARGET).keys()
    assert is_shown(resource.physical_name(TARGET), page)


@pytest.mark.parametrize("resource", ALL, ids=lambda one: one.key)
def test_a_page_begins_with_the_name_of_what_it_is_about(resource: Resource) -> None:
    first = describe_resource(resource, TARGET).split("\n")[0]
    assert first.endswith(resource.name.partition(".")[2] if isinstance(resource, Grants) else resource.name)
    assert "`" not in first and len(first) < 120


def test_nodes_of_the_graph_tell_resources_apart() -> None:
    """A node shows the last part of a key, and the kinds: type and name must be one in the declared estate."""
    specs = [describe_asset(one, TARGET) for one in RESOURCES]
    assert all(one.type_name in spec.kinds for one, spec in zip(RESOURCES, specs, strict=True))
    shown = {(spec.key.path[-1], *sorted(spec.kinds)) for spec in specs}
    assert len(shown) == len(specs)


def test_pages_tell_resources_apart() -> None:
    first_lines = [describe_resource(one, TARGET).split("\n")[0] for one in RESOURCES]
    assert len(set(first_lines)) == len(first_lines)


def test_a_grants_page_names_no_other_schema() -> None:
    schemas = {one.name for one in RESOURCES if isinstance(one, Schema)}
    for grants in (one for one in RESOURCES if isinstance(one, Grants) and one.name.startswith("schema.")):
        page = describe_resource(grants, TARGET)
        assert [schema for schema in schemas if schema in page] == [grants.name.removeprefix("schema.")]


def test_a_grants_page_is_a_table_of_principals_and_privileges() -> None:
    page = describe_resource(Grants("schema.a.b", to={"pipeline": ("SELECT", "MODIFY"), "analysts": ()}), TARGET)
    assert "| principal | privileges |" in page
    assert f"| `pipeline ({TARGET.principals['pipeline']})` | `SELECT, MODIFY` |" in page


@pytest.mark.parametrize("resource", ALL, ids=lambda one: one.key)
def test_the_declaration_is_shown_as_it_was_written(resource: Resource) -> None:
    shown = collect_fields(resource)
    json.dumps(shown)
    for one in fields(resource):
        value = getattr(resource, one.name)
        is_default = value == (one.default_factory() if one.default_factory is not MISSING else one.default)
        assert one.name == "name" or is_default or value in ((), {}, None) or one.name in shown, one.name


SECRET = "hunter2-is-not-shown"


@pytest.mark.parametrize(
    "resource",
    [
        Pipeline("p", schema="a.b", configuration={"db.password": SECRET, "API_KEY": SECRET, "plain": "shown"}),
        Pipeline(
            "p", schema="a.b", configuration={"clientSecret": SECRET, "url": f"jdbc://me:{SECRET}@host/plain-shown"}
        ),
        ClusterPolicy("c", definition={"spark_env_vars.ACCESS_TOKEN": {"type": "fixed", "value": SECRET}}),
    ],
    ids=["by name", "in a URL", "below a name"],
)
def test_what_is_called_like_a_secret_is_hidden(resource: Resource) -> None:
    spec = describe_asset(resource, TARGET)
    shown = f"{spec.description} {spec.metadata}"
    assert SECRET not in shown
    assert HIDDEN in shown


def test_nothing_of_the_examples_is_hidden() -> None:
    assert [one.key for one in ALL if HIDDEN in describe_resource(one, TARGET)] == []


def test_a_reference_to_a_secret_is_shown() -> None:
    scope = SecretScope("s", {"db-password": "secretsmanager:warehouse/password"}, readers=("pipeline",))
    assert "warehouse/password" in describe_resource(scope, TARGET)
    named = Pipeline("p", schema="a.b", configuration={"password": "{{secrets/s/db-password}}"})
    assert "{{secrets/s/db-password}}" in describe_resource(named, TARGET)


@given(st.text(min_size=1), st.text())
def test_a_value_does_not_end_its_table(key: str, value: str) -> None:
    page = describe_resource(Pipeline("p", schema="a.b", configuration={f"k{key}": value}), TARGET)
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") == 3 for line in rows)


def test_an_address_leads_to_storage_and_columns_are_columns() -> None:
    bucket = describe_asset(S3Bucket("landing"), TARGET).metadata
    assert bucket["dagster/uri"] == "s3://lakehouse-local-landing"
    table = describe_asset(Table("a.b.t", (Column("id", "BIGINT", "which one"),)), TARGET).metadata
    assert table["dagster/table_name"] == "a.b.t"
    assert table["dagster/column_schema"] == dg.TableSchema([dg.TableColumn("id", "bigint", "which one")])


def test_what_cannot_be_told_is_said_on_its_page() -> None:
    spec = describe_asset(ControlPlaneRole("cp"), TARGET)
    assert "Control plane role cp" in str(spec.description)
    assert "declare VPC and security group of target local" in str(spec.description)


def test_a_directory_says_little_and_has_no_address() -> None:
    spec = describe_asset(Directory("d"), TARGET)
    assert "dagster/uri" not in spec.metadata
    assert Repo.type_name != spec.tags["resource_type"] == "directory"
