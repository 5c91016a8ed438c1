"""Pipelines over HTTP: defined, replaced, listed by those who may see them; what nothing here could run is refused."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceConflict,
)
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.pipelines import NotebookLibrary, PipelineLibrary

from local_workspace.gateway import principals
from local_workspace.services.scim.references import forget_principal

NOTEBOOK = PipelineLibrary(notebook=NotebookLibrary("/Shared/n"))
SETTINGS: dict[str, Any] = {"catalog": "flights", "schema": "silver", "serverless": True, "libraries": [NOTEBOOK]}
RAW = {**SETTINGS, "libraries": [{"notebook": {"path": "/Shared/n"}}]}


@pytest.fixture
def name() -> str:
    return f"p-{uuid.uuid4().hex}"


@pytest.fixture
def identity(ann: WorkspaceClient, name: str) -> str:
    return str(ann.pipelines.create(name=name, configuration={"rows": "1"}, **SETTINGS).pipeline_id)


def allow(client: WorkspaceClient, identity: str, user: str, level: str) -> None:
    entry = AccessControlRequest(user_name=user, permission_level=PermissionLevel(level))
    client.permissions.update("pipelines", identity, access_control_list=[entry])


def listed(client: WorkspaceClient, text: str, **options: Any) -> list[str]:
    return [str(one.name) for one in client.pipelines.list_pipelines(filter=text, **options)]


def test_it_is_defined_replaced_and_deleted(ann: WorkspaceClient, name: str, identity: str) -> None:
    made = ann.pipelines.get(identity)
    assert (made.name, made.creator_user_name, made.run_as_user_name) == (name, "ann", "ann")
    assert made.state and made.state.value == "IDLE" and not made.latest_updates
    spec = made.spec.as_dict() if made.spec else {}
    assert spec.items() >= {"id": identity, "name": name, "configuration": {"rows": "1"}, **RAW}.items()
    assert not any(spec.get(name) for name in ("continuous", "development", "tags"))
    ann.pipelines.update(identity, name=f"{name}-2", development=True, **{**SETTINGS, "libraries": []})
    changed = ann.pipelines.get(identity)
    assert (changed.name, changed.spec and changed.spec.development) == (f"{name}-2", True)
    assert changed.spec and not changed.spec.configuration and not changed.spec.libraries
    assert (changed.last_modified or 0) >= (made.last_modified or 0)
    ann.pipelines.delete(identity)
    for call in (ann.pipelines.get, ann.pipelines.delete):
        with pytest.raises(NotFound, match=f"The specified pipeline {identity} was not found"):
            call(identity)


def test_lists_are_filtered_ordered_and_paged(ann: WorkspaceClient, name: str) -> None:
    for letter in "cab":
        ann.pipelines.create(name=f"{name}-{letter}", **SETTINGS)
    ours = f"name LIKE '{name}-%'"
    expected = [f"{name}-{letter}" for letter in "abc"]
    assert listed(ann, ours, order_by=["name"]) == expected
    assert listed(ann, ours, order_by=["name desc"], max_results=2) == expected[::-1]
    assert listed(ann, f"name LIKE '{name}-_'", order_by=["name"]) == expected
    assert listed(ann, f"name LIKE '{name}'") == []
    assert set(expected) <= set(listed(ann, "notebook='/Shared/n'"))
    assert listed(ann, "notebook='/Shared/other'") == []
    page = ann.api_client.do("GET", "/api/2.0/pipelines", query={"filter": ours, "max_results": 1})
    assert len(page["statuses"]) == 1 and page["next_page_token"]


CALLS = {
    "get": ("CAN_VIEW", lambda api, one: api.pipelines.get(one)),
    "updates": ("CAN_VIEW", lambda api, one: api.pipelines.list_updates(one)),
    "permissions": ("CAN_VIEW", lambda api, one: api.permissions.get("pipelines", one)),
    "edit": ("CAN_MANAGE", lambda api, one: api.pipelines.update(one, name=one, **SETTINGS)),
    "delete": ("CAN_MANAGE", lambda api, one: api.pipelines.delete(one)),
    "grant": ("CAN_MANAGE", lambda api, one: allow(api, one, "eve", "CAN_VIEW")),
}
LEVELS = ("CAN_VIEW", "CAN_RUN", "CAN_MANAGE")


@pytest.mark.parametrize("level", [None, *LEVELS])
@pytest.mark.parametrize("what", CALLS)
def test_a_level_opens_what_it_says(
    served, ann: WorkspaceClient, name: str, identity: str, what: str, level: str | None
) -> None:
    needed, call = CALLS[what]
    bob = served.client("bob")
    if level:
        allow(ann, identity, "bob", level)
    assert listed(bob, f"name LIKE '{name}'") == ([name] if level else [])
    if level and LEVELS.index(level) >= LEVELS.index(needed):
        call(bob, identity)
        return
    with pytest.raises(PermissionDenied, match=f"'bob' does not have {needed} on Pipeline '{identity}'"):
        call(bob, identity)


def test_nobody_runs_one(served, ann: WorkspaceClient, identity: str) -> None:
    with pytest.raises(NotImplemented, match="has no engine for pipelines"):
        ann.pipelines.start_update(identity)
    allow(ann, identity, "bob", "CAN_VIEW")
    with pytest.raises(PermissionDenied, match="'bob' does not have CAN_RUN"):
        served.client("bob").pipelines.start_update(identity)
    assert ann.pipelines.list_updates(identity).updates in (None, [])


def test_only_members_of_the_workspace_define_pipelines(served, name: str) -> None:
    with pytest.raises(PermissionDenied, match="'eve' is not authorized to create pipelines"):
        served.client("eve").pipelines.create(name=name, **SETTINGS)


def test_there_is_always_one_owner(served, ann: WorkspaceClient, identity: str) -> None:
    def owners() -> list[str | None]:
        held = ann.permissions.get("pipelines", identity).access_control_list or []
        levels = {one.user_name: [p.permission_level.value for p in one.all_permissions or []] for one in held}  # type: ignore[union-attr]
        return [user for user, levels in levels.items() if levels == ["IS_OWNER"]]

    ann.permissions.set("pipelines", identity, access_control_list=[])
    assert owners() == ["ann"]
    with pytest.raises(InvalidParameterValue, match="exactly one owner"):
        allow(ann, identity, "ann", "CAN_MANAGE")
    root = served.client("root")
    allow(root, identity, "bob", "IS_OWNER")
    assert root.pipelines.get(identity).run_as_user_name == "bob"
    with pytest.raises(PermissionDenied):
        ann.pipelines.get(identity)


def test_who_is_deleted_leaves_no_permission_behind(served, ann: WorkspaceClient, identity: str) -> None:
    store = served.workspace.store
    principals.put_principal(store, "zoe", "user", "Zoe")
    allow(ann, identity, "zoe", "CAN_MANAGE")
    assert served.client("zoe").pipelines.get(identity).pipeline_id == identity
    forget_principal(store, "zoe")
    with pytest.raises(PermissionDenied, match="'zoe' does not have CAN_VIEW"):
        served.client("zoe").pipelines.get(identity)


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"name": ""}, InvalidParameterValue, "name must be a text"),
        ({"catalog": None}, InvalidParameterValue, "catalog must be a text"),
        ({"schema": "flights.silver"}, InvalidParameterValue, "without a period"),
        ({"serverless": None}, NotImplemented, "serverless of pipelines must be true"),
        ({"continuous": True}, NotImplemented, "continuous of pipelines must be false"),
        ({"clusters": []}, NotImplemented, "clusters of pipelines is not served"),
        ({"target": "x"}, NotImplemented, "target of pipelines is not served"),
        ({"dry_run": True}, NotImplemented, "dry_run of pipelines is not served"),
        ({"colour": 1}, NotImplemented, "colour of pipelines is not served"),
        ({"development": "yes"}, InvalidParameterValue, "development must be true or false"),
        ({"libraries": [{"jar": "dbfs:/x"}]}, NotImplemented, "jar of libraries"),
        ({"libraries": [{}]}, InvalidParameterValue, "exactly one of notebook, file, glob"),
        ({"libraries": [{"file": {"path": "x"}}]}, InvalidParameterValue, "path of a file must be an absolute path"),
        ({"libraries": {"file": "x"}}, InvalidParameterValue, "libraries must be a list"),
        ({"configuration": {"a": 1}}, InvalidParameterValue, "configuration.a must be a text"),
        ({"tags": dict.fromkeys(map(str, range(26)), "")}, InvalidParameterValue, "at most 25 tags"),
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(ann: WorkspaceClient, name: str, change, kind, said) -> None:
    with pytest.raises(kind, match=said):
        ann.api_client.do("POST", "/api/2.0/pipelines", body={"name": name, **RAW, **change})
    assert listed(ann, f"name LIKE '{name}'") == []


def test_bad_requests_are_refused_by_name(ann: WorkspaceClient, name: str, identity: str) -> None:
    api = ann.pipelines
    for call, kind, said in (
        (lambda: api.create(name=name, **SETTINGS), ResourceConflict, f"'{name}' is already used by another"),
        (lambda: api.update(identity, name=name, **{**SETTINGS, "catalog": "x"}), InvalidParameterValue, "catalog"),
        (lambda: api.update(identity, name=name, expected_last_modified=1, **SETTINGS), ResourceConflict, "modified"),
        (lambda: listed(ann, "state = 'IDLE'"), InvalidParameterValue, "Unsupported filter"),
        (lambda: listed(ann, "", order_by=["state"]), InvalidParameterValue, "Unsupported order_by"),
        (lambda: listed(ann, "", max_results=101), InvalidParameterValue, "at most 100"),
        (lambda: allow(ann, identity, "bob", "CAN_USE"), InvalidParameterValue, "CAN_USE"),
    ):
        with pytest.raises(kind, match=said):
            call()
    assert api.create(name=name, allow_duplicate_names=True, **SETTINGS).pipeline_id != identity
