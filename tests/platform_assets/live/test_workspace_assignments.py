"""Who may enter a real workspace: assigned, raised, taken away; whom the estate is applied by stays."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import ComplexValue

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, carry_out, plan_estate
from platform_assets.reconcile.declared import InvalidEstate
from platform_assets.reconcile.plan import Action, Prune
from platform_assets.resource_types.lockout import WouldLockOut
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.user import User
from platform_assets.resource_types.workspace_assignment import AccountPrincipal, WorkspaceAssignment
from tests.platform_assets.live.conftest import Gateway, NewTarget

ETL = ServicePrincipal("etl")
ANN = User("ann@assigned.example")
OUTSIDER = WorkspaceAssignment("outsider", AccountPrincipal("user", "outsider@lakehouse.example"))
ANALYSTS = WorkspaceAssignment("analysts", AccountPrincipal("group", "analysts"))
ASSIGNED: tuple[Resource, ...] = (
    *(ETL, ANN, OUTSIDER, ANALYSTS),
    *(WorkspaceAssignment("etl", ETL, "ADMIN"), WorkspaceAssignment("ann", ANN)),
)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    made = new_target()
    yield made
    for resource in (OUTSIDER, ANALYSTS, ETL, ANN):
        resource.delete(Clients(made))


def may_enter(target: Target) -> bool:
    try:
        open_workspace(target, "outsider").workspace.mkdirs(f"/Shared/{uuid.uuid4().hex}")
    except PermissionDenied:
        return False
    return True


def test_apply_assigns_and_a_second_one_writes_nothing(target: Target, gateway: Gateway) -> None:
    assert not may_enter(target)
    assert apply_estate(target, resources=ASSIGNED).failures == ()
    assert may_enter(target)
    since = gateway.now()
    assert apply_estate(target, resources=ASSIGNED).changed_nothing
    assert gateway.writes(since) == []


def test_a_level_changes_and_is_taken_away(target: Target) -> None:
    for level in ("ADMIN", "USER", "NONE", "NONE"):
        declared = (replace(OUTSIDER, level=level),)
        assert apply_estate(target, resources=declared).failures == ()
        assert plan_estate(target, resources=declared).is_empty
        assert may_enter(target) is (level != "NONE")
    assert plan_estate(target, resources=(OUTSIDER,)).count(Action.CREATE) == 1


def test_what_is_not_declared_any_more_is_left(target: Target) -> None:
    assert apply_estate(target, resources=(OUTSIDER,)).failures == ()
    assert apply_estate(target, resources=(), prune=Prune(enabled=True)).failures == ()
    assert may_enter(target)


def test_a_lost_answer_and_two_applies_at_once_end_as_declared(target: Target, gateway: Gateway) -> None:
    raised = (replace(OUTSIDER, level="ADMIN"),)
    gateway.add_fault(method="POST", path="*/permissionassignments", drop="after", times=2)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: apply_estate(target, resources=raised), range(2)))
    assert apply_estate(target, resources=raised).failures == ()
    assert plan_estate(target, resources=raised).is_empty


def test_what_another_apply_took_away_is_not_given_back(target: Target) -> None:
    gone = replace(OUTSIDER, level="NONE")
    assert apply_estate(target, resources=(OUTSIDER,)).failures == ()
    plan = plan_estate(target, resources=(gone,))
    OUTSIDER.delete(Clients(target))
    assert carry_out(target, plan).failures == ()
    assert not may_enter(target)


def test_one_that_ended_between_its_two_calls_is_finished_by_the_next(target: Target, gateway: Gateway) -> None:
    raised = (replace(OUTSIDER, level="ADMIN"),)
    gateway.add_fault(method="PUT", path="*/permissionassignments/*", status=403, error_code="PERMISSION_DENIED")
    assert len(apply_estate(target, resources=raised).failures) == 1
    assert plan_estate(target, resources=raised).count(Action.UPDATE) == 1
    assert apply_estate(target, resources=raised).failures == ()
    assert plan_estate(target, resources=raised).is_empty


def test_whom_the_estate_is_applied_by_keeps_its_way_in(target: Target) -> None:
    admin = AccountPrincipal("user", "admin@lakehouse.example")
    deployer = AccountPrincipal("service_principal", "deployer")
    refused = {
        "admin@lakehouse.example is the admin who applies this": (admin, ("USER", "NONE")),
        f"{target.principals['deployer']} is the deployer": (deployer, ("NONE",)),
    }
    for reason, (principal, levels) in refused.items():
        for level in levels:
            one = WorkspaceAssignment("kept", principal, level)
            (failure,) = apply_estate(target, resources=(one,)).failures
            assert failure.error == f"workspace_assignment/kept: {reason}: without it nobody could apply the estate"
            with pytest.raises(WouldLockOut, match=reason):
                one.update(Clients(target), {"level": level}, {})
    held = WorkspaceAssignment("kept", deployer)
    assert plan_estate(target, resources=(held,)).is_empty
    with pytest.raises(WouldLockOut, match="is the deployer"):
        held.delete(Clients(target))


def test_a_group_that_holds_the_deployer_keeps_its_way_in(target: Target) -> None:
    admin = Clients(target).identity
    (group,) = admin.groups.list(filter='displayName eq "analysts"')
    (deployer,) = admin.service_principals.list(filter=f'applicationId eq "{target.principals["deployer"]}"')
    before = [ComplexValue(value=one.value) for one in admin.groups.get(str(group.id)).members or []]
    assert apply_estate(target, resources=(ANALYSTS,)).failures == ()
    set_members(target, str(group.id), [*before, ComplexValue(value=deployer.id)])
    try:
        (failure,) = apply_estate(target, resources=(replace(ANALYSTS, level="NONE"),)).failures
        assert "group analysts holds the deployer" in failure.error
    finally:
        set_members(target, str(group.id), before)
    assert apply_estate(target, resources=(replace(ANALYSTS, level="NONE"),)).failures == ()


def set_members(target: Target, group: str, members: list[ComplexValue]) -> None:
    from databricks.sdk.service.iam import Patch, PatchOp, PatchSchema

    operation = Patch(PatchOp.REPLACE, "members", [one.as_dict() for one in members])
    schemas = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    Clients(target).identity.groups.patch(group, operations=[operation], schemas=schemas)


def test_a_stranger_is_named(target: Target) -> None:
    one = WorkspaceAssignment("nobody", AccountPrincipal("group", "nobody"))
    (failure,) = apply_estate(target, resources=(one,)).failures
    assert "AssignmentRefused: RESOURCE_DOES_NOT_EXIST: Principal not found in account." in failure.error


def test_who_is_no_admin_assigns_nobody(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clients, "identity", property(lambda self: self.workspace))  # as if deployer were enough
    (failure,) = apply_estate(target, resources=(OUTSIDER,)).failures
    assert "is not an admin of this workspace" in failure.error
    monkeypatch.undo()
    assert not may_enter(target)


def test_wrong_declarations_are_refused(target: Target) -> None:
    with pytest.raises(InvalidDeclaration, match="level is one of USER, ADMIN, NONE, not 'user'"):
        WorkspaceAssignment("x", ANN, "user")
    with pytest.raises(InvalidDeclaration, match="kind is one of user, service_principal, group, not 'users'"):
        WorkspaceAssignment("x", AccountPrincipal("users", "x"))  # type: ignore[arg-type]
    twice = (ANN, WorkspaceAssignment("a", ANN), WorkspaceAssignment("b", ANN, "ADMIN"))
    with pytest.raises(InvalidEstate, match="workspace_assignment/b and workspace_assignment/a are one to the service"):
        plan_estate(target, resources=twice)
