"""What cannot be made says what, where and why; and no statement of the role's policies can be left out."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.apply import Status, apply_plan
from platform_assets.resource_types.model import Clients
from tests.platform_assets.live.conftest import NewTarget, apply_with, plan_with

PLACES = ("landing", "lake", "artifacts")
WRONG_ID = "99999999-9999-4999-8999-999999999999"


def validate(target: Target, bucket: str) -> list[str]:
    """What Unity Catalog finds wrong with the credential and a bucket."""
    answer = Clients(target).workspace.storage_credentials.validate(
        storage_credential_name=target.account_wide("lake_storage"), url=f"s3://{target.bucket(bucket)}/"
    )
    return [one.message or "" for one in answer.results or [] if one.result and one.result.value == "FAIL"]


def put_role(target: Target, policy: Any = None, trust: Any = None) -> None:
    iam, name = Clients(target).aws("iam"), target.iam_role("storage")
    if policy is not None:
        iam.put_role_policy(RoleName=name, PolicyName="storage", PolicyDocument=json.dumps(policy))
    if trust is not None:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


@pytest.fixture
def role(applied: Target) -> Iterator[dict[str, Any]]:
    """The role as declared; put back when the test has bent it."""
    (declared,) = [one.desired(applied) for one in RESOURCES if one.type_name == "iam_role"]
    yield json.loads(json.dumps(declared))
    put_role(applied, declared["policy"], declared["trust"])
    assert plan_estate(applied).is_empty


def leave_out(policy: dict[str, Any], part: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The policy without each of its statements, actions, resources."""
    for number, statement in enumerate(policy["Statement"]):
        for value in [None] if part == "Statement" else statement[part]:
            if value is not None and len(statement[part]) == 1:
                continue  # the same as leaving out the statement
            fewer = json.loads(json.dumps(policy))
            if value is None:
                del fewer["Statement"][number]
            else:
                fewer["Statement"][number][part].remove(value)
            yield f"{statement['Sid']} {value or ''}".strip(), fewer


def test_the_declared_role_opens_every_bucket(applied: Target) -> None:
    assert [validate(applied, bucket) for bucket in PLACES] == [[], [], []]


@pytest.mark.parametrize("part", ["Statement", "Action", "Resource"])
def test_no_part_of_the_policy_can_be_left_out(applied: Target, role: dict[str, Any], part: str) -> None:
    unneeded = []
    for name, fewer in leave_out(role["policy"], part):
        put_role(applied, fewer)
        if not any(validate(applied, bucket) for bucket in PLACES):
            unneeded.append(name)
    # S3 itself asks for Decrypt and GenerateDataKey alone; Databricks' published policy names Encrypt as well
    assert unneeded == (["Key kms:Encrypt"] if part == "Action" else [])


def test_a_condition_that_names_another_key_is_seen(applied: Target, role: dict[str, Any]) -> None:
    (key,) = [one for one in role["policy"]["Statement"] if one["Sid"] == "Key"]
    key["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"] = ["alias/other"]
    put_role(applied, role["policy"])
    assert "kms:Decrypt" in validate(applied, "lake")[0]


@pytest.mark.parametrize(
    ("bend", "reason"),
    [
        (lambda one: one.pop("Condition"), "does not demand an External ID"),
        (lambda one: one["Condition"]["StringEquals"].update({"sts:ExternalId": WRONG_ID}), "External ID"),
        (lambda one: one["Principal"]["AWS"].pop(0), "assume itself"),
        (lambda one: one["Principal"]["AWS"].pop(1), "UCMasterRole"),
    ],
    ids=["no External ID", "wrong External ID", "not itself", "not Unity Catalog"],
)
def test_every_part_of_the_trust_is_needed(applied: Target, role: dict[str, Any], bend: Any, reason: str) -> None:
    assert role["trust"]["Statement"][0]["Principal"]["AWS"][0] == applied.iam_role_arn("storage")
    bend(role["trust"]["Statement"][0])
    put_role(applied, trust=role["trust"])
    assert reason in validate(applied, "lake")[0]


