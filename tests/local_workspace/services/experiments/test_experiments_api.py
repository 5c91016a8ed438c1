"""Experiments over HTTP: made in the tree, tagged, moved, trashed and restored, by whom the tree lets."""

from __future__ import annotations

import uuid

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    NotImplemented,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.ml import Experiment, ExperimentTag, ViewType


@pytest.fixture
def identity(ann: WorkspaceClient, folder: str) -> str:
    made = ann.experiments.create_experiment(f"{folder}/delays", tags=[ExperimentTag("team", "data")])
    return str(made.experiment_id)


def by_name(client: WorkspaceClient, name: str) -> Experiment:
    found = client.experiments.get_by_name(name).experiment
    assert found is not None
    return found


def listed(client: WorkspaceClient, folder: str, view: ViewType | None = None) -> list[str]:
    found = client.experiments.list_experiments(view_type=view, max_results=1)
    return sorted(str(one.name) for one in found if str(one.name).startswith(folder))


def allow(client: WorkspaceClient, identity: str, name: str, level: str) -> None:
    entry = AccessControlRequest(user_name=name, permission_level=PermissionLevel(level))
    client.permissions.update("experiments", identity, access_control_list=[entry])


def test_it_is_made_tagged_renamed_and_found_in_the_tree(ann: WorkspaceClient, folder: str, identity: str) -> None:
    ann.experiments.create_experiment(f"{folder}/fares")
    ann.experiments.set_experiment_tag(identity, "mlflow.note.content", "How late")
    ann.experiments.set_experiment_tag(identity, "team", "other")
    found = by_name(ann, f"{folder}/delays")
    assert {one.key: one.value for one in found.tags or []} == {"team": "other", "mlflow.note.content": "How late"}
    assert (found.experiment_id, found.lifecycle_stage) == (identity, "active")
    assert ann.workspace.get_status(f"{folder}/delays").object_id == int(identity)
    answer = ann.api_client.do("GET", "/api/2.0/workspace/list", query={"path": folder})
    assert [one["object_type"] for one in answer["objects"]] == ["MLFLOW_EXPERIMENT"] * 2
    assert listed(ann, folder) == [f"{folder}/delays", f"{folder}/fares"]
    ann.experiments.update_experiment(identity, new_name=f"{folder}/late")
    assert by_name(ann, f"{folder}/late").experiment_id == identity
    with pytest.raises(NotFound, match=f"Node {folder}/delays does not exist"):
        by_name(ann, f"{folder}/delays")


def test_the_trash_keeps_it_and_frees_its_name(ann: WorkspaceClient, folder: str, identity: str) -> None:
    name = f"{folder}/delays"
    ann.experiments.delete_experiment(identity)
    assert (by_name(ann, name).experiment_id, by_name(ann, name).lifecycle_stage) == (identity, "deleted")
    assert (listed(ann, folder), listed(ann, folder, ViewType.DELETED_ONLY)) == ([], [name])
    with pytest.raises(InvalidParameterValue, match="must be in the 'active' state"):
        ann.experiments.set_experiment_tag(identity, "a", "b")
    second = ann.experiments.create_experiment(name).experiment_id
    assert by_name(ann, name).experiment_id == second
    assert listed(ann, folder, ViewType.ALL) == [name, name]
    with pytest.raises(ResourceAlreadyExists, match="Node named 'delays' already exists"):
        ann.experiments.restore_experiment(identity)
    ann.experiments.delete_experiment(str(second))
    ann.experiments.restore_experiment(identity)
    back = by_name(ann, name)
    assert (back.experiment_id, {one.key: one.value for one in back.tags or []}) == (identity, {"team": "data"})
    with pytest.raises(NotFound, match="No deleted experiment"):
        ann.experiments.restore_experiment(identity)


CALLS = {
    "get": ("CAN_READ", lambda api, one, to: api.experiments.get_experiment(one)),
    "tag": ("CAN_EDIT", lambda api, one, to: api.experiments.set_experiment_tag(one, "a", "b")),
    "rename": ("CAN_MANAGE", lambda api, one, to: api.experiments.update_experiment(one, new_name=to)),
    "grant": ("CAN_MANAGE", lambda api, one, to: allow(api, one, "eve", "CAN_READ")),
}
LEVELS = ("CAN_READ", "CAN_EDIT", "CAN_MANAGE")


@pytest.mark.parametrize("level", [None, *LEVELS])
@pytest.mark.parametrize("what", CALLS)
def test_a_level_opens_what_it_says(served, ann: WorkspaceClient, identity: str, what: str, level: str | None) -> None:
    needed, call = CALLS[what]
    served.client("bob").workspace.mkdirs("/Users/bob")
    if level:
        allow(ann, identity, "bob", level)
    target = f"/Users/bob/{uuid.uuid4().hex}"
    if level and LEVELS.index(level) >= LEVELS.index(needed):
        call(served.client("bob"), identity, target)
        return
    with pytest.raises(PermissionDenied, match=f"'bob' does not have {needed} on Workspace object"):
        call(served.client("bob"), identity, target)


