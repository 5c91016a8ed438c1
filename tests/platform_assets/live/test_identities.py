"""Groups and service principals on a real workspace: made, mended, nested, granted to, pruned; safe against races."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from databricks.sdk.service.iam import Patch, PatchOp, PatchSchema

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Action, Prune
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.identities import mark_identity
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.service_principal import ServicePrincipal
from tests.platform_assets.live.conftest import Gateway, NewTarget

SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
ANALYST = "analyst@lakehouse.example"
IDENTITIES: tuple[Resource, ...] = (
    ServicePrincipal("etl"),
    Group("engineers", members=("pipeline", "service_principal/etl", ANALYST)),
    Group("builders", members=("group/engineers",)),
)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    made = new_target()
    yield made
    for resource in reversed(IDENTITIES):
        resource.delete(Clients(made))


def patch_group(target: Target, name: str, *operations: Patch) -> None:
    api = Clients(target).identity.groups
    (found,) = api.list(filter=f'displayName eq "{target.account_wide(name)}"')
    api.patch(str(found.id), operations=list(operations), schemas=SCHEMAS)


def test_apply_makes_them_and_a_second_one_writes_nothing(target: Target, gateway: Gateway) -> None:
    assert apply_estate(target, resources=IDENTITIES).failures == ()
    since = gateway.now()
    assert apply_estate(target, resources=IDENTITIES).changed_nothing
    assert gateway.writes(since) == []
    groups = {str(one.display) for one in open_workspace(target, "analyst").current_user.me().groups or []}
    assert {target.account_wide("engineers"), target.account_wide("builders")} <= groups, "nested membership counts"


def test_a_member_added_by_hand_is_named_and_removed(target: Target) -> None:
    assert apply_estate(target, resources=IDENTITIES).failures == ()
    me = str(Clients(target).identity.current_user.me().id)
    patch_group(target, "engineers", Patch(PatchOp.ADD, "members", [{"value": me}]))
    plan = plan_estate(target, resources=IDENTITIES)
    assert "~ group/engineers\n      revoke membership from admin@lakehouse.example\n" in explain_plan(plan)
    assert apply_estate(target, resources=IDENTITIES).failures == ()
    assert plan_estate(target, resources=IDENTITIES).is_empty


def test_a_group_of_an_identity_provider_is_left_to_it(target: Target) -> None:
    made = Clients(target).identity.groups.create(
        display_name=target.account_wide("engineers"), external_id="from the identity provider"
    )
    report = apply_estate(target, resources=IDENTITIES)
    assert {failure.key for failure in report.failures} == {"group/engineers", "group/builders"}
    assert "an identity provider keeps this group" in report.failures[0].error
    assert not Clients(target).identity.groups.get(str(made.id)).members


def test_a_group_made_by_hand_is_refused_unless_it_is_to_be_adopted(target: Target) -> None:
    Clients(target).identity.groups.create(display_name=target.account_wide("engineers"))
    report = apply_estate(target, resources=IDENTITIES)
    assert "take it over with adopt=True" in report.failures[0].error
    adopting = tuple(replace(one, adopt=True) for one in IDENTITIES)
    assert apply_estate(target, resources=adopting).failures == ()
    assert plan_estate(target, resources=IDENTITIES).is_empty


def test_a_lost_answer_and_two_applies_at_once_leave_one_service_principal(target: Target, gateway: Gateway) -> None:
    gateway.add_fault(method="POST", path="*/scim/v2/*", drop="after", times=2)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: apply_estate(target, resources=IDENTITIES), range(2)))
    assert apply_estate(target, resources=IDENTITIES).failures == ()
    assert plan_estate(target, resources=IDENTITIES).is_empty
    mark = mark_identity(target, "etl")
    assert len(list(Clients(target).identity.service_principals.list(filter=f'externalId eq "{mark}"'))) == 1


def test_what_is_no_longer_declared_is_pruned(target: Target) -> None:
    assert apply_estate(target, resources=IDENTITIES).failures == ()
    shown = plan_estate(target, resources=(), find_undeclared=True)
    assert set(shown.undeclared) == {one.key for one in IDENTITIES}
    assert apply_estate(target, resources=(), prune=Prune(enabled=True)).failures == ()
    assert plan_estate(target, resources=IDENTITIES).count(Action.CREATE) == len(IDENTITIES)


def test_an_unknown_member_is_named(target: Target) -> None:
    report = apply_estate(target, resources=(Group("engineers", members=("nobody@lakehouse.example",)),))
    (failure,) = report.failures
    assert "nobody in the workspace is called nobody@lakehouse.example" in failure.error


def test_who_is_no_admin_makes_none(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clients, "identity", property(lambda self: self.workspace))  # as if deployer were enough
    report = apply_estate(target, resources=IDENTITIES)
    assert "is not an admin of this workspace" in report.failures[0].error
    monkeypatch.undo()
    assert plan_estate(target, resources=IDENTITIES).count(Action.CREATE) == len(IDENTITIES)


def test_without_an_admins_profile_identities_are_not_looked_for(target: Target, tmp_path: Path) -> None:
    assert target.profiles_home is not None
    for name in ("aws/credentials", "aws/config", "databrickscfg"):
        text = (target.profiles_home / name).read_text()
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text.replace("local-admin", "local-nobody"))
    bare = replace(target, profiles_home=tmp_path)
    assert plan_estate(bare, resources=(), find_undeclared=True).undeclared == ()
