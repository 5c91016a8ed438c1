"""The cross-account role in moto: made once, mended, told apart from the storage role, and nobody's to widen."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from lakehouse.targets import Target
from lakehouse.workspace import open_aws
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.importing import import_resources
from platform_assets.reconcile.plan import Prune
from platform_assets.resource_types.control_plane_role import ControlPlaneRole
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.s3_bucket import S3Bucket
from tests.platform_assets.live.conftest import NewTarget, RecordingClients, apply_with, declare_alone, plan_with

ROLE = ControlPlaneRole("control-plane", {"local": ("vpc-0123456789abcdef0", "sg-0123456789abcdef0")})
ROLES: tuple[Resource, ...] = (KmsKey("lake"), S3Bucket("lake"), StorageRole("storage", ("lake",)), ROLE)


@pytest.fixture
def target(new_target: NewTarget) -> Iterator[Target]:
    with declare_alone(new_target, ROLES, ("kms_key/lake", "s3_bucket/lake")) as made:
        yield made


def test_it_is_made_with_trust_and_policy_and_a_second_apply_writes_nothing(target: Target) -> None:
    iam, name = open_aws(target, "admin").client("iam"), target.iam_role("control-plane")
    (trust,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": [target.databricks_account]}}
    clients = RecordingClients(target)
    assert apply_with(clients, ROLES).changed_nothing
    assert clients.writes == []


def test_what_a_hand_widened_is_named_and_mended(target: Target) -> None:
    iam, name = Clients(target).aws("iam"), target.iam_role("control-plane")
    statement = {"Sid": "All", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="control-plane", PolicyDocument=policy)
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    del trust["Statement"][0]["Condition"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    iam.untag_role(RoleName=name, TagKeys=["managed_by"])
    (step,) = plan_estate(target, resources=ROLES).changed
    assert (step.key, [one.field for one in step.changes]) == (ROLE.key, ["trust", "policy", "tags"])
    clients = RecordingClients(target)
    assert apply_with(clients, ROLES).failures == ()
    assert sorted(clients.writes) == ["PutRolePolicy", "TagRole", "UpdateAssumeRolePolicy"]
    assert plan_estate(target, resources=ROLES).is_empty


def test_each_kind_of_role_is_found_as_what_it_is(target: Target) -> None:
    found = plan_estate(target, resources=ROLES[:2], find_undeclared=True).undeclared
    assert set(found) == {"iam_role/storage", "control_plane_role/control-plane"}
    imported = {one.key for one in import_resources(Clients(target)).resources}
    assert "iam_role/storage" in imported and ROLE.key not in imported
    assert apply_estate(target, resources=ROLES[:3], prune=Prune(enabled=True)).failures == ()
    assert plan_estate(target, resources=ROLES[:3], find_undeclared=True).undeclared == ()
    assert apply_estate(target, resources=ROLES).failures == ()


def test_the_neighbour_may_neither_read_nor_widen_it(target: Target) -> None:
    iam, name = open_aws(target, "pipeline").client("iam"), target.iam_role("control-plane")
    for call in (
        lambda: iam.delete_role_policy(RoleName=name, PolicyName="control-plane"),
        lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument="{}"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    (step,) = plan_with(Clients(target, "pipeline"), (ROLE,)).steps
    assert step.action.value == "blocked"
    assert step.notes[0].startswith(f"cannot be read: {ROLE.key} ({name}): ")
