"""Declarations rebuilt from states: what a declaration makes is what it is rebuilt from, on every target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse.names import parse_table_name
from lakehouse.targets import REMOTE, Target, local_target
from platform_assets.declarations import RESOURCES
from platform_assets.reconcile.diff import diff_states
from platform_assets.reconcile.importing import refuse_undeclarable
from platform_assets.reconcile.rendering import render_declarations
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.function import Function, Parameter
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.notebook import Notebook
from platform_assets.resource_types.pipeline import Pipeline
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.repo import Repo
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.s3_lifecycle import LifecycleRule
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.serving_endpoint import ServingEndpoint
from platform_assets.resource_types.sql_places import match_places
from platform_assets.resource_types.sqs_queue import SqsQueue
from platform_assets.resource_types.storage_credential import StorageCredential
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.view import View
from platform_assets.resource_types.volume import Volume
from platform_assets.resource_types.workspace_file import WorkspaceFile
from tests.platform_assets.workspace_estate import ALERT, CATALOG, COUNTS, DOUBLE, DRAFT, LATE, SMALL, WORKSPACE

LOCAL = local_target(Path("/nowhere"))
DEV = replace(REMOTE["dev"], workspace_ids={"dev": 5, "qa": 6})
RUNS = Table(
    "flights.ops.runs",
    columns=(Column("id", "bigint", nullable=False), Column("note", "string", 'It\'s "said"')),
    clustered_by=("id",),
    properties={"owner.team": "data"},
)
MILES = Function("flights.gold.miles", (Parameter("km", "double", "Any"),), "double", "km / 1.6", purpose="Miles")
FAR = Function("flights.gold.far", (Parameter("km", "double"),), "boolean", "{miles}(km) > 9", {"miles": MILES})
FLIGHTS = parse_table_name("flights.silver.flights")
LATEST = View("flights.gold.latest", "SELECT '{2}' FROM {runs} JOIN {flights}", {"runs": RUNS, "flights": FLIGHTS})
ABOVE = View("flights.gold.above", "SELECT {far}(1) FROM {latest}", {"far": FAR, "latest": LATEST}, purpose="Above")
OUTSIDE = Table("flights.ops.far", (Column("d", "date"),), bucket="lake", folder="a/b", partitioned_by=("d",))
DELAY = RegisteredModel("flights.gold.delay", purpose="Minutes late")
TOLD_ELSEWHERE: dict[str, Any] = dict(ALERT.desired(LOCAL)["evaluation"])
TOLD_ELSEWHERE["notification"] = {**TOLD_ELSEWHERE["notification"], "subscriptions": ["0d1f"]}
FLIGHTS_URL = "https://git.example.com/lakehouse-prod/x.git"  # called as an estate is, and not ours to translate
SHARED = Repo("shared", {"analysts": "CAN_READ"}, FLIGHTS_URL, "gitHub", "main", sparse=("etl",))
OLD = LifecycleRule("old", "logs/", 90, transitions=((30, "STANDARD_IA"), (60, "GLACIER_IR")))
EVENTS: tuple[Resource, ...] = (
    SqsQueue("changes", events_of="watched"),
    S3Bucket("watched", events_to="changes", lifecycle=(OLD,)),
    StorageRole("watching", ("watched",), queues=("changes",)),
    StorageCredential("watching", "watching"),
    ExternalLocation("watched", "watched", "watching", provided_sqs="changes"),
    ExternalLocation("managed", "managed", managed_sqs=True),
)
REFERENCE = Volume("flights.ops.reference", purpose="Lookup tables", files=True)
BARE = Volume("flights.ops.bare", files=True)
MORE: tuple[Resource, ...] = (RUNS, OUTSIDE, MILES, FAR, LATEST, ABOVE, DELAY, SHARED, *EVENTS, REFERENCE, BARE)
REBUILT = [one for one in (*RESOURCES, *MORE, *WORKSPACE) if one.references is not None]
NEEDED = {"pipeline": {"schema": ""}, "serving_endpoint": {"model": "", "version": 0}}


def rebuild(one: Resource, target: Target) -> Resource:
    found = tuple(other for other in (*REBUILT, CATALOG, COUNTS, DOUBLE) if other.type_name != "grants")
    desired = one.desired(target)
    state = {"foreign": desired} if isinstance(one, Grants) else desired
    return bare(one).rebuild(state, Rebuilding(target, found))


def bare(one: Resource) -> Resource:
    """What is found: no more than its name."""
    return type(one)(one.name, **NEEDED.get(one.type_name, {}))  # type: ignore[arg-type]


@pytest.mark.parametrize("target", [LOCAL, DEV], ids=["local", "dev"])
@pytest.mark.parametrize("resource", REBUILT, ids=lambda one: one.key)
def test_a_declaration_is_rebuilt_from_what_it_makes(resource: Resource, target: Target) -> None:
    rebuilt = rebuild(resource, target)
    assert diff_states(resource.desired(target), rebuilt.desired(target)) == ()
    assert (rebuilt.key, set(rebuilt.dependencies)) == (resource.key, set(resource.dependencies))


def test_an_isolated_catalog_names_its_targets() -> None:
    catalog = Catalog("flights", isolated=True, read_by=("qa",))
    assert rebuild(catalog, DEV) == catalog
    state = {**catalog.desired(DEV), "bindings": {"5": "READ_WRITE", "77": "READ_ONLY"}}
    with pytest.raises(NotExpressible, match="workspace 77"):
        Catalog("flights").rebuild(state, Rebuilding(DEV))


@pytest.mark.parametrize(
    ("resource", "change", "said"),
    [
        (Volume("flights.ops.v", bucket="lake"), {"storage_location": "s3://lakehouse-local-lake/x"}, "the folder x"),
        (Volume("flights.ops.v", bucket="lake"), {"storage_location": "s3://somebodys"}, "somebodys, is not called as"),
        (Catalog("flights"), {"storage_root": "s3://somebodys/managed"}, "somebodys, is not called as"),
        (SHARED, {"branch": None}, "does not say which tag"),
        (SecretScope("keys", readers=("analysts",)), {"copied": ["api"]}, "secret api is a copy"),
        (LATE, {"warehouse": "theirs"}, "its warehouse theirs is neither"),
        (LATE, {"catalog": "theirs"}, "its schema theirs.gold is none of this estate's"),
        (LATE, {"parameters": {"p": {"query_backed_value": {}}}}, "parameter p is neither a text, a number"),
        (ALERT, {"evaluation": TOLD_ELSEWHERE}, "the notification destination 0d1f; declared are users alone"),
        (DRAFT, {"definition": {"pages": []}}, "export it there as draft.lvdash.json"),
        (Pipeline("p", "flights.silver"), {"libraries": [{"file": {"path": "/x"}}]}, "its source /x is no notebook"),
        (Pipeline("p", "flights.silver"), {"libraries": [{"jar": "/x"}]}, "is no notebook or file of this estate"),
        (ServingEndpoint("e", "flights.gold.delay", 1), {"served_entities": {}}, "just one version of one registered"),
        (FAR, {"body": "`flights`.`ops`.`runs`(km)"}, "names what is no declared function"),
    ],
)
def test_what_no_declaration_says_is_refused(resource: Resource, change: dict[str, Any], said: str) -> None:
    state = {**resource.desired(LOCAL), **change}
    with pytest.raises(NotExpressible, match=said):
        bare(resource).rebuild(state, Rebuilding(LOCAL, (RUNS, SMALL, Catalog("flights"))))


@pytest.mark.parametrize("resource", [WorkspaceFile("gone.txt"), Notebook("gone")], ids=lambda one: one.key)
def test_what_has_no_file_in_this_repository_is_refused(resource: Resource) -> None:
    with pytest.raises(NotExpressible, match=r"platform_assets/\w+/gone\.\w+ is not there: export what is in it"):
        resource.rebuild({"permissions": {}}, Rebuilding(LOCAL))


def test_names_are_told_apart_by_type_and_others_keep_their_level() -> None:
    found = (SMALL, ClusterPolicy("small"), Group("engineers"))
    state = {"permissions": {}, "other_users": ["lakehouse_local_engineers (CAN_READ)", "eve@x.example (CAN_EDIT)"]}
    rebuilt = Directory("reports").rebuild(state, Rebuilding(LOCAL, found))
    assert rebuilt == Directory("reports", {"group/engineers": "CAN_READ"})
    assert Rebuilding(LOCAL, found).find("sql_warehouse", "lakehouse-local-small") == SMALL


def test_the_same_name_stands_in_all_its_places_of_a_dashboard() -> None:
    pattern = match_places('FROM {a} JOIN {b} ON {a}.x = "{ b"')
    match = pattern.fullmatch('FROM `c`.`s`.`t` JOIN `c`.`s`.`u` ON `c`.`s`.`t`.x = "{ b"')
    assert match is not None and match.groupdict() == {"a": "`c`.`s`.`t`", "b": "`c`.`s`.`u`"}
    assert pattern.fullmatch('FROM `c`.`s`.`t` JOIN `c`.`s`.`u` ON `c`.`s`.`u`.x = "{ b"') is None


def test_what_a_plan_would_refuse_is_not_imported() -> None:
    found: dict[str, Resource] = {one.key: one for one in (Schema("flights.more"), Schema("flights.täble"))}
    refused: dict[str, str] = {}
    refuse_undeclarable(found, refused, LOCAL)
    assert [*found] == ["schema/flights/more"]
    assert "its name holds ä" in refused["schema/flights/täble"]


def test_python_has_variables_for_what_is_referred_to_and_no_defaults() -> None:
    text = render_declarations([*RESOURCES[:9], Catalog("flights"), *MORE, Grants("view.flights.gold.above")], "local")
    for line in (
        'LANDING_S3_BUCKET = S3Bucket("landing", events_to=LANDING_EVENTS_SQS_QUEUE.name)',
        "    bucket=LAKE_S3_BUCKET.name,",
        'Column("id", "bigint", nullable=False)',
        'calls={"miles": FLIGHTS_GOLD_MILES_FUNCTION}',
        '"flights": parse_table_name("flights.silver.flights")',
        'Grants(f"view.{FLIGHTS_GOLD_ABOVE_VIEW.name}")',
    ):
        assert line in text, text
    for default in ("key_name", "after=", "folder=None", "isolated", "purpose=''"):
        assert default not in text
    names: dict[str, tuple[Resource, ...]] = {}
    exec(text, {}, names)
    assert names["RESOURCES"][9:] == (Catalog("flights"), *MORE, Grants("view.flights.gold.above"))
