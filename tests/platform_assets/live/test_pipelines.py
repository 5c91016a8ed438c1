"""A pipeline on a real workspace: defined, seen by whom it is for, mended, pruned only by name; and never run here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import NotImplemented, PermissionDenied

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.notebook import Notebook
from platform_assets.resource_types.pipeline import Pipeline
from platform_assets.resource_types.workspace_file import WorkspaceFile
from tests.platform_assets.live.conftest import Gateway, NewTarget

ABOUT, COUNT = WorkspaceFile("ABOUT.md"), Notebook("count_range")
SILVER = Pipeline(
    "silver",
    "flights.silver",
    (COUNT, ABOUT),
    configuration={"rows": "10"},
    permissions={"analysts": "CAN_VIEW", "pipeline": "CAN_RUN"},
)
KNOWN = {one.key for one in RESOURCES}
DECLARED: tuple[Resource, ...] = (*RESOURCES, *(one for one in (ABOUT, COUNT, SILVER) if one.key not in KNOWN))
KEYS = ["pipeline", "workspace_file"]


@pytest.fixture(scope="module")
def target(applied: Target) -> Iterator[Target]:
    assert apply_estate(applied, KEYS, resources=DECLARED).failures == ()
    yield applied
    for one in (SILVER, ABOUT):
        one.delete(Clients(applied))


def find_id(target: Target) -> str:
    name = SILVER.physical_name(target)
    found = Clients(target).workspace.pipelines.list_pipelines(filter=f"name LIKE '{name}'")
    return next(str(one.pipeline_id) for one in found)


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, KEYS, resources=DECLARED).changed_nothing
    assert gateway.writes(since) == []


def test_it_says_where_its_tables_go_and_what_defines_them(target: Target) -> None:
    spec = Clients(target).workspace.pipelines.get(find_id(target)).spec
    assert spec and (f"{spec.catalog}.{spec.schema}") == f"{target.catalog('flights')}.silver"
    libraries = [one.as_dict() for one in spec.libraries or []]
    assert libraries == [
        {"notebook": {"path": COUNT.physical_name(target)}},
        {"file": {"path": ABOUT.physical_name(target)}},
    ]


def test_each_may_do_what_is_declared_and_no_more(target: Target) -> None:
    identity = find_id(target)
    analyst, pipeline = (open_workspace(target, role) for role in ("analyst", "pipeline"))
    assert analyst.pipelines.get(identity).name == SILVER.physical_name(target)
    with pytest.raises(NotImplemented, match="has no engine for pipelines"):
        pipeline.pipelines.start_update(identity)
    refused = [
        (analyst, "CAN_RUN", lambda api: api.start_update(identity)),
        (pipeline, "CAN_MANAGE", lambda api: api.delete(identity)),
        (open_workspace(target, "outsider"), "CAN_VIEW", lambda api: api.get(identity)),
    ]
    for client, level, call in refused:
        with pytest.raises(PermissionDenied, match=f"does not have {level} on Pipeline"):
            call(client.pipelines)


def test_changes_by_hand_are_named_and_mended_and_others_tags_stay(target: Target) -> None:
    api, identity, name = Clients(target).workspace, find_id(target), SILVER.physical_name(target)
    catalog = target.catalog("flights")
    tags = {**SILVER.desired(target)["tags"], "theirs": "1"}
    api.pipelines.update(identity, name=name, catalog=catalog, schema="gold", serverless=True, tags=tags)
    api.permissions.set("pipelines", identity, access_control_list=[])
    shown = explain_plan(plan_estate(target, KEYS, resources=DECLARED))
    for line in ("schema: gold -> silver", "libraries", "configuration", "permissions.analysts: CAN_VIEW"):
        assert line in shown
    assert "(other_users" not in shown, "its owner is not reported"
    assert apply_estate(target, KEYS, resources=DECLARED).failures == ()
    assert plan_estate(target, KEYS, resources=DECLARED).is_empty
    spec = api.pipelines.get(identity).spec
    assert spec and (spec.tags or {})["theirs"] == "1"


def test_an_answer_lost_after_create_makes_no_second_one(target: Target, gateway: Gateway) -> None:
    SILVER.delete(Clients(target))
    gateway.add_fault(method="POST", path="*/pipelines", drop="after", times=1)
    assert apply_estate(target, KEYS, resources=DECLARED).failures == ()
    assert plan_estate(target, KEYS, resources=DECLARED).is_empty
    name = SILVER.physical_name(target)
    assert len(list(Clients(target).workspace.pipelines.list_pipelines(filter=f"name LIKE '{name}'"))) == 1


def test_pruning_takes_its_name_and_estates_do_not_meet(target: Target, new_target: NewTarget) -> None:
    assert plan_estate(new_target(), resources=(), find_undeclared=True).undeclared == ()
    without = tuple(one for one in DECLARED if one is not SILVER)
    assert plan_estate(target, resources=without, find_undeclared=True).undeclared == (SILVER.key,)
    apply_estate(target, resources=without, prune=Prune(True))
    assert SILVER.read(Clients(target)) is not None, "its tables would go with it"
    assert apply_estate(target, resources=without, prune=Prune(True, [SILVER.key])).failures == ()
    assert SILVER.read(Clients(target)) is None
