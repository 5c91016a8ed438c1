"""Users on a real workspace: made, mended, deactivated, pruned by name; whom the estate is applied by stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import Patch, PatchOp, PatchSchema
from databricks.sdk.service.iam import User as Found

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.assets import build_estate_asset
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.importing import import_resources
from platform_assets.reconcile.plan import Action, Prune
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.lockout import WouldLockOut
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource
from platform_assets.resource_types.user import User
from tests.platform_assets.live.conftest import Gateway, NewTarget

ADMIN = "admin@lakehouse.example"
ANN = User("ann@estate.example", "Ann", ("workspace-access", "databricks-sql-access"))
BO = User("bo@estate.example", active=False)
USERS: tuple[Resource, ...] = (ANN, BO, Group("authors", members=(f"user/{ANN.name}",)))


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    made = new_target()
    yield made
    for resource in reversed(USERS):
        resource.delete(Clients(made))


def find(target: Target, user: User) -> Found | None:
    return next(iter(Clients(target).identity.users.list(filter=f'userName eq "{user.name}"')), None)


def patch(target: Target, user: User, *operations: Patch) -> None:
    found = find(target, user)
    assert found is not None
    schemas = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
    Clients(target).identity.users.patch(str(found.id), operations=list(operations), schemas=schemas)


def test_apply_makes_them_and_a_second_one_writes_nothing(target: Target, gateway: Gateway) -> None:
    assert apply_estate(target, resources=USERS).failures == ()
    ann, bo = find(target, ANN), find(target, BO)
    assert ann is not None and bo is not None
    assert {str(one.display) for one in ann.groups or []} == {"users", target.account_wide("authors")}
    assert (ann.active, bo.active, bo.display_name) == (True, False, BO.name)
    since = gateway.now()
    assert apply_estate(target, resources=USERS).changed_nothing
    assert gateway.writes(since) == []


def test_what_was_changed_by_hand_is_mended(target: Target, gateway: Gateway) -> None:
    assert apply_estate(target, resources=USERS).failures == ()
    given = [{"value": "allow-cluster-create"}]
    patch(target, ANN, Patch(PatchOp.ADD, "entitlements", given), Patch(PatchOp.REPLACE, "active", "false"))
    patch(target, BO, Patch(PatchOp.REPLACE, "displayName", "Anything"))  # not declared
    assert explain_plan(plan_estate(target, resources=USERS)).splitlines()[:3] == [
        f"~ {ANN.key}",
        "      revoke entitlement allow-cluster-create",
        "      active: false -> true",
    ]
    since = gateway.now()
    assert apply_estate(target, resources=USERS).failures == ()
    assert len(gateway.writes(since)) == 1
    assert plan_estate(target, resources=USERS).is_empty


def test_a_lost_answer_and_two_applies_at_once_leave_one(target: Target, gateway: Gateway) -> None:
    gateway.add_fault(method="POST", path="*/scim/v2/Users", drop="after", times=2)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: apply_estate(target, resources=USERS), range(2)))
    assert apply_estate(target, resources=USERS).failures == ()
    assert plan_estate(target, resources=USERS).is_empty
    assert len(list(Clients(target).identity.users.list(filter=f'userName eq "{ANN.name}"'))) == 1


def test_one_made_by_hand_is_adopted_where_declared_and_one_of_somebody_else_is_not(target: Target) -> None:
    api = Clients(target).identity.users
    api.create(user_name=ANN.name.upper())
    theirs = api.create(user_name=BO.name, external_id="from the identity provider")
    refused = apply_estate(target, resources=USERS).failures
    why = {one.key: one.error for one in refused}
    assert why.keys() == {ANN.key, BO.key, "group/authors"}
    assert "take it over with adopt=True" in why[ANN.key]
    report = apply_estate(target, resources=tuple(replace(one, adopt=True) for one in USERS))
    (failure,) = report.failures
    assert "identity_provider cannot be changed: an identity provider" in failure.error
    assert find(target, BO) == theirs
    assert plan_estate(target, [ANN.key], resources=USERS).is_empty
    api.delete(str(theirs.id))


def test_one_that_is_no_longer_declared_goes_only_by_name(target: Target) -> None:
    assert apply_estate(target, resources=USERS).failures == ()
    assert set(plan_estate(target, resources=USERS[:1], find_undeclared=True).undeclared) == {BO.key, USERS[2].key}
    report = apply_estate(target, resources=(), prune=Prune(True, [ANN.key]))
    assert [failure.key for failure in report.failures] == [BO.key]
    assert "name it with --allow-data-loss user/bo_at_estate.example" in report.failures[0].error
    assert (find(target, ANN), find(target, BO) is None) == (None, False)


def test_one_whose_mark_was_taken_off_is_not_deleted(target: Target) -> None:
    assert apply_estate(target, resources=USERS).failures == ()
    patch(target, ANN, Patch(PatchOp.REPLACE, "externalId", "theirs"))
    ANN.delete(Clients(target))
    assert find(target, ANN) is not None
    patch(target, ANN, Patch(PatchOp.REMOVE, "externalId"))
    ANN.delete(Clients(target))
    assert find(target, ANN) is not None
    assert apply_estate(target, resources=(replace(ANN, adopt=True), *USERS[1:])).failures == ()


@pytest.mark.parametrize(
    ("user", "reason"), [(User(ADMIN), "the admin who applies this"), (ANN, "the deployer")], ids=["admin", "deployer"]
)
def test_whom_the_estate_is_applied_by_is_neither_deactivated_nor_deleted(
    target: Target, user: User, reason: str
) -> None:
    assert apply_estate(target, resources=(*USERS, User(ADMIN, adopt=True))).failures == ()  # marks the admin
    place = replace(target, principals={**target.principals, "deployer": ANN.name})
    (failure,) = apply_estate(place, resources=(replace(user, active=False),)).failures
    assert failure.error == f"{user.key}: {user.name} is {reason}: without it nobody could apply the estate"
    with pytest.raises(WouldLockOut, match=f"{user.name} is {reason}"):
        user.delete(Clients(place))
    report = apply_estate(target, resources=USERS, prune=Prune(True, [User(ADMIN).key]))
    assert [one.key for one in report.failures] == [User(ADMIN).key]
    found = find(target, user)
    assert found is not None and found.active
    patch(target, User(ADMIN), Patch(PatchOp.REMOVE, "externalId"))


def test_who_is_no_admin_makes_none(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clients, "identity", property(lambda self: self.workspace))  # as if deployer were enough
    report = apply_estate(target, resources=USERS)
    assert "is not an admin of this workspace" in report.failures[0].error
    monkeypatch.undo()
    assert plan_estate(target, resources=USERS).count(Action.CREATE) == len(USERS)
    with pytest.raises(PermissionDenied):
        open_workspace(target, "outsider").users.create(user_name=ANN.name)


def test_what_is_imported_is_what_was_declared(target: Target) -> None:
    assert apply_estate(target, resources=USERS).failures == ()
    found = {one.key: one for one in import_resources(Clients(target)).resources}
    assert found[ANN.key] == replace(ANN, entitlements=tuple(sorted(ANN.entitlements)))
    assert found[BO.key] == replace(BO, display_name=BO.name)


@pytest.mark.parametrize("name", ["ann", "Ann@estate.example", "a b@estate.example", "a/b@estate.example", "@"])
def test_a_name_that_is_no_address_is_refused(name: str) -> None:
    with pytest.raises(InvalidDeclaration, match="e-mail address in lower case"):
        User(name)


def test_a_user_is_an_asset() -> None:
    user = User("ann.b-c+d@estate.example")
    specs = {spec.key.to_user_string(): spec for spec in build_estate_asset((user, *USERS)).specs}
    assert "user/ann.b-c_plus_d_at_estate.example" in specs
    assert [one.asset_key.to_user_string() for one in specs["group/authors"].deps] == [ANN.key]


def test_an_unknown_entitlement_is_refused() -> None:
    with pytest.raises(InvalidDeclaration, match="not 'allow-instance-pool-create'"):
        User(ANN.name, entitlements=("allow-instance-pool-create",))
