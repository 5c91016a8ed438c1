"""SCIM users: made, changed, deactivated and deleted by admins, and by nobody else; never themselves."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, NotImplemented, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.iam import ComplexValue, Patch, PatchOp, PatchSchema, User

from tests.local_workspace.conftest import WarmWorkspace

SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
_numbers = itertools.count(1)


@pytest.fixture
def admin(workspace: WarmWorkspace) -> WorkspaceClient:
    return workspace.client("admin")


@pytest.fixture
def user(admin: WorkspaceClient) -> Iterator[User]:
    name = f"Try{next(_numbers)}@lakehouse.example"
    made = admin.users.create(user_name=name, display_name="Try", external_id="made here")
    yield made
    if list(admin.users.list(filter=f'userName eq "{name}"')):
        admin.users.delete(str(made.id))


def patch(client: WorkspaceClient, identity: str | None, *operations: Patch) -> None:
    client.users.patch(str(identity), operations=list(operations), schemas=SCHEMAS)


def entitlements(admin: WorkspaceClient, user: User) -> list[str]:
    return [str(one.value) for one in admin.users.get(str(user.id)).entitlements or []]


def test_one_is_made_found_and_a_member_of_the_workspace(admin: WorkspaceClient, user: User) -> None:
    assert (user.display_name, user.active, user.external_id) == ("Try", True, "made here")
    (found,) = admin.users.list(filter=f'userName eq "{str(user.user_name).lower()}"')
    assert (found.id, [str(one.display) for one in found.groups or []]) == (user.id, ["users"])
    assert [one.id for one in admin.users.list(filter='externalId sw "made"')] == [user.id]


def test_pages_hold_what_was_asked_for(admin: WorkspaceClient) -> None:
    made = [admin.users.create(user_name=f"page{number}@lakehouse.example") for number in range(5)]
    try:
        found = list(admin.users.list(filter='userName sw "page"', count=2))
        assert [one.user_name for one in found] == [one.user_name for one in made]
        query = {"filter": 'userName sw "page"', "startIndex": "4", "count": "1"}
        rest: Any = admin.api_client.do("GET", "/api/2.0/preview/scim/v2/Users", query=query)
        assert (rest["startIndex"], rest["itemsPerPage"], rest["totalResults"]) == (4, 1, 5)
        assert [one["userName"] for one in rest["Resources"]] == ["page3@lakehouse.example"]
    finally:
        for one in made:
            admin.users.delete(str(one.id))


def test_a_patch_changes_what_it_names(admin: WorkspaceClient, user: User) -> None:
    both = [{"value": "workspace-access"}, {"value": "allow-cluster-create"}]
    patch(admin, user.id, Patch(PatchOp.REPLACE, "displayName", "New"), Patch(PatchOp.ADD, "entitlements", both))
    assert admin.users.get(str(user.id)).display_name == "New"
    assert entitlements(admin, user) == ["allow-cluster-create", "workspace-access"]
    patch(admin, user.id, Patch(PatchOp.REMOVE, 'entitlements[value eq "workspace-access"]'))
    assert entitlements(admin, user) == ["allow-cluster-create"]
    patch(admin, user.id, Patch(PatchOp.REPLACE, "entitlements", both[:1]))
    assert entitlements(admin, user) == ["workspace-access"]
    patch(admin, user.id, Patch(PatchOp.REMOVE, "entitlements"), Patch(PatchOp.REMOVE, "externalId"))
    assert (entitlements(admin, user), admin.users.get(str(user.id)).external_id) == ([], None)


def test_a_replaced_user_has_what_the_body_says_and_its_name(admin: WorkspaceClient, user: User) -> None:
    body = {"userName": user.user_name, "entitlements": [{"value": "workspace-access"}], "roles": [], "groups": []}
    admin.api_client.do("PUT", f"/api/2.0/preview/scim/v2/Users/{user.id}", body=body)
    found = admin.users.get(str(user.id))
    assert (found.user_name, found.display_name, found.external_id) == (user.user_name, user.user_name, None)
    assert (entitlements(admin, user), found.active) == (["workspace-access"], True)
    admin.users.update(str(user.id), user_name=user.user_name, display_name="New", active=False)
    found = admin.users.get(str(user.id))
    assert (found.display_name, found.active, entitlements(admin, user)) == ("New", False, [])


def test_a_patch_that_is_wrong_at_its_end_changes_nothing(admin: WorkspaceClient, user: User) -> None:
    with pytest.raises(BadRequest, match="no field 'colour'"):
        patch(admin, user.id, Patch(PatchOp.REPLACE, "displayName", "New"), Patch(PatchOp.ADD, "colour", "red"))
    assert admin.users.get(str(user.id)).display_name == "Try"


def test_one_that_is_deactivated_is_shut_out_until_it_is_activated(
    admin: WorkspaceClient, workspace: WarmWorkspace
) -> None:
    analyst, name = workspace.client("analyst"), workspace.name("analyst")
    (found,) = admin.users.list(filter=f'userName eq "{name}"')
    patch(admin, found.id, Patch(PatchOp.REPLACE, "active", "false"))
    try:
        assert admin.users.get(str(found.id)).active is False
        with pytest.raises(PermissionDenied, match=f"'{name}' is deactivated"):
            analyst.current_user.me()
        assert workspace.client("outsider").current_user.me().active, "the neighbour is not"
    finally:
        patch(admin, found.id, Patch(PatchOp.REPLACE, value={"active": True}))
    assert analyst.current_user.me().active


def test_who_is_entitled_to_it_makes_warehouses(admin: WorkspaceClient, workspace: WarmWorkspace) -> None:
    analyst = workspace.client("analyst")
    (found,) = admin.users.list(filter=f'userName eq "{workspace.name("analyst")}"')
    with pytest.raises(PermissionDenied, match="not authorized to create"):
        analyst.warehouses.create(name="mine", cluster_size="2X-Small", max_num_clusters=1)
    entitled = [{"value": "allow-cluster-create"}]
    patch(admin, found.id, Patch(PatchOp.ADD, "entitlements", entitled))
    try:
        made = analyst.warehouses.create(name="mine", cluster_size="2X-Small", max_num_clusters=1)
        analyst.warehouses.delete(str(made.bind()["id"]))
    finally:
        patch(admin, found.id, Patch(PatchOp.REMOVE, "entitlements", entitled))


def test_a_deleted_ones_name_inherits_nothing(admin: WorkspaceClient, user: User) -> None:
    group = admin.groups.create(display_name="heirs", members=[ComplexValue(value=user.id)])
    try:
        admin.users.delete(str(user.id))
        admin.users.create(user_name=user.user_name)
        assert not admin.groups.get(str(group.id)).members
        with pytest.raises(NotFound, match=f"User with id {user.id} not found"):
            admin.users.delete(str(user.id))
    finally:
        admin.groups.delete(str(group.id))
        (again,) = admin.users.list(filter=f'userName eq "{user.user_name}"')
        admin.users.delete(str(again.id))


WRONG: dict[str, tuple[Callable[[WorkspaceClient, User], Any], type[Exception], str]] = {
    "taken": (lambda w, u: w.users.create(user_name=u.user_name), ResourceAlreadyExists, "already exists"),
    "taken, otherwise written": (
        lambda w, u: w.users.create(user_name=str(u.user_name).upper()),
        ResourceAlreadyExists,
        "User with username TRY",
    ),
    "no name": (lambda w, u: w.users.create(display_name="x"), BadRequest, "userName"),
    "no e-mail": (lambda w, u: w.users.create(user_name="ann"), BadRequest, "must be an e-mail address"),
    "unknown entitlement": (
        lambda w, u: w.users.create(user_name="x@y.z", entitlements=[ComplexValue(value="root")]),
        BadRequest,
        "got 'root'",
    ),
    "another e-mail": (
        lambda w, u: w.users.create(user_name="x@y.z", emails=[ComplexValue(value="a@y.z")]),
        NotImplemented,
        "one e-mail address",
    ),
    "roles": (
        lambda w, u: w.users.create(user_name="x@y.z", roles=[ComplexValue(value="arn")]),
        NotImplemented,
        "with roles",
    ),
    "renaming": (lambda w, u: patch(w, u.id, Patch(PatchOp.REPLACE, "userName", "y@y.z")), BadRequest, "'userName'"),
    "replacing the name": (
        lambda w, u: w.users.update(str(u.id), user_name="y@y.z"),
        BadRequest,
        "cannot be changed to y@y.z",
    ),
    "half active": (
        lambda w, u: patch(w, u.id, Patch(PatchOp.REPLACE, "active", "maybe")),
        BadRequest,
        "active must be true or false",
    ),
    "deactivate itself": (
        lambda w, u: patch(w, w.current_user.me().id, Patch(PatchOp.REPLACE, "active", "false")),
        BadRequest,
        "cannot deactivate itself",
    ),
    "delete itself": (lambda w, u: w.users.delete(str(w.current_user.me().id)), BadRequest, "cannot delete itself"),
    "nobody": (lambda w, u: patch(w, "999999", Patch(PatchOp.REMOVE, "externalId")), NotFound, "id 999999 not found"),
}


@pytest.mark.parametrize(("call", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(
    admin: WorkspaceClient, user: User, call: Callable[[WorkspaceClient, User], Any], error: Any, message: str
) -> None:
    before = [one.as_dict() for one in admin.users.list()]
    with pytest.raises(error, match=message):
        call(admin, user)
    assert [one.as_dict() for one in admin.users.list()] == before


CHANGES: dict[str, Callable[[WorkspaceClient, User], Any]] = {
    "create": lambda w, u: w.users.create(user_name="mine@lakehouse.example"),
    "entitle itself": lambda w, u: patch(
        w, w.current_user.me().id, Patch(PatchOp.ADD, "entitlements", [{"value": "allow-cluster-create"}])
    ),
    "deactivate another": lambda w, u: patch(w, u.id, Patch(PatchOp.REPLACE, "active", "false")),
    "replace another": lambda w, u: w.users.update(str(u.id), user_name=u.user_name, display_name="mine"),
    "delete another": lambda w, u: w.users.delete(str(u.id)),
}


@pytest.mark.parametrize("role", ["deployer", "analyst", "outsider"])
@pytest.mark.parametrize("call", CHANGES.values(), ids=CHANGES)
def test_who_is_no_admin_changes_nothing(
    workspace: WarmWorkspace, user: User, role: str, call: Callable[[WorkspaceClient, User], Any]
) -> None:
    with pytest.raises(PermissionDenied, match=f"'{workspace.name(role)}' is not an admin"):
        call(workspace.client(role), user)


@pytest.mark.parametrize("role", ["analyst", "outsider"])
def test_who_is_no_admin_sees_of_others_the_name_and_of_itself_all(
    workspace: WarmWorkspace, user: User, role: str
) -> None:
    client = workspace.client(role)
    seen = client.users.get(str(user.id))
    assert (seen.display_name, seen.user_name, seen.external_id, seen.active) == ("Try", None, None, None)
    assert {one.user_name for one in client.users.list()} == {None}
    assert client.current_user.me().user_name == workspace.name(role)
