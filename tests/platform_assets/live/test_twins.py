"""Somebody else's thing under our name, of every type: the plan refuses it, and nothing is done to it.

A twin has our name and no mark, our name and another estate's mark, or our name in another case.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse.targets import Target, local_target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.plan import Action
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.control_plane_role import ControlPlaneRole
from platform_assets.resource_types.experiment import Experiment
from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.function import Function, Parameter
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.job import Job
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import (
    MARKED_BY_PLACE,
    UNMARKED,
    choose_own,
    mark_comment,
    mark_labels,
)
from platform_assets.resource_types.pipeline import Pipeline
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.serving_endpoint import ServingEndpoint
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from platform_assets.resource_types.sqs_queue import SqsQueue
from platform_assets.resource_types.storage_credential import StorageCredential
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.user import User
from platform_assets.resource_types.view import View
from platform_assets.resource_types.volume import Volume

NETWORKS = {"local": ("vpc-0123456789abcdef0", "sg-0123456789abcdef0")}
SERVED = RegisteredModel("flights.ops.twin_served")
TWINS: dict[str, Resource] = {
    one.type_name: one
    for one in (
        ServicePrincipal("twin"),
        User("twin@twins.example"),
        Group("twin"),
        SqlWarehouse("twin"),
        ClusterPolicy("twin", {"num_workers": {"type": "fixed", "value": 1}}),
        SecretScope("twin"),
        Experiment("twin"),
        KmsKey("twin"),
        SqsQueue("twin"),
        S3Bucket("twin"),
        StorageRole("twin", buckets=("lake",)),
        ControlPlaneRole("twin", networks=NETWORKS),
        StorageCredential("twin"),
        ExternalLocation("artifacts", bucket="artifacts"),  # two over one bucket cannot be: the estate's own is bent
        Catalog("twin", folder="twin"),
        Schema("flights.twin"),
        Volume("flights.ops.twin"),
        Table("flights.ops.twin_table", (Column("id", "BIGINT"),)),
        Function("flights.ops.twin", (Parameter("n", "INT"),), "INT", "n"),
        RegisteredModel("flights.ops.twin_model"),
        View("flights.ops.twin_view", query="SELECT 1 AS n"),
        Query("twin_query", text="SELECT 1"),
        Job("twin", notebooks=("count_range",)),
        Pipeline("twin", "flights.silver"),
        ServingEndpoint("twin", SERVED.name, 1),
    )
}
IGNORES_CASE = ("service_principal", "group", "sql_warehouse", "cluster_policy", "secret_scope", "job")
LABELS = {"team": "theirs"}


@pytest.fixture(scope="module")
def place(applied: Target) -> Iterator[Target]:
    SERVED.create(Clients(applied), SERVED.desired(applied))
    yield applied
    SERVED.delete(Clients(applied))


def test_every_type_has_a_twin_or_says_why_it_carries_no_mark() -> None:
    names = {one.type_name for one in TYPES}
    assert names == TWINS.keys() | MARKED_BY_PLACE.keys() | UNMARKED.keys()
    assert {one.type_name for one in TYPES if one.mark_field is None} == MARKED_BY_PLACE.keys() | UNMARKED.keys()


def declare(resource: Resource) -> tuple[Resource, ...]:
    return (*(one for one in RESOURCES if one.key != resource.key), SERVED, resource)


def bend_mark(resource: Resource, target: Target, estate: str | None) -> Any:
    """What stands in the place of the mark: another estate's, or none."""
    other = replace(target, bucket_prefix=estate) if estate else None
    if resource.mark_field == "external_id":
        return f"lakehouse:{estate}:{resource.name}" if estate else None
    if resource.mark_field in ("comment", "description"):
        return mark_comment(other, "theirs") if other else "theirs"
    if resource.type_name == "query":
        return [f"{key}={value}" for key, value in mark_labels(other).items()] if other else ["theirs"]
    labels = mark_labels(other) if other else LABELS
    keeps = resource.desired(target)[str(resource.mark_field)] if resource.type_name == "experiment" else {}
    return {**{key: value for key, value in keeps.items() if key not in mark_labels(target)}, **labels}


@contextmanager
def make_twin(resource: Resource, target: Target, estate: str | None, upper: bool = False) -> Iterator[None]:
    """Somebody else's, made by the very calls that make ours; the mark is put back before it is deleted."""
    clients, field = Clients(target), str(resource.mark_field)
    with pytest.MonkeyPatch.context() as patch:
        if upper:
            name = resource.physical_name(target).upper()
            patch.setattr(type(resource), "physical_name", lambda _self, _target: name)
        own = resource.desired(target)
        theirs = {**own, field: bend_mark(resource, target, estate)}
        if resource.type_name == "external_location":
            resource.update(clients, theirs, {field: own[field]})
        elif resource.type_name == "secret_scope":
            make_scope(clients, resource.physical_name(target), estate)
        else:
            resource.create(clients, theirs)
    try:
        yield
    finally:
        with pytest.MonkeyPatch.context() as patch:
            if upper:
                patch.setattr(type(resource), "physical_name", lambda _self, _target: name)
            remove(resource, clients, own, theirs)


