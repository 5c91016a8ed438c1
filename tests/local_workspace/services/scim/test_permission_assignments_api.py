"""Principals of the account are assigned to the workspace by its admins, by name or id, and lose it the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied

from tests.local_workspace.conftest import WarmWorkspace

API = "/api/2.0/preview/permissionassignments"


@pytest.fixture
def admin(workspace: WarmWorkspace) -> WorkspaceClient:
    return workspace.client("admin")


@pytest.fixture
def outsider(workspace: WarmWorkspace, admin: WorkspaceClient) -> Iterator[WorkspaceClient]:
    client = workspace.client("outsider")
    yield client
    call(admin, "PUT", f"/principals/{client.current_user.me().id}", permissions=[])


def call(client: WorkspaceClient, method: str, path: str = "", **body: Any) -> Any:
    return client.api_client.do(method, f"{API}{path}", body=body or None)


def assign(client: WorkspaceClient, **given: Any) -> Any:
    (answer,) = call(client, "POST", permission_assignments=[given])["permission_assignments"]
    return answer


def levels(admin: WorkspaceClient) -> dict[str, list[str]]:
    named = ("user_name", "service_principal_name", "group_name")
    found = [(one["principal"], one["permissions"]) for one in call(admin, "GET")["permission_assignments"]]
    return {next(who[name] for name in named if name in who): permissions for who, permissions in found}


def test_who_is_assigned_may_enter_and_who_is_not_may_not(
    workspace: WarmWorkspace, admin: WorkspaceClient, outsider: WorkspaceClient
) -> None:
    name, me = workspace.name("outsider"), outsider.current_user.me()
    with pytest.raises(PermissionDenied):
        outsider.workspace.mkdirs("/Shared/outside")
    made = assign(admin, user_name=name, permissions=["USER"])
    assert made["principal"] == {"principal_id": int(str(me.id)), "user_name": name, "display_name": "Outsider"}
    outsider.workspace.mkdirs("/Shared/outside")
    with pytest.raises(PermissionDenied, match="not an admin"):
        call(outsider, "GET")
    call(admin, "PUT", f"/principals/{me.id}", permissions=["ADMIN", "USER"])
    assert levels(outsider)[name] == ["ADMIN"]
    call(admin, "DELETE", f"/principals/{me.id}")
    assert name not in levels(admin)
    with pytest.raises(PermissionDenied):
        outsider.workspace.list("/Shared/outside").__next__()
    admin.workspace.delete("/Shared/outside")


def test_a_group_of_the_account_brings_its_members(admin: WorkspaceClient, workspace: WarmWorkspace) -> None:
    (analysts,) = admin.groups.list(filter='displayName eq "analysts"')
    assert analysts.meta is not None and str(analysts.meta.resource_type) == "Group"
    assert assign(admin, group_name="analysts", permissions=["ADMIN"])["permissions"] == ["ADMIN"]
    try:
        assert levels(workspace.client("analyst"))["analysts"] == ["ADMIN"]
    finally:
        call(admin, "DELETE", f"/principals/{analysts.id}")
    with pytest.raises(PermissionDenied):
        call(workspace.client("analyst"), "GET")


def test_the_workspaces_own_groups_and_strangers_are_not_of_the_account(admin: WorkspaceClient) -> None:
    own = admin.groups.create(display_name="own")
    try:
        for given in ({"group_name": "own"}, {"group_name": "admins"}, {"user_name": "no@body.example"}):
            answer = assign(admin, **given, permissions=["USER"])
            assert answer == {"principal": given, "error": "RESOURCE_DOES_NOT_EXIST: Principal not found in account."}
        with pytest.raises(NotFound, match="Principal not found in account"):
            call(admin, "PUT", f"/principals/{own.id}", permissions=["USER"])
    finally:
        admin.groups.delete(str(own.id))


def test_a_level_that_is_not_known_takes_the_way_in_away(
    admin: WorkspaceClient, workspace: WarmWorkspace, outsider: WorkspaceClient
) -> None:
    name = workspace.name("outsider")
    assign(admin, user_name=name, permissions=["USER"])
    call(admin, "PUT", f"/principals/{outsider.current_user.me().id}", permissions=["OWNER"])
    assert name not in levels(admin)


WRONG: dict[str, tuple[Callable[[WorkspaceClient], Any], type[Exception], str]] = {
    "nobody": (lambda w: assign(w, permissions=["USER"]), BadRequest, "names a principal"),
    "two": (lambda w: assign(w, user_name="a", group_name="b", permissions=["USER"]), BadRequest, "names a principal"),
    "no list": (lambda w: call(w, "POST", permission_assignments="x"), BadRequest, "must be a list"),
    "no levels": (
        lambda w: assign(w, user_name="outsider@lakehouse.example", permissions="ADMIN"),
        BadRequest,
        "permissions must be a list",
    ),
    "unknown id": (lambda w: call(w, "DELETE", "/principals/999999"), NotFound, "Principal not found in account"),
}


@pytest.mark.parametrize(("wrong", "error", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said(admin: WorkspaceClient, wrong: Callable[..., Any], error: Any, message: str) -> None:
    before = levels(admin)
    with pytest.raises(error, match=message):
        wrong(admin)
    assert levels(admin) == before


@pytest.mark.parametrize("role", ["deployer", "analyst", "outsider"])
def test_who_is_no_admin_assigns_nobody(workspace: WarmWorkspace, role: str) -> None:
    client = workspace.client(role)
    me = f"/principals/{client.current_user.me().id}"
    tries: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "", {}),
        ("POST", "", {"permission_assignments": [{"user_name": workspace.name(role), "permissions": ["ADMIN"]}]}),
        ("PUT", me, {"permissions": ["ADMIN"]}),
        ("DELETE", me, {}),
    ]
    for method, path, body in tries:
        with pytest.raises(PermissionDenied, match=f"'{workspace.name(role)}' is not an admin"):
            call(client, method, path, **body)