def test_neighbours_see_none_and_neither_what_is_in_the_trash(
    served, ann: WorkspaceClient, folder: str, identity: str
) -> None:
    allow(ann, identity, "bob", "CAN_READ")
    bob, eve = served.client("bob"), served.client("eve")
    assert (listed(bob, folder), listed(eve, folder)) == ([f"{folder}/delays"], [])
    ann.experiments.delete_experiment(identity)
    assert by_name(bob, f"{folder}/delays").lifecycle_stage == "deleted"
    with pytest.raises(PermissionDenied, match=f"'bob' does not have CAN_EDIT on Workspace object '{folder}'"):
        bob.experiments.restore_experiment(identity)
    with pytest.raises(PermissionDenied, match="'eve' does not have CAN_READ"):
        by_name(eve, f"{folder}/delays")
    assert listed(eve, folder, ViewType.ALL) == []
    with pytest.raises(PermissionDenied, match="'bob' does not have CAN_EDIT"):
        bob.experiments.create_experiment(f"{folder}/mine")


def test_who_edits_the_folder_creates_deletes_and_restores_and_nobody_else(
    served, ann: WorkspaceClient, folder: str, identity: str
) -> None:
    bob, entry = served.client("bob"), {"user_name": "bob"}
    allow(ann, identity, "bob", "CAN_MANAGE")
    with pytest.raises(PermissionDenied, match=f"'bob' does not have CAN_EDIT on Workspace object '{folder}'"):
        bob.experiments.delete_experiment(identity)
    above = str(ann.workspace.get_status(folder).object_id)
    for level in (PermissionLevel.CAN_RUN, PermissionLevel.CAN_EDIT):
        entries = [AccessControlRequest(**entry, permission_level=level)]
        ann.permissions.update("directories", above, access_control_list=entries)
        if level is PermissionLevel.CAN_RUN:
            with pytest.raises(PermissionDenied, match="'bob' does not have CAN_EDIT"):
                bob.experiments.create_experiment(f"{folder}/mine")
    ann.permissions.set("experiments", identity, access_control_list=[])
    mine = str(bob.experiments.create_experiment(f"{folder}/mine").experiment_id)
    for one in (mine, identity):
        bob.experiments.delete_experiment(one)
        bob.experiments.restore_experiment(one)


def test_levels_are_those_of_experiments_and_inherited_from_folders(
    ann: WorkspaceClient, folder: str, identity: str
) -> None:
    levels = ann.permissions.get_permission_levels("experiments", identity).permission_levels or []
    assert [one.permission_level.value for one in levels if one.permission_level] == list(LEVELS)
    with pytest.raises(InvalidParameterValue, match="CAN_RUN"):
        allow(ann, identity, "bob", "CAN_RUN")
    shown = ann.permissions.get("experiments", identity)
    assert (shown.object_id, shown.object_type) == (f"/experiments/{identity}", "mlflowExperiment")
    by_user = {one.user_name: one.all_permissions or [] for one in shown.access_control_list or []}
    assert [one.inherited for one in by_user["ann"]] == [True]
    with pytest.raises(NotFound, match="Mlflow experiment with object id"):
        ann.permissions.get("experiments", str(ann.workspace.get_status(folder).object_id))


def test_bad_requests_are_refused_by_name(ann: WorkspaceClient, folder: str, identity: str) -> None:
    api = ann.experiments
    many, long = ExperimentTag("k" * 251, "v"), ExperimentTag("k", "v" * 5001)
    for call, kind, said in (
        (lambda: api.create_experiment("delays"), InvalidParameterValue, "must be an absolute path"),
        (lambda: api.create_experiment("/"), InvalidParameterValue, "must be an absolute path"),
        (lambda: api.create_experiment(f"{folder}/delays"), ResourceAlreadyExists, "Node named 'delays'"),
        (lambda: api.create_experiment(folder), ResourceAlreadyExists, "already exists"),
        (lambda: api.create_experiment(f"{folder}/no/x"), NotFound, f"Parent directory {folder}/no does not exist"),
        (lambda: api.create_experiment(f"{folder}/delays/x"), NotFound, "Parent directory"),
        (lambda: api.create_experiment(f"{folder}/x", tags=[many]), InvalidParameterValue, "1 to 250 bytes"),
        (lambda: api.create_experiment(f"{folder}/x", tags=[long]), InvalidParameterValue, "at most 5000 bytes"),
        (lambda: api.create_experiment(f"{folder}/x", artifact_location="s3://b"), NotImplemented, "artifact_location"),
        (lambda: api.get_experiment("77"), NotFound, "Node ID 77 does not exist"),
        (lambda: api.update_experiment(identity), InvalidParameterValue, "new_name"),
        (lambda: api.create_run(experiment_id=identity), NotImplemented, "runs/create"),
        (lambda: ann.workspace.download(f"{folder}/delays").read(), InvalidParameterValue, "is an experiment"),
    ):
        with pytest.raises(kind, match=said):
            call()
    assert listed(ann, folder) == [f"{folder}/delays"]


def test_it_goes_with_its_folder(ann: WorkspaceClient, folder: str, identity: str) -> None:
    with pytest.raises(BadRequest, match="not empty"):
        ann.workspace.delete(folder)
    ann.workspace.delete(folder, recursive=True)
    with pytest.raises(NotFound):
        ann.experiments.get_experiment(identity)