def test_a_bucket_that_leaves_out_the_role_is_named_with_its_statement(applied: Target) -> None:
    s3, bucket = Clients(applied).aws("s3"), applied.bucket("lake")
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    named = policy["Statement"][1]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    named.remove(applied.iam_role_arn("storage"))
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert "NamedPrincipalsOnly" in validate(applied, "lake")[0]
    # what lies in the bucket cannot be read meanwhile, once the workspace has opened it anew
    first, *others = [step.key for step in plan_estate(applied).changed]
    assert first == "s3_bucket/lake" and set(others) <= {"wheel/lakehouse_steps", "jar/hello-spark"}
    assert apply_estate(applied).failures == ()
    assert validate(applied, "lake") == []


def test_a_wrong_external_id_names_the_location_and_stops_what_needs_it(new_target: NewTarget) -> None:
    target = replace(new_target(), databricks_account=WRONG_ID, iam_settle_seconds=0.0)
    report = apply_estate(target)
    statuses = {result.key: result.status for result in report.results}
    assert statuses["storage_credential/lake_storage"] is Status.CREATED
    assert statuses["iam_role/storage"] is Status.CREATED
    assert statuses["sqs_queue/landing-events"] is Status.CREATED
    assert statuses["grants/schema/flights/gold"] is Status.SKIPPED
    failed = next(result for result in report.failures if result.key == "external_location/lake")
    assert failed.error.startswith(f"external_location/lake ({target.account_wide('lake')}): InvalidParameterValue: ")
    assert "validation failed" in failed.error
    assert "External ID" in failed.error
    assert f"Remedy: let the trust policy of role {target.iam_role('storage')} demand sts:ExternalId" in failed.error
    right = replace(target, databricks_account=new_target().databricks_account)
    assert apply_estate(right).failures == ()
    assert plan_estate(right).is_empty


def test_a_role_that_iam_does_not_know_yet_is_waited_for(new_target: NewTarget) -> None:
    """The location is asked for before the role is there; the role comes while apply waits."""
    target = replace(new_target(), iam_settle_seconds=30.0)
    before = tuple(one for one in RESOURCES if one.type_name in ("kms_key", "sqs_queue", "s3_bucket"))
    role, locations = (
        tuple(one for one in RESOURCES if one.type_name in names)
        for names in (("iam_role",), ("storage_credential", "external_location"))
    )
    clients = Clients(target)
    assert apply_with(clients, before).failures == ()
    late = threading.Timer(1.5, lambda: apply_with(clients, role))
    late.start()
    report = apply_with(clients, locations)
    late.join()
    assert report.failures == ()


def test_a_missing_permission_names_resource_principal_and_privilege(new_target: NewTarget) -> None:
    target = new_target()
    catalog = tuple(one for one in RESOURCES if one.type_name == "catalog")
    others = ("catalog", "schema", "volume", "wheel", "jar", "job", "grants")
    unity = tuple(one for one in RESOURCES if one.type_name not in others)
    assert apply_with(Clients(target), unity).failures == ()
    report = apply_with(Clients(target, "pipeline"), catalog)
    (failure,) = report.failures
    assert failure.error.startswith(
        f"catalog/flights ({target.catalog('flights')}): PermissionDenied: "
        f"User does not have CREATE CATALOG on Metastore. The user is '{target.principals['pipeline']}'."
    )


def test_what_cannot_be_read_is_blocked_and_the_rest_is_planned(applied: Target) -> None:
    clients = Clients(applied, "pipeline")  # may not read IAM, may see the catalog
    some = tuple(one for one in RESOURCES if one.key in ("iam_role/storage", "catalog/flights"))
    role, catalog = sorted(plan_with(clients, some).steps, key=lambda step: step.resource.type_name, reverse=True)
    assert role.action.value == "blocked"
    assert role.notes[0].startswith(f"cannot be read: iam_role/storage ({applied.iam_role('storage')}): ")
    assert catalog.action.value == "none"
    report = apply_plan(plan_with(clients, some), clients)
    assert [failure.key for failure in report.failures] == ["iam_role/storage"]
