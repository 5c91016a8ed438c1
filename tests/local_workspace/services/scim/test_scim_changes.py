"""SCIM writes: groups and service principals are made, changed and deleted by admins, and by nobody else."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, NotImplemented, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.iam import (
    AccessControlRequest,
    ComplexValue,
    Group,
    Patch,
    PatchOp,
    PatchSchema,
    PermissionLevel,
)
from databricks.sdk.service.jobs import JobAccessControlRequest, JobPermissionLevel
from databricks.sdk.service.workspace import AclPermission

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import NAME, Scratch

SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
ANALYST = "analyst@lakehouse.example"
VIEW = JobPermissionLevel.CAN_VIEW
_numbers = itertools.count(1)


@pytest.fixture
def admin(workspace: WarmWorkspace) -> WorkspaceClient:
    return workspace.client("admin")


@pytest.fixture
def group(admin: WorkspaceClient) -> Iterator[Group]:
    made = admin.groups.create(display_name=f"try{next(_numbers)}", external_id="made here")
    yield made
    if any(one.id == made.id for one in admin.groups.list()):
        admin.groups.delete(str(made.id))


def analyst_id(admin: WorkspaceClient) -> str:
    (user,) = admin.users.list(filter=f'userName eq "{ANALYST}"')
    return str(user.id)


def patch(admin: WorkspaceClient, group: Group, *operations: Patch) -> None:
    admin.groups.patch(str(group.id), operations=list(operations), schemas=SCHEMAS)


def members(admin: WorkspaceClient, group: Group) -> list[str]:
    return [str(one.value) for one in admin.groups.get(str(group.id)).members or []]


def test_members_are_added_replaced_and_removed(admin: WorkspaceClient, group: Group) -> None:
    analyst, me = analyst_id(admin), str(admin.current_user.me().id)
    patch(admin, group, Patch(PatchOp.ADD, "members", [{"value": analyst}]))
    patch(admin, group, Patch(PatchOp.ADD, value={"members": [{"value": me}]}))
    assert sorted(members(admin, group)) == sorted([analyst, me])
    patch(admin, group, Patch(PatchOp.REMOVE, f'members[value eq "{me}"]'))
    assert members(admin, group) == [analyst]
    patch(admin, group, Patch(PatchOp.REPLACE, "members", [{"value": me}]))
    assert members(admin, group) == [me]
    patch(admin, group, Patch(PatchOp.REMOVE, "members"))
    assert members(admin, group) == []


def test_a_membership_opens_and_closes_at_once(admin: WorkspaceClient, group: Group, workspace: WarmWorkspace) -> None:
    added = Patch(PatchOp.ADD, "members", [{"value": analyst_id(admin)}])

    def groups_of_analyst() -> set[str]:
        return {str(one.display) for one in workspace.client("analyst").current_user.me().groups or []}

    assert group.display_name not in groups_of_analyst()
    patch(admin, group, added)
    assert group.display_name in groups_of_analyst()
    patch(admin, group, Patch(PatchOp.REMOVE, "members"))
    assert group.display_name not in groups_of_analyst()


def test_a_new_group_of_a_deleted_ones_name_inherits_nothing(admin: WorkspaceClient, group: Group) -> None:
    name = str(group.display_name)
    change = PermissionsChange(principal=name, add=[Privilege.CREATE_CATALOG])
    admin.grants.update("metastore", "metastore", changes=[change])
    warehouse = str(next(iter(admin.warehouses.list())).id)
    job = str(admin.jobs.create(name=name).job_id)
    for kind, identity, level in (("warehouses", warehouse, "CAN_USE"), ("jobs", job, "CAN_VIEW")):
        access = AccessControlRequest(group_name=name, permission_level=PermissionLevel(level))
        admin.permissions.update(kind, identity, access_control_list=[access])
    admin.secrets.create_scope(name)
    admin.secrets.put_acl(name, name, AclPermission.READ)
    admin.groups.delete(str(group.id))
    again = admin.groups.create(display_name=name)
    held = {one.principal for one in admin.grants.get("metastore", "metastore").privilege_assignments or []}
    for kind, identity in (("warehouses", warehouse), ("jobs", job)):
        held |= {one.group_name for one in admin.permissions.get(kind, identity).access_control_list or []}
    held |= {one.principal for one in admin.secrets.list_acls(name)}
    admin.groups.delete(str(again.id))
    admin.jobs.delete(int(job))
    admin.secrets.delete_scope(name)
    assert name not in held


def test_groups_do_not_contain_themselves(admin: WorkspaceClient, group: Group) -> None:
    inner = admin.groups.create(display_name=f"inner{next(_numbers)}")
    patch(admin, group, Patch(PatchOp.ADD, "members", [{"value": inner.id}]))
    with pytest.raises(BadRequest, match=f"Group {group.display_name} cannot be a member of {inner.display_name}"):
        patch(admin, inner, Patch(PatchOp.ADD, "members", [{"value": group.id}]))
    with pytest.raises(BadRequest, match="contains that group"):
        patch(admin, group, Patch(PatchOp.ADD, "members", [{"value": group.id}]))
    admin.groups.delete(str(inner.id))
    assert members(admin, group) == []


def test_a_renamed_group_keeps_members_grants_and_permissions(
    admin: WorkspaceClient, group: Group, workspace: WarmWorkspace, scratch: Scratch
) -> None:
    old, new = str(group.display_name), f"{group.display_name}-renamed"
    job = admin.jobs.create(
        name="j", access_control_list=[JobAccessControlRequest(group_name=old, permission_level=VIEW)]
    )
    admin.grants.update("schema", f"{NAME}.main", changes=[PermissionsChange(principal=old, add=[Privilege.SELECT])])
    admin.secrets.create_scope("renamed")
    admin.secrets.put_acl("renamed", old, AclPermission.READ)
    try:
        replaced = {
            "displayName": new,
            "externalId": "other",
            "entitlements": [{}],
            "members": [{"value": analyst_id(admin)}],
        }
        admin.api_client.do("PUT", f"/api/2.0/preview/scim/v2/Groups/{group.id}", body=replaced)
        found = admin.groups.get(str(group.id))
        assert (found.display_name, found.external_id, found.entitlements or None) == (new, "other", None)
        assert members(admin, group) == [analyst_id(admin)]
        workspace.client("analyst").jobs.get(job.job_id or 0)
        held = admin.grants.get("schema", f"{NAME}.main").privilege_assignments or []
        assert [one.principal for one in held if one.principal in (old, new)] == [new]
        assert admin.secrets.get_acl("renamed", new).permission == AclPermission.READ
        admin.groups.create(display_name=old)  # another of the old name has nothing
        assert {one.principal for one in admin.grants.get("schema", f"{NAME}.main").privilege_assignments or []} >= {
            new
        }
        with pytest.raises(NotFound):
            admin.secrets.get_acl("renamed", old)
    finally:
        admin.jobs.delete(job.job_id or 0)
        admin.secrets.delete_scope("renamed")
        for one in admin.groups.list(filter=f'displayName eq "{old}"'):
            admin.groups.delete(str(one.id))


def test_entitlements_of_a_group_are_kept_and_open_what_they_say(
    admin: WorkspaceClient, group: Group, workspace: WarmWorkspace
) -> None:
    analyst = workspace.client("analyst")
    patch(admin, group, Patch(PatchOp.ADD, "members", [{"value": analyst_id(admin)}]))
    with pytest.raises(PermissionDenied, match="not authorized to create"):
        analyst.warehouses.create(name="of-a-group", cluster_size="2X-Small", max_num_clusters=1)
    patch(admin, group, Patch(PatchOp.ADD, "entitlements", [{"value": "allow-cluster-create"}]))
    assert [one.value for one in admin.groups.get(str(group.id)).entitlements or []] == ["allow-cluster-create"]
    made = analyst.warehouses.create(name="of-a-group", cluster_size="2X-Small", max_num_clusters=1)
    admin.warehouses.delete(str(made.bind()["id"]))
    patch(admin, group, Patch(PatchOp.REPLACE, "entitlements", [{}]))
    assert not admin.groups.get(str(group.id)).entitlements


def test_pages_and_filters_see_what_was_made(admin: WorkspaceClient) -> None:
    made = [admin.groups.create(display_name=f"page{number}") for number in range(5)]
    assert [one.display_name for one in admin.groups.list(filter='displayName sw "page"', count=2)] == [
        one.display_name for one in made
    ]
    assert len(list(admin.groups.list(filter='displayName ne "page0"'))) == len(list(admin.groups.list())) - 1
    for one in made:
        admin.groups.delete(str(one.id))


WRONG: dict[str, tuple[Callable[[WorkspaceClient, Group], Any], type[Exception], str]] = {
    "taken name": (lambda w, g: w.groups.create(display_name=g.display_name), ResourceAlreadyExists, "already exists"),
    "everybody": (lambda w, g: w.groups.create(display_name="account users"), ResourceAlreadyExists, "already exists"),
    "no name": (lambda w, g: w.groups.create(), BadRequest, "displayName"),
    "odd name": (lambda w, g: w.groups.create(display_name="a\nb"), BadRequest, "printable"),
    "unknown member": (
        lambda w, g: w.groups.create(display_name="x", members=[ComplexValue(value="999999")]),
        BadRequest,
        "Member with id 999999 does not exist",
    ),
    "unknown path": (lambda w, g: patch(w, g, Patch(PatchOp.ADD, "colour", "red")), BadRequest, "no field 'colour'"),
    "renaming to a taken name": (
        lambda w, g: patch(w, g, Patch(PatchOp.REPLACE, "displayName", "admins")),
        ResourceAlreadyExists,
        "Group with name admins already exists",
    ),
    "renaming the workspace's own": (
        lambda w, g: w.groups.update(
            str(next(iter(w.groups.list(filter='displayName eq "admins"'))).id), display_name="others"
        ),
        BadRequest,
        "belongs to the workspace and cannot be renamed",
    ),
    "removing the name": (
        lambda w, g: patch(w, g, Patch(PatchOp.REMOVE, "displayName")),
        NotImplemented,
        "displayName",
    ),
    "entitlement": (
        lambda w, g: w.groups.update(str(g.id), display_name=g.display_name, entitlements=[ComplexValue(value="root")]),
        BadRequest,
        "got 'root'",
    ),
    "no schema": (lambda w, g: w.groups.patch(str(g.id), operations=[Patch(PatchOp.ADD)]), BadRequest, "schemas"),
    "no operation": (lambda w, g: w.groups.patch(str(g.id), operations=[], schemas=SCHEMAS), BadRequest, "Operations"),
    "unknown group": (lambda w, g: w.groups.delete("999999"), NotFound, "Group with id 999999 not found"),
    "admins": (
        lambda w, g: w.groups.delete(str(next(iter(w.groups.list(filter='displayName eq "admins"'))).id)),
        BadRequest,
        "belongs to the workspace",
    ),
    "chosen id": (
        lambda w, g: w.service_principals.create(display_name="x", application_id="1"),
        BadRequest,
        "cannot be chosen",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(
    admin: WorkspaceClient, group: Group, call: Callable[[WorkspaceClient, Group], Any], error: Any, message: str
) -> None:
    before = sorted(str(one.display_name) for one in admin.groups.list())
    with pytest.raises(error, match=message):
        call(admin, group)
    assert sorted(str(one.display_name) for one in admin.groups.list()) == before


CHANGES: dict[str, Callable[[WorkspaceClient, Group], Any]] = {
    "create group": lambda w, g: w.groups.create(display_name="mine"),
    "join group": lambda w, g: patch(w, g, Patch(PatchOp.ADD, "members", [{"value": w.current_user.me().id}])),
    "delete group": lambda w, g: w.groups.delete(str(g.id)),
    "rename group": lambda w, g: w.groups.update(str(g.id), display_name="mine"),
    "replace service principal": lambda w, g: w.service_principals.update(
        str(next(iter(w.service_principals.list())).id), display_name="mine"
    ),
    "create service principal": lambda w, g: w.service_principals.create(display_name="mine"),
    "rename service principal": lambda w, g: w.service_principals.patch(
        str(next(iter(w.service_principals.list())).id),
        operations=[Patch(PatchOp.REPLACE, "displayName", "mine")],
        schemas=SCHEMAS,
    ),
    "delete service principal": lambda w, g: w.service_principals.delete(
        str(next(iter(w.service_principals.list())).id)
    ),
}


@pytest.mark.parametrize("role", ["deployer", "pipeline", "analyst"])
@pytest.mark.parametrize("call", CHANGES.values(), ids=CHANGES)
def test_who_is_no_admin_changes_nothing(
    workspace: WarmWorkspace, group: Group, role: str, call: Callable[[WorkspaceClient, Group], Any]
) -> None:
    with pytest.raises(PermissionDenied, match=f"'{workspace.name(role)}' is not an admin"):
        call(workspace.client(role), group)
