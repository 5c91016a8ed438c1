"""Who made a drift, and when: read from the audit log once for a plan, told in text, JSON and the check's metadata."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import dagster as dg
import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.iam import ComplexValue, Patch, PatchOp, PatchSchema
from databricks.sdk.service.jobs import JobSettings
from typer.testing import CliRunner

from demo.dagster_runs import QUIET
from lakehouse.cli import app
from lakehouse.jobs import find_job
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.definitions import defs
from platform_assets.estate import apply_estate, name_drift_makers, plan_estate
from platform_assets.reconcile.plan import Plan
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import mark_labels
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from platform_assets.resource_types.user import User
from tests.platform_assets.live.conftest import Gateway, run_sql

ADMIN, ANALYST = "admin@lakehouse.example", "analyst@lakehouse.example"
STATEMENTS, AUDIT = "/api/2.0/sql/statements*", "/api/2.1/unity-catalog/tables/system.access.audit"
MANAGED = ("flights.gold", "flights.silver")
READ = [Privilege.USE_SCHEMA, Privilege.SELECT]
# what was changed by whom, and what the log calls it
CHANGED = {
    "schema/flights/gold": (ADMIN, "updateSchema"),
    "grants/schema/flights/gold": (ANALYST, "updatePermissions"),
    "schema/flights/silver": (ANALYST, "updateSchema"),
    "volume/flights/ops/checkpoints": (ADMIN, "deleteVolume"),
    "job/test-jar-job": (ADMIN, "update"),
}


def let_read(target: Target, is_allowed: bool) -> None:
    name = target.principals["deployer"]
    change = PermissionsChange(principal=name, **{"add" if is_allowed else "remove": READ})
    open_workspace(target, "admin").grants.update("schema", "system.access", changes=[change])


@pytest.fixture(scope="module")
def readable(estate: Target) -> Target:
    """A new workspace lets the deployer read the log; nothing is granted here."""
    return estate


@pytest.fixture(scope="module")
def drifted(readable: Target) -> Iterator[tuple[Target, float]]:
    """Changed by an admin through REST, by an analyst who may manage a schema through SQL; by the deployer as well."""
    started, target = time.time(), readable
    admin, deployer = open_workspace(target, "admin"), open_workspace(target, "deployer")
    deployer.schemas.update("flights.gold", comment="the deployer's")
    admin.schemas.update("flights.gold", comment="mine")
    for schema in MANAGED:
        manage = PermissionsChange(principal=ANALYST, add=[Privilege.MANAGE])
        deployer.grants.update("schema", schema, changes=[manage])
    assert run_sql(target, "analyst", "GRANT MODIFY ON SCHEMA flights.gold TO `analysts`") == []
    assert run_sql(target, "analyst", "COMMENT ON SCHEMA flights.silver IS 'mine as well'") == []
    admin.volumes.delete("flights.ops.checkpoints")
    job = next(one for one in RESOURCES if one.type_name == "job")
    job_id = find_job(admin, job.physical_name(target), mark_labels(target))
    assert job_id is not None
    admin.jobs.update(job_id, new_settings=JobSettings(max_concurrent_runs=5))
    yield target, started
    for schema in MANAGED:
        undone = PermissionsChange(principal=ANALYST, remove=[Privilege.MANAGE])
        deployer.grants.update("schema", schema, changes=[undone])
    assert apply_estate(target).failures == ()
    assert plan_estate(target).is_empty


def read_changers(plan: Plan) -> dict[str, tuple[str, str]]:
    return {
        step.key: (step.changed_by.principal, step.changed_by.action)
        for step in plan.steps
        if step.changed_by is not None
    }


def is_recent(moment: str, started: float) -> bool:
    return started - 2 < datetime.fromisoformat(moment).timestamp() < time.time() + 2


def test_one_question_names_who_changed_each(drifted: tuple[Target, float], gateway: Gateway) -> None:
    target, started = drifted
    plan, since = plan_estate(target), gateway.now()
    named = name_drift_makers(target, plan)
    assert read_changers(named) == CHANGED
    assert all(is_recent(step.changed_by.time, started) for step in named.steps if step.changed_by)
    assert named.remark == ""
    statements = gateway.requests(since, path=STATEMENTS, method="POST")
    assert len(statements) == 1
    assert [replace(step, changed_by=None) for step in named.steps] == list(plan.steps), "nothing else is decided by it"


def test_the_plan_says_so_in_text_and_in_json(drifted: tuple[Target, float]) -> None:
    _, started = drifted
    shown = CliRunner().invoke(app, ["plan"]).stdout
    assert f"~ schema/flights/gold\n      comment: mine -> Answers\n      (changed by {ADMIN} at 20" in shown
    assert "+00:00 (updateSchema))" in shown
    document = json.loads(CliRunner().invoke(app, ["plan", "--json"]).stdout)
    found = {step["key"]: step["changed_by"] for step in document["steps"] if step["changed_by"]}
    assert {key: (one["principal"], one["action"]) for key, one in found.items()} == CHANGED
    assert all(is_recent(one["time"], started) for one in found.values())
    assert document["remark"] == ""


def test_the_check_says_so_in_its_metadata(drifted: tuple[Target, float]) -> None:
    _, started = drifted
    result = defs.resolve_job_def("drift").execute_in_process(run_config=QUIET)
    checks = {check.asset_key.to_user_string(): check for check in result.get_asset_check_evaluations()}
    metadata: dict[str, Mapping[str, Any]] = {key: check.metadata for key, check in checks.items()}
    told = {key: one for key, one in metadata.items() if "changed_by" in one}
    assert {key: (one["changed_by"].value, one["changed_how"].value) for key, one in told.items()} == CHANGED
    assert all(started - 2 < one["changed_at"].value < time.time() + 2 for one in told.values())
    assert isinstance(told["job/test-jar-job"]["changed_at"], dg.TimestampMetadataValue)
    description = str(checks["schema/flights/gold"].description)
    assert f"schema/flights/gold changed by {ADMIN} at " in description


def test_who_may_not_read_it_gets_a_remark_and_no_statement(drifted: tuple[Target, float], gateway: Gateway) -> None:
    target, _ = drifted
    let_read(target, False)
    try:
        since, planned = gateway.now(), CliRunner().invoke(app, ["plan"])
        assert planned.exit_code == 0
        (*_, last) = planned.stdout.splitlines()
        grant = f"GRANT USE SCHEMA, SELECT ON SCHEMA system.access TO `{target.principals['deployer']}`"
        assert grant in last
        result = defs.resolve_job_def("drift").execute_in_process(run_config=QUIET)
        told = [check.description or "" for check in result.get_asset_check_evaluations() if not check.passed]
        assert told and all(grant in description for description in told)
        assert last.startswith("(who changed it is not known: User does not have ")
        assert "does not have BROWSE on Table 'system.access.audit'" in last
        assert planned.stdout.count("who changed it") == 1
        assert gateway.requests(since, path=STATEMENTS) == []
    finally:
        let_read(target, True)


def test_without_a_warehouse_there_is_a_remark(drifted: tuple[Target, float]) -> None:
    target = replace(drifted[0], warehouse="none")
    named = name_drift_makers(target, plan_estate(target))
    assert named.remark.startswith("who changed it is not known: There is no SQL warehouse 'none'")
    assert read_changers(named) == {}
    assert not named.is_empty


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (STATEMENTS, {"status": 403, "error_code": "PERMISSION_DENIED", "message": "no warehouse for you"}),
        (AUDIT, {"status": 404, "error_code": "TABLE_DOES_NOT_EXIST", "message": "no such table"}),
        ("/api/2.2/jobs/list", {"status": 400, "error_code": "BAD_REQUEST", "message": "no such job"}),
    ],
)
def test_what_fails_is_a_remark(
    drifted: tuple[Target, float], gateway: Gateway, path: str, fault: dict[str, Any]
) -> None:
    plan = plan_estate(drifted[0])
    gateway.add_fault(path=path, **fault)
    named = name_drift_makers(drifted[0], plan)
    assert named.remark == f"who changed it is not known: {fault['message']}"
    assert replace(named, remark="") == plan


def test_where_nothing_drifted_nothing_is_asked(applied: Target, gateway: Gateway) -> None:
    plan, since = plan_estate(applied), gateway.now()
    assert plan.is_empty
    assert name_drift_makers(applied, plan) is plan
    assert gateway.requests(since) == []


def test_a_new_estate_was_changed_by_nobody(readable: Target, gateway: Gateway) -> None:
    target = replace(readable, bucket_prefix="lakehouse-nothing", catalog_prefix="nothing_")
    plan, since = plan_estate(target), gateway.now()
    assert not plan.is_empty
    assert name_drift_makers(target, plan) is plan
    assert gateway.requests(since) == []


def test_what_the_deployer_changed_last_is_nobodys(readable: Target) -> None:
    comment = "schema/flights/gold"
    for role in ("admin", "deployer"):
        open_workspace(readable, role).schemas.update("flights.gold", comment=f"by {role}")
    try:
        (step,) = name_drift_makers(readable, plan_estate(readable, [comment])).changed
        assert step.changed_by is None
    finally:
        apply_estate(readable, [comment])


@pytest.fixture(scope="module")
def more(readable: Target) -> Iterator[tuple[Resource, ...]]:
    """What is known to the log by an id, or by another name than to Unity Catalog."""
    resources = (
        SqlWarehouse("audited", users=("analysts",)),
        SecretScope("audited", readers=("analysts",)),
        Group("audited", members=(ANALYST,)),
        User("audited@estate.example", "Audited"),
    )
    assert apply_estate(readable, resources=resources).failures == ()
    yield resources
    for resource in reversed(resources):
        resource.delete(Clients(readable))


def test_a_warehouse_a_secret_scope_a_group_and_a_user(readable: Target, more: tuple[Resource, ...]) -> None:
    admin = open_workspace(readable, "admin")
    warehouse, scope, group, user = (one.physical_name(readable) for one in more)
    identity = next(str(one.id) for one in admin.warehouses.list() if one.name == warehouse)
    found = admin.warehouses.get(identity)
    admin.warehouses.edit(identity, name=warehouse, cluster_size="Small", tags=found.tags, max_num_clusters=1)
    admin.secrets.delete_acl(scope, "analysts")
    change_as_another_admin(readable, group, user)
    plan = name_drift_makers(readable, plan_estate(readable, resources=more))
    assert read_changers(plan) == {
        "sql_warehouse/audited": (ADMIN, "editWarehouse"),
        "secret_scope/audited": (ADMIN, "deleteAcl"),
        "group/audited": (readable.principals["pipeline"], "addPrincipalToGroup"),
        "user/audited_at_estate.example": (readable.principals["pipeline"], "deactivateUser"),
    }


def change_as_another_admin(target: Target, group: str, user: str) -> None:
    """Groups and users are reconciled as the admin, so it takes another one; the pipeline is for a moment."""
    admin, pipeline = open_workspace(target, "admin"), open_workspace(target, "pipeline")
    (admins,) = admin.groups.list(filter='displayName eq "admins"')
    (ours,) = admin.groups.list(filter=f'displayName eq "{group}"')
    (person,) = admin.users.list(filter=f'userName eq "{user}"')
    me = str(pipeline.current_user.me().id)
    schemas = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    member = [ComplexValue(value=me).as_dict()]
    joins = [Patch(op=PatchOp.ADD, path="members", value=member)]
    admin.groups.patch(str(admins.id), operations=joins, schemas=schemas)
    try:
        pipeline.groups.patch(str(ours.id), operations=joins, schemas=schemas)
        shut_out = [Patch(op=PatchOp.REPLACE, path="active", value="false")]
        pipeline.users.patch(str(person.id), operations=shut_out, schemas=schemas)
    finally:
        leaves = [Patch(op=PatchOp.REMOVE, path=f'members[value eq "{me}"]')]
        admin.groups.patch(str(admins.id), operations=leaves, schemas=schemas)
