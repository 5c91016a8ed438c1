"""Inheritance, ownership, MANAGE, ALL PRIVILEGES, and what the effective permissions say of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, Privilege, VolumeType

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import BUCKET, Scratch

VOLUME = "rights.s.v"


@pytest.fixture
def uc(workspace: WarmWorkspace, scratch: Scratch) -> Iterator[WorkspaceClient]:
    client = workspace.client("deployer")
    client.catalogs.create("rights", storage_root=f"s3://{BUCKET}/rights")
    client.schemas.create("s", "rights")
    client.volumes.create("rights", "s", "v", VolumeType.MANAGED)
    yield client
    client.catalogs.delete("rights", force=True)


def change(uc: WorkspaceClient, kind: str, name: str, principal: str, *add: Privilege, remove: bool = False) -> None:
    what = "remove" if remove else "add"
    uc.grants.update(
        kind, name, changes=[PermissionsChange.from_dict({"principal": principal, what: [one.value for one in add]})]
    )


def may_read(workspace: WarmWorkspace, role: str) -> bool:
    try:
        return list(workspace.client(role).files.list_directory_contents("/Volumes/rights/s/v")) == []
    except PermissionDenied:
        return False


def test_a_grant_above_holds_below_and_says_where_from(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    change(uc, "catalog", "rights", "analysts", Privilege.USE_CATALOG, Privilege.USE_SCHEMA, Privilege.READ_VOLUME)
    assert may_read(workspace, "analyst")
    assert not may_read(workspace, "outsider")
    assert (uc.grants.get("volume", VOLUME).privilege_assignments or []) == []
    (entry,) = uc.grants.get_effective("volume", VOLUME).privilege_assignments or []
    assert entry.principal == "analysts"
    held = {p.privilege: (p.inherited_from_type, p.inherited_from_name) for p in entry.privileges or []}
    kind, name = held[Privilege.READ_VOLUME]
    assert kind is not None and (kind.value, name) == ("CATALOG", "rights")
    change(uc, "catalog", "rights", "analysts", Privilege.READ_VOLUME, remove=True)
    assert not may_read(workspace, "analyst")


def test_all_privileges_is_nearly_all(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    analyst = workspace.client("analyst")
    change(uc, "catalog", "rights", "analysts", Privilege.ALL_PRIVILEGES)
    assert may_read(workspace, "analyst")
    analyst.volumes.create("rights", "s", "mine", VolumeType.MANAGED)
    with pytest.raises(PermissionDenied, match="MANAGE on Volume 'rights.s.v'"):
        analyst.volumes.delete(VOLUME)
    (entry,) = uc.grants.get("catalog", "rights").privilege_assignments or []
    assert entry.privileges == [Privilege.ALL_PRIVILEGES]


def test_manage_changes_and_grants_but_reads_nothing(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    name = workspace.name("analyst")
    change(uc, "catalog", "rights", name, Privilege.USE_CATALOG, Privilege.USE_SCHEMA)
    change(uc, "volume", VOLUME, name, Privilege.MANAGE)
    assert not may_read(workspace, "analyst")
    analyst = workspace.client("analyst")
    analyst.volumes.update(VOLUME, comment="managed")
    change(analyst, "volume", VOLUME, name, Privilege.READ_VOLUME)
    assert may_read(workspace, "analyst")


def test_manage_builds_nothing(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    """Who manages may grant it themselves, visibly; an owner has it."""
    analyst, name = workspace.client("analyst"), workspace.name("analyst")
    change(uc, "catalog", "rights", name, Privilege.MANAGE)
    with pytest.raises(PermissionDenied, match="USE CATALOG on Catalog 'rights'"):
        analyst.schemas.create("mine", "rights")
    change(analyst, "catalog", "rights", name, Privilege.USE_CATALOG)
    with pytest.raises(PermissionDenied, match="CREATE SCHEMA on Catalog 'rights'"):
        analyst.schemas.create("mine", "rights")
    analyst.volumes.delete(VOLUME)


def test_who_is_not_let_in_sees_and_manages_nothing_inside(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    """Neither a grant nor ownership inside opens without USE of what it lies in; BROWSE shows, and no more."""
    analyst, name = workspace.client("analyst"), workspace.name("analyst")
    change(uc, "volume", VOLUME, name, Privilege.READ_VOLUME)
    uc.schemas.create("own", "rights")
    uc.schemas.update("rights.own", owner=name)
    for call in (
        lambda: analyst.volumes.read(VOLUME),
        lambda: analyst.catalogs.get("rights"),
        lambda: analyst.schemas.update("rights.own", comment="mine"),
        lambda: analyst.grants.get("volume", VOLUME),
    ):
        with pytest.raises(PermissionDenied):
            call()
    assert "rights" not in {one.name for one in analyst.catalogs.list()}
    change(uc, "catalog", "rights", name, Privilege.BROWSE)
    assert analyst.volumes.read(VOLUME).name == "v"
    assert not may_read(workspace, "analyst")
    change(uc, "catalog", "rights", name, Privilege.USE_CATALOG)
    assert analyst.schemas.update("rights.own", comment="mine").comment == "mine"


def test_an_administrator_manages_but_reads_nothing_unasked(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    assert not may_read(workspace, "admin")
    change(workspace.client("admin"), "volume", VOLUME, "admins", Privilege.READ_VOLUME)
    assert may_read(workspace, "admin")


def test_owners_may_all_on_theirs_and_groups_can_own(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    change(uc, "catalog", "rights", "analysts", Privilege.USE_CATALOG, Privilege.USE_SCHEMA)
    uc.volumes.update(VOLUME, owner="analysts")
    assert may_read(workspace, "analyst")
    assert not may_read(workspace, "deployer")  # owner of the schema: may manage the volume, reads by grant only


def test_who_may_not_manage_sees_own_grants_only(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    pipeline = workspace.name("pipeline")
    change(uc, "catalog", "rights", "analysts", Privilege.USE_CATALOG, Privilege.USE_SCHEMA)
    change(uc, "volume", VOLUME, "analysts", Privilege.READ_VOLUME)
    change(uc, "volume", VOLUME, pipeline, Privilege.READ_VOLUME, Privilege.WRITE_VOLUME)
    seen = workspace.client("analyst").grants.get("volume", VOLUME).privilege_assignments or []
    assert [one.principal for one in seen] == ["analysts"]
    asked = uc.grants.get("volume", VOLUME, principal=pipeline).privilege_assignments or []
    assert [one.principal for one in asked] == [pipeline]
    with pytest.raises(PermissionDenied):
        workspace.client("outsider").grants.get("volume", VOLUME)


def test_changes_are_made_all_or_none(uc: WorkspaceClient) -> None:
    good = PermissionsChange(principal="analysts", add=[Privilege.READ_VOLUME])
    to_nobody = PermissionsChange(principal="nobody", add=[Privilege.READ_VOLUME])
    senseless = PermissionsChange(principal="analysts", add=[Privilege.SELECT])
    with pytest.raises(NotFound, match="nobody"):
        uc.grants.update("volume", VOLUME, changes=[good, to_nobody])
    with pytest.raises((BadRequest, InvalidParameterValue), match="SELECT is not applicable to Volume"):
        uc.grants.update("volume", VOLUME, changes=[good, senseless])
    assert (uc.grants.get("volume", VOLUME).privilege_assignments or []) == []
    with pytest.raises((BadRequest, InvalidParameterValue), match="Unknown securable type"):
        uc.grants.get("cupboard", "x")
