"""Experiments on a real workspace: made, opened to whom they are for, mended, brought back from the trash, pruned."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import PermissionDenied
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel

from lakehouse.targets import Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import explain_plan
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.experiment import Experiment
from platform_assets.resource_types.model import Clients, Resource
from tests.platform_assets.live.conftest import Gateway, NewTarget, declare_alone

DELAYS = Experiment("models/delays", {"analysts": "CAN_READ", "pipeline": "CAN_EDIT"}, "How late", {"team": "data"})
FARES = Experiment("fares")
DECLARED: tuple[Resource, ...] = (DELAYS, Directory("models"), FARES)
DATA = [DELAYS.key, FARES.key]


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    with declare_alone(new_target, DECLARED, DATA) as made:
        yield made


def find_id(target: Target, one: Experiment = DELAYS) -> str:
    found = Clients(target).workspace.experiments.get_by_name(one.physical_name(target)).experiment
    return str(found.experiment_id if found else "")


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, resources=DECLARED).changed_nothing
    assert gateway.writes(since) == []
    assert plan_estate(target, resources=DECLARED, find_undeclared=True).undeclared == ()


def test_each_may_do_what_is_declared_and_no_more(target: Target) -> None:
    identity = find_id(target)
    clients = {role: open_workspace(target, role).experiments for role in ("analyst", "pipeline", "outsider")}
    assert clients["analyst"].get_experiment(identity).experiment
    clients["pipeline"].set_experiment_tag(identity, "theirs", "1")
    refused = [
        ("analyst", "CAN_EDIT", lambda api: api.set_experiment_tag(identity, "team", "mine")),
        ("pipeline", "CAN_EDIT", lambda api: api.delete_experiment(identity)),  # on the folder
        ("pipeline", "CAN_READ", lambda api: api.get_experiment(find_id(target, FARES))),
        ("outsider", "CAN_READ", lambda api: api.get_experiment(identity)),
    ]
    for role, level, call in refused:
        with pytest.raises(PermissionDenied, match=f"does not have {level} on Workspace object"):
            call(clients[role])
    assert plan_estate(target, resources=DECLARED).is_empty, "tags of others are left"


def test_changes_by_hand_are_named_and_mended_and_others_are_reported(target: Target) -> None:
    api, identity = Clients(target).workspace, find_id(target)
    api.experiments.set_experiment_tag(identity, "team", "mine")
    api.experiments.set_experiment_tag(identity, "mlflow.note.content", "mine")
    analyst = open_workspace(target, "analyst").current_user.me().user_name
    entry = AccessControlRequest(user_name=analyst, permission_level=PermissionLevel.CAN_EDIT)
    api.permissions.set("experiments", identity, access_control_list=[entry])
    shown = explain_plan(plan_estate(target, resources=DECLARED))
    for line in ("tags.team: mine -> data", "tags.mlflow.note.content: mine -> How late", "(other_users ["):
        assert line in shown
    assert "permissions.analysts: CAN_READ" in shown
    assert apply_estate(target, resources=DECLARED).failures == ()
    assert plan_estate(target, resources=DECLARED).is_empty


def test_one_that_was_trashed_comes_back_with_what_it_had(target: Target) -> None:
    api, identity = Clients(target).workspace, find_id(target)
    api.experiments.set_experiment_tag(identity, "theirs", "1")
    api.experiments.delete_experiment(identity)
    assert "+ experiment/models/delays" in explain_plan(plan_estate(target, resources=DECLARED))
    assert apply_estate(target, resources=DECLARED).failures == ()
    assert find_id(target) == identity
    tags = api.experiments.get_experiment(identity).experiment.tags or []  # type: ignore[union-attr]
    assert {one.key: one.value for one in tags}["theirs"] == "1"


def test_pruning_takes_its_name(target: Target) -> None:
    assert set(plan_estate(target, resources=(), find_undeclared=True).undeclared) == {one.key for one in DECLARED}
    apply_estate(target, ["experiment"], resources=DECLARED[1:], prune=Prune(True))
    assert DELAYS.read(Clients(target)) is not None
    assert apply_estate(target, resources=DECLARED[1:], prune=Prune(True, [DELAYS.key])).failures == ()
    assert DELAYS.read(Clients(target)) is None


def test_a_lost_answer_makes_no_second_one_and_estates_do_not_meet(
    target: Target, new_target: NewTarget, gateway: Gateway
) -> None:
    made = new_target()
    gateway.add_fault(method="POST", path="*/experiments/create", drop="after", times=1)
    assert apply_estate(made, resources=(FARES,)).failures == ()
    assert plan_estate(made, resources=(FARES,)).is_empty
    assert find_id(made, FARES) != find_id(target, FARES)
    assert plan_estate(made, resources=(FARES,), find_undeclared=True).undeclared == ()
    FARES.delete(Clients(made))
    assert FARES.read(Clients(target)) is not None
