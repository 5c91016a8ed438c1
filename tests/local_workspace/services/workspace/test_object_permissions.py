"""Permissions on folders, files and notebooks: each level opens what it says, is inherited, and binds at once."""

import base64
import uuid
from collections.abc import Callable

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, NotImplemented, PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import ImportFormat

LEVELS = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")


@pytest.fixture
def folder(ann: WorkspaceClient) -> str:
    path = f"/Users/ann/{uuid.uuid4().hex}"
    ann.workspace.mkdirs(f"{path}/in/side")
    for name in ("file", "in/file"):
        ann.workspace.upload(f"{path}/{name}", b"1", format=ImportFormat.RAW)
    return path


def identify(client: WorkspaceClient, path: str) -> str:
    return str(client.workspace.get_status(path).object_id)


def entry(name: str, level: str) -> AccessControlRequest:
    kind = "group_name" if name == "users" else "user_name"
    return AccessControlRequest(permission_level=PermissionLevel(level), **{kind: name})


def overwrite(client: WorkspaceClient, path: str) -> None:
    client.workspace.upload(path, b"2", format=ImportFormat.RAW, overwrite=True)


# what is done with a folder and the file in it, and the level it takes
ACTIONS: dict[str, tuple[str, Callable[[WorkspaceClient, str], object]]] = {
    "list": ("CAN_READ", lambda client, path: list(client.workspace.list(f"{path}/in"))),
    "export": (
        "CAN_READ",
        lambda client, path: base64.b64decode(client.workspace.export(f"{path}/in/file").content or ""),
    ),
    "overwrite": ("CAN_EDIT", lambda client, path: overwrite(client, f"{path}/in/file")),
    "import": ("CAN_MANAGE", lambda client, path: overwrite(client, f"{path}/in/new")),
    "mkdirs": ("CAN_MANAGE", lambda client, path: client.workspace.mkdirs(f"{path}/in/new-folder")),
    "delete": ("CAN_MANAGE", lambda client, path: client.workspace.delete(f"{path}/in/file")),
}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("action", ACTIONS)
def test_a_level_on_a_folder_opens_what_it_says_in_it(
    served, ann: WorkspaceClient, folder: str, level: str, action: str
) -> None:
    ann.permissions.update("directories", identify(ann, folder), access_control_list=[entry("bob", level)])
    needed, act = ACTIONS[action]
    if LEVELS.index(level) >= LEVELS.index(needed):
        act(served.client("bob"), folder)
    else:
        with pytest.raises(
            PermissionDenied, match=f"User 'bob' does not have {needed} on Workspace object '{folder}/in"
        ):
            act(served.client("bob"), folder)


def test_a_file_is_opened_alone_and_to_members_only(served, ann: WorkspaceClient, folder: str) -> None:
    identity = identify(ann, f"{folder}/in/file")
    ann.permissions.update(
        "files", identity, access_control_list=[entry("users", "CAN_READ"), entry("eve", "CAN_EDIT")]
    )
    assert served.client("bob").workspace.download(f"{folder}/in/file").read() == b"1"
    for name, path in (("bob", "file"), ("bob", "in"), ("eve", "in/file")):
        with pytest.raises(PermissionDenied, match=f"'{name}' does not have CAN_READ on Workspace object '{folder}"):
            served.client(name).workspace.get_status(f"{folder}/{path}")
    ann.permissions.set("files", identity, access_control_list=[])
    with pytest.raises(PermissionDenied):
        served.client("bob").workspace.download(f"{folder}/in/file")


def test_what_is_granted_is_told_apart_from_what_is_inherited(ann: WorkspaceClient, folder: str) -> None:
    above, inside = identify(ann, folder), identify(ann, f"{folder}/in/file")
    ann.permissions.update("directories", above, access_control_list=[entry("bob", "CAN_RUN")])
    ann.permissions.update("files", inside, access_control_list=[entry("bob", "CAN_READ")])
    overwrite(ann, f"{folder}/in/file")
    shown = ann.permissions.get("files", inside)
    held = {one.user_name or one.group_name: one.all_permissions or [] for one in shown.access_control_list or []}
    assert (shown.object_id, shown.object_type) == (f"/files/{inside}", "file")
    levels = [(str(one.permission_level and one.permission_level.value), one.inherited) for one in held["bob"]]
    assert levels == [("CAN_READ", False), ("CAN_RUN", True)]
    assert held["bob"][1].inherited_from_object == [f"/directories/{above}"]
    for name in ("ann", "admins"):
        assert [(one.permission_level, one.inherited) for one in held[name]] == [(PermissionLevel.CAN_MANAGE, True)]
    ann.permissions.update("files", inside, access_control_list=[entry("users", "CAN_EDIT")])
    kept = ann.permissions.get("files", inside).access_control_list or []
    assert {one.user_name or one.group_name for one in kept} == {"bob", "users", "ann", "admins"}


def test_who_does_not_manage_it_changes_no_permissions(served, ann: WorkspaceClient, folder: str) -> None:
    identity = identify(ann, folder)
    ann.permissions.update("directories", identity, access_control_list=[entry("bob", "CAN_EDIT")])
    api = served.client("bob").permissions
    for call in (api.get, lambda *args: api.update(*args, access_control_list=[entry("bob", "CAN_MANAGE")])):
        with pytest.raises(PermissionDenied, match=f"'bob' does not have CAN_MANAGE on Workspace object '{folder}'"):
            call("directories", identity)
    found = api.get_permission_levels("directories", identity).permission_levels or []
    assert [one.permission_level and one.permission_level.value for one in found] == list(LEVELS)


def test_bad_requests_are_refused_by_name(served, ann: WorkspaceClient, folder: str) -> None:
    identity, api = identify(ann, folder), ann.permissions
    with pytest.raises(NotFound, match=f"File with object id {identity}"):
        api.get("files", identity)
    with pytest.raises(InvalidParameterValue, match="object id"):
        api.get("directories", "x")
    with pytest.raises(InvalidParameterValue, match="IS_OWNER"):
        api.update("directories", identity, access_control_list=[entry("bob", "IS_OWNER")])
    with pytest.raises(InvalidParameterValue, match="nobody"):
        api.update("directories", identity, access_control_list=[entry("nobody", "CAN_READ")])
    root = served.client("root")
    with pytest.raises(NotImplemented, match="/Shared"):
        root.permissions.update(
            "directories", identify(root, "/Shared"), access_control_list=[entry("bob", "CAN_READ")]
        )
    shared = root.permissions.get("directories", identify(root, "/Shared")).access_control_list or []
    assert {one.group_name for one in shared} == {"users", "admins"}
