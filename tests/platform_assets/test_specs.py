"""What Dagster is told of the estate: keys, lineage, groups, metadata, checks, as a snapshot."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
from syrupy.assertion import SnapshotAssertion

from lakehouse.names import RESOURCE_TYPES
from lakehouse.targets import REMOTE, local_target
from platform_assets.assets import describe_asset
from platform_assets.checks import CHECK
from platform_assets.declarations import RESOURCES
from platform_assets.definitions import defs
from platform_assets.lineage import draw_edges
from platform_assets.reconcile.declared import index_resources, require_declared
from platform_assets.resource_types.registry import TYPES

STABLE_KEYS = {
    "s3_bucket/landing",
    "sqs_queue/landing-events",
    "iam_role/storage",
    "storage_credential/lake_storage",
    "external_location/landing",
    "catalog/flights",
    "schema/flights/bronze",
    "volume/flights/bronze/landing",
    "volume/flights/ops/pipes",
    "volume/flights/ops/checkpoints",
    "wheel/lakehouse_steps",
    "jar/hello-spark",
    "job/test-jar-job",
    "grants/schema/flights/silver",
    "grants/external_location/lake",
    "grants/volume/flights/ops/pipes",
}


def test_specs(snapshot: SnapshotAssertion) -> None:
    target, edges = local_target(Path("/nowhere")), draw_edges(RESOURCES)
    specs = [describe_asset(resource, target, edges[resource.key]) for resource in RESOURCES]
    told = {
        spec.key.to_user_string(): {
            "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
            "group": spec.group_name,
            "kinds": sorted(spec.kinds),
            "owners": list(spec.owners),
            "tags": dict(sorted((key, value) for key, value in spec.tags.items() if not key.startswith("dagster/"))),
            "physical_name": spec.metadata["physical_name"].split("+")[0],  # a wheel's name says its content
        }
        for spec in specs
    }
    assert told == snapshot


def test_the_declared_estate_is_sound() -> None:
    require_declared(RESOURCES, local_target(Path("/nowhere")))


def test_keys_that_tables_depend_on_are_there() -> None:
    assert index_resources(RESOURCES).keys() >= STABLE_KEYS


def test_every_resource_has_its_check() -> None:
    assets = [one for one in defs.assets or () if isinstance(one, dg.AssetsDefinition)]
    checks = [check for one in assets for check in one.check_specs]
    checked = {check.asset_key.to_user_string() for check in checks if check.name == CHECK}
    assert checked == {resource.key for resource in RESOURCES}


def test_one_graph_leads_from_the_role_to_the_grants() -> None:
    by_key, seen, wanted = index_resources(RESOURCES), set(), ["grants/schema/flights/gold"]
    while wanted:
        key = wanted.pop()
        seen.add(key)
        wanted += [one for one in by_key[key].dependencies if one not in seen]
    assert {"iam_role/storage", "storage_credential/lake_storage", "kms_key/lake", "catalog/flights"} <= seen


def test_every_type_is_in_the_registry_and_named() -> None:
    assert {type(resource) for resource in RESOURCES} <= set(TYPES)
    assert {one.type_name for one in TYPES} <= set(RESOURCE_TYPES)


def test_types_stand_after_what_their_resources_need() -> None:
    rank = {one.type_name: number for number, one in enumerate(TYPES)}
    for resource in RESOURCES:
        for key in resource.dependencies:
            assert rank[key.split("/")[0]] <= rank[resource.type_name], f"{resource.key} needs {key}"


def test_targets_never_share_a_physical_name() -> None:
    """Targets may share a metastore and an account: what is theirs must not meet. One of another region has its own."""
    others = (one for one in REMOTE.values() if one.name != "prod" and not one.recovers)
    targets = [local_target(Path("/nowhere")), *others]
    for resource in (one for one in RESOURCES if one.type_name != "grants"):
        names = [resource.physical_name(target) for target in targets]
        assert len(set(names)) == len(names), names


def test_desired_states_are_json_and_the_same_each_time() -> None:
    import json

    target = local_target(Path("/nowhere"))
    for resource in RESOURCES:
        assert json.dumps(resource.desired(target)) == json.dumps(resource.desired(target))