def make_scope(clients: Clients, name: str, estate: str | None) -> None:
    clients.workspace.secrets.create_scope(name)
    clients.workspace.secrets.put_secret(name, f"lakehouse.estate.{estate}" if estate else "theirs", string_value="x")


def remove(resource: Resource, clients: Clients, own: Any, theirs: Any) -> None:
    field = str(resource.mark_field)
    if resource.type_name == "secret_scope":
        clients.workspace.secrets.delete_scope(resource.physical_name(clients.target))
        return
    adopting = replace(resource, adopt=True)
    if resource.type_name == "service_principal":
        for one in clients.identity.service_principals.list(filter=f'displayName eq "{own["display_name"]}"'):
            clients.identity.service_principals.delete(str(one.id))
        return
    adopting.update(clients, own, {field: theirs[field]})
    if resource.type_name != "external_location":
        resource.delete(clients)


def look(resource: Resource, target: Target) -> Any:
    """All that the API says of the twin, times of changes too."""
    clients = Clients(target)
    answer = resource.find_answer(clients)
    said = getattr(answer, "as_dict", dict)() if answer is not None else None
    return said, replace(resource, adopt=True).read(clients)


def require_untouched(resource: Resource, target: Target, says: str) -> None:
    before = look(resource, target)
    (step,) = plan_estate(target, [resource.key], resources=declare(resource)).steps
    assert step.action is Action.BLOCKED
    assert resource.physical_name(target) in step.notes[0] and says in step.notes[0]
    (failure,) = apply_estate(target, [resource.key], resources=declare(resource)).failures
    assert says in failure.error
    plan = plan_estate(target, resources=RESOURCES, find_undeclared=True)
    assert resource.key not in plan.undeclared
    resource.delete(Clients(target)) if resource.type_name in IGNORES_CASE else None
    assert look(resource, target) == before


@pytest.mark.parametrize("estate", [None, "lakehouse-else"], ids=["without a mark", "another estate's"])
@pytest.mark.parametrize("type_name", TWINS)
def test_a_twin_is_refused_and_left_as_it_is(place: Target, type_name: str, estate: str | None) -> None:
    resource = TWINS[type_name]
    if estate and type_name == "experiment":
        resource = replace(resource, name="other_twin")  # the first one lies in the trash
    with make_twin(resource, place, estate):
        says = f"estate={estate}" if estate else "does not carry the mark of this estate"
        require_untouched(resource, place, says)


@pytest.mark.parametrize("type_name", IGNORES_CASE)
def test_a_twin_in_another_case_is_refused_and_left_as_it_is(place: Target, type_name: str) -> None:
    resource = TWINS[type_name]
    with make_twin(resource, place, None, upper=True):
        require_untouched(resource, place, f"it is called {resource.physical_name(place).upper()!r}")


@pytest.mark.parametrize("type_name", ["job", "sql_warehouse", "catalog", "s3_bucket", "group", "secret_scope"])
def test_one_without_a_mark_is_taken_over_where_that_is_declared(place: Target, type_name: str) -> None:
    resource = TWINS[type_name]
    adopting = replace(resource, adopt=True)
    with make_twin(resource, place, None):
        assert apply_estate(place, [resource.key], resources=declare(adopting)).failures == ()
        assert plan_estate(place, [resource.key], resources=declare(resource)).is_empty


def test_what_carries_our_mark_and_not_our_name_is_not_pruned(place: Target) -> None:
    """As a copy made in the UI: the tags are copied, too."""
    job = TWINS["job"]
    with make_twin(job, place, place.bucket_prefix, upper=True):
        assert plan_estate(place, resources=RESOURCES, find_undeclared=True).undeclared == (SERVED.key,)


def test_ours_is_taken_where_somebody_elses_is_found_before_it() -> None:
    target = local_target(Path("/nowhere"))
    ours = ("x", mark_labels(target))
    for others in ([("X", mark_labels(target))], [("x", {})], [("x", {"estate": "lakehouse-else"})], [("xy", {})]):
        found = choose_own([*others, ours], "x", target, lambda one: one[0], lambda one: one[1])
        assert found == ours
    assert choose_own([("xy", {}), ("x_", {})], "x", target, lambda one: one[0], lambda one: one[1]) is None
