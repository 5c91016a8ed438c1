"""Folders and files on a real workspace: made, opened to whom they are for and to nobody else, mended, pruned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import ImportFormat

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.workspace_file import WorkspaceFile
from tests.platform_assets.live.conftest import Gateway, NewTarget, declare_alone

REPORTS, DAILY = Directory("reports", {"analysts": "CAN_READ"}), Directory("reports/daily", {"pipeline": "CAN_MANAGE"})
ABOUT = WorkspaceFile("ABOUT.md", {"pipeline": "CAN_EDIT"})
OBJECTS: tuple[Resource, ...] = (REPORTS, DAILY, ABOUT)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    with declare_alone(new_target, OBJECTS) as made:
        yield made


def write(target: Target, role: str, path: str) -> None:
    open_workspace(target, role).workspace.upload(path, b"by hand", format=ImportFormat.RAW, overwrite=True)


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, resources=OBJECTS).changed_nothing
    assert gateway.writes(since) == []
    found = open_workspace(target, "pipeline").workspace.download(ABOUT.physical_name(target)).read()
    assert found == ABOUT.source


def test_each_may_do_what_is_declared_and_no_more(target: Target) -> None:
    reports, daily, about = (one.physical_name(target) for one in OBJECTS)
    assert [one.path for one in open_workspace(target, "analyst").workspace.list(reports)] == [daily]
    write(target, "pipeline", f"{daily}/new.txt")
    assert open_workspace(target, "analyst").workspace.download(f"{daily}/new.txt").read() == b"by hand"
    refused = [
        ("analyst", "CAN_EDIT", lambda api: write(target, "analyst", f"{daily}/new.txt"), f"{daily}/new.txt"),
        ("analyst", "CAN_MANAGE", lambda api: api.mkdirs(f"{reports}/mine"), f"{reports}/mine"),
        ("analyst", "CAN_READ", lambda api: api.get_status(about), about),
        ("pipeline", "CAN_READ", lambda api: list(api.list(reports)), reports),
        ("pipeline", "CAN_MANAGE", lambda api: api.delete(about), about),
        ("outsider", "CAN_READ", lambda api: api.get_status(daily), daily),
    ]
    for role, level, call, path in refused:
        client = open_workspace(target, role)
        name = client.current_user.me().user_name
        with pytest.raises(PermissionDenied, match=f"'{name}' does not have {level} on Workspace object '{path}'"):
            call(client.workspace)
    Clients(target).workspace.workspace.delete(f"{daily}/new.txt")


def test_changes_by_hand_are_named_and_mended_and_others_are_reported(target: Target) -> None:
    api, about = Clients(target).workspace, ABOUT.physical_name(target)
    write(target, "pipeline", about)
    identity = str(api.workspace.get_status(about).object_id)
    analysts = AccessControlRequest(group_name="analysts", permission_level=PermissionLevel.CAN_RUN)
    api.permissions.set("files", identity, access_control_list=[analysts])
    api.workspace.delete(DAILY.physical_name(target))
    shown = explain_plan(plan_estate(target, resources=OBJECTS))
    for line in (
        "+ directory/reports/daily",
        "      content: ",
        "permissions.pipeline: CAN_EDIT",
        "(other_users ['analysts (CAN_RUN)']",
    ):
        assert line in shown
    assert apply_estate(target, resources=OBJECTS).failures == ()
    assert plan_estate(target, resources=OBJECTS).is_empty
    assert open_workspace(target, "analyst").workspace.download(about).read() == ABOUT.source, "others are left"


def test_what_is_no_longer_declared_goes_inner_first_and_not_with_what_others_put_there(target: Target) -> None:
    daily, notebook = DAILY.physical_name(target), "# Databricks notebook source\n"
    api = open_workspace(target, "pipeline").workspace
    api.upload(f"{daily}/n.py", notebook.encode(), format=ImportFormat.AUTO)
    write(target, "pipeline", f"{daily}/by-hand.txt")
    found = plan_estate(target, resources=(ABOUT,), find_undeclared=True).undeclared
    assert found == ("workspace_file/reports/daily/by-hand.txt", "directory/reports/daily", "directory/reports")
    failed = [one.error for one in apply_estate(target, resources=(ABOUT,), prune=Prune(enabled=True)).failures]
    assert len(failed) == 2
    for folder, error in zip((daily, REPORTS.physical_name(target)), failed, strict=True):
        assert f"Folder ({folder}) is not empty" in error
    api.delete(f"{daily}/n")
    assert apply_estate(target, resources=(ABOUT,), prune=Prune(enabled=True)).failures == ()
    assert plan_estate(target, resources=(ABOUT,), find_undeclared=True).undeclared == ()


def test_lost_answers_are_made_good(new_target: NewTarget, gateway: Gateway) -> None:
    made = new_target()
    for path in ("/api/2.0/workspace/mkdirs", "/api/2.0/workspace/import", "/api/2.0/permissions/*"):
        gateway.add_fault(path=path, drop="after", times=1)
    assert apply_estate(made, resources=OBJECTS).failures == ()
    assert plan_estate(made, resources=OBJECTS).is_empty
    assert apply_estate(made, resources=(), prune=Prune(enabled=True)).failures == ()
