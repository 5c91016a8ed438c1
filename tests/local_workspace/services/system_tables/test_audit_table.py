"""system.access.audit: what was really done, by REST and by SQL, for whom it is granted, and never to be changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.iam import ComplexValue, Patch, PatchOp, PatchSchema
from databricks.sdk.service.jobs import JobSettings

from local_workspace.gateway.workspace import WORKSPACE_ID
from local_workspace.services.unity_catalog.securables import METASTORE_ID
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import TABLE, Scratch, error_of, run_sql

AUDIT = "system.access.audit"
SCHEMA = TABLE.rpartition(".")[0]


@pytest.fixture(scope="module")
def reader(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[str]:
    """The analyst, who could not read before; granted on the table, not the schema."""
    assert "not have USE SCHEMA on Schema 'system.access'" in error_of(workspace, "analyst", f"TABLE {AUDIT}")
    admin, name = workspace.client("admin"), workspace.name("analyst")
    given = (("schema", "system.access", Privilege.USE_SCHEMA), ("table", AUDIT, Privilege.SELECT))
    for kind, full_name, privilege in given:
        admin.grants.update(kind, full_name, changes=[PermissionsChange(principal=name, add=[privilege])])
    yield "analyst"
    for kind, full_name, privilege in given:
        admin.grants.update(kind, full_name, changes=[PermissionsChange(principal=name, remove=[privilege])])


def ask(workspace: WarmWorkspace, where: str) -> list[list[Any]]:
    columns = "service_name, action_name, user_identity.email, response.status_code, to_json(request_params)"
    found = run_sql(workspace, "analyst", f"SELECT {columns} FROM {AUDIT} WHERE {where} ORDER BY event_time")
    return [[*row[:4], json.loads(row[4])] for row in found]


def test_grants_and_changes_by_rest_and_by_sql_are_there(workspace: WarmWorkspace, reader: str) -> None:
    deployer, me = workspace.client("deployer"), workspace.name("deployer")
    deployer.schemas.update(SCHEMA, comment="audited")
    run_sql(workspace, "deployer", f"GRANT SELECT ON TABLE {TABLE} TO `analysts`")
    run_sql(workspace, "deployer", f"ALTER TABLE {TABLE} SET TBLPROPERTIES ('audited' = 'yes')")
    place = {"workspace_id": str(WORKSPACE_ID), "metastore_id": METASTORE_ID}
    changed = ask(workspace, f"action_name = 'updateSchema' AND request_params.full_name_arg = '{SCHEMA}'")
    assert changed[-1] == ["unityCatalog", "updateSchema", me, "200", {"full_name_arg": SCHEMA, **place}]
    named = f"request_params.securable_full_name = '{TABLE}'"
    (*_, granted) = ask(workspace, f"action_name = 'updatePermissions' AND {named}")
    assert granted[:4] == ["unityCatalog", "updatePermissions", me, "200"]
    assert json.loads(granted[4]["changes"]) == [{"principal": "analysts", "add": ["SELECT"]}]
    altered = ask(workspace, f"action_name = 'updateTables' AND request_params.full_name_arg = '{TABLE}'")
    assert [one[2] for one in altered] == [me]


def test_a_job_from_its_creation_on(workspace: WarmWorkspace, reader: str) -> None:
    jobs = workspace.client("deployer").jobs
    job_id = jobs.create(name="audited").job_id
    assert job_id is not None
    with pytest.raises(PermissionDenied):
        workspace.client("outsider").jobs.reset(job_id, JobSettings(name="mine"))
    jobs.reset(job_id, JobSettings(name="audited", tags={"secret": "hunter2"}))
    jobs.delete(job_id)
    is_created = f"get_json_object(response.result, '$.job_id') = '{job_id}'"
    found = ask(workspace, f"service_name = 'jobs' AND (request_params.job_id = '{job_id}' OR {is_created})")
    me, outsider = workspace.name("deployer"), workspace.name("outsider")
    assert [one[1:4] for one in found] == [
        ["create", me, "200"],
        ["reset", outsider, "403"],
        ["reset", me, "200"],
        ["delete", me, "200"],
    ]
    assert "hunter2" not in json.dumps(found)


def test_members_of_a_group_come_and_go(workspace: WarmWorkspace, reader: str) -> None:
    admin = workspace.client("admin")
    analyst = str(admin.users.list(filter=f'userName eq "{workspace.name("analyst")}"').__next__().id)
    group = admin.groups.create(display_name="audited", members=[ComplexValue(value=analyst)])
    gone = Patch(op=PatchOp.REMOVE, path=f'members[value eq "{analyst}"]')
    schemas = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    admin.groups.patch(str(group.id), operations=[gone], schemas=schemas)
    admin.groups.delete(str(group.id))
    named = "coalesce(request_params.targetGroupName, request_params.targetUserName) = 'audited'"
    found = ask(workspace, f"service_name = 'accounts' AND {named}")
    members = ["addPrincipalToGroup", "removePrincipalFromGroup"]
    assert [one[1] for one in found] == ["createGroup", *members, "removeGroup"]
    assert found[1][4]["targetUserName"] == workspace.name("analyst")


def test_a_user_is_added_changed_shut_out_let_in_and_deleted(workspace: WarmWorkspace, reader: str) -> None:
    admin, name = workspace.client("admin"), "audited@lakehouse.example"
    user = str(admin.users.create(user_name=name).id)
    schemas = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    for path, value in (("displayName", "Audited"), ("active", "false"), ("active", "true")):
        admin.users.patch(user, operations=[Patch(op=PatchOp.REPLACE, path=path, value=value)], schemas=schemas)
    admin.users.delete(user)
    found = ask(workspace, f"service_name = 'accounts' AND request_params.targetUserName = '{name}'")
    assert [one[1] for one in found] == ["add", "updateUser", "deactivateUser", "activateUser", "delete"]
    assert found[-1][4]["targetUserId"] == user


def test_levels_of_the_log(workspace: WarmWorkspace, reader: str) -> None:
    levels = "audit_level, workspace_id, service_name = 'unityCatalog'"
    found = run_sql(workspace, "analyst", f"SELECT DISTINCT {levels} FROM {AUDIT}")
    assert sorted(found) == [["ACCOUNT_LEVEL", "0", "true"], ["WORKSPACE_LEVEL", str(WORKSPACE_ID), "false"]]


def test_who_has_no_grant_reads_nothing_and_nobody_changes_it(workspace: WarmWorkspace, reader: str) -> None:
    assert "USE SCHEMA on Schema 'system.access'" in error_of(workspace, "outsider", f"TABLE {AUDIT}")
    admin = workspace.client("admin")
    with pytest.raises(PermissionDenied, match="which is read-only"):
        admin.tables.delete(AUDIT)
    may_write = PermissionsChange(principal=workspace.name("analyst"), add=[Privilege.MODIFY])
    admin.grants.update("table", AUDIT, changes=[may_write])
    assert "which is read-only" in error_of(workspace, "analyst", f"DELETE FROM {AUDIT}")
    undone = PermissionsChange(principal=may_write.principal, remove=may_write.add)
    admin.grants.update("table", AUDIT, changes=[undone])
