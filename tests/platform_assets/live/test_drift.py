"""What a hand changes in the world is named by the plan and repaired by apply, one resource at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from databricks.sdk.service.jobs import JobSettings

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.explain import list_lines
from platform_assets.reconcile.plan import Action
from platform_assets.resource_types.model import Clients

Change = Callable[[Clients], Any]


def grant(clients: Clients, schema: str, **change: Any) -> None:
    name = f"{clients.target.catalog('flights')}.{schema}"
    clients.workspace.grants.update("schema", name, changes=[PermissionsChange(**change)])


def physical(clients: Clients, key: str) -> str:
    return next(one for one in RESOURCES if one.key == key).physical_name(clients.target)


def queue_url(clients: Clients, name: str) -> str:
    return str(clients.aws("sqs").get_queue_url(QueueName=clients.target.queue(name))["QueueUrl"])


def open_to_public(clients: Clients) -> None:
    clients.aws("s3").delete_public_access_block(Bucket=clients.target.bucket("lake"))


def suspend_versions(clients: Clients) -> None:
    configuration = {"Status": "Suspended"}
    clients.aws("s3").put_bucket_versioning(Bucket=clients.target.bucket("lake"), VersioningConfiguration=configuration)


def remove_bucket_policy(clients: Clients) -> None:
    clients.aws("s3").delete_bucket_policy(Bucket=clients.target.bucket("landing"))


def encrypt_with_another_key(clients: Clients) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    configuration = {"Rules": [rule]}
    clients.aws("s3").put_bucket_encryption(
        Bucket=clients.target.bucket("artifacts"), ServerSideEncryptionConfiguration=configuration
    )


def stop_events(clients: Clients) -> None:
    clients.aws("s3").put_bucket_notification_configuration(
        Bucket=clients.target.bucket("landing"), NotificationConfiguration={}
    )


def keep_deleted_files(clients: Clients) -> None:
    clients.aws("s3").delete_bucket_lifecycle(Bucket=clients.target.bucket("lake"))


def expire_objects(clients: Clients) -> None:
    rule = {"ID": "mine", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 1}}
    clients.aws("s3").put_bucket_lifecycle_configuration(
        Bucket=clients.target.bucket("landing"), LifecycleConfiguration={"Rules": [rule]}
    )


def shorten_visibility(clients: Clients) -> None:
    url = queue_url(clients, "landing-events")
    clients.aws("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})


def widen_role_policy(clients: Clients) -> None:
    statement = {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = clients.target.iam_role("storage")
    clients.aws("iam").put_role_policy(RoleName=name, PolicyName="storage", PolicyDocument=document)


def drop_external_id(clients: Clients) -> None:
    name = clients.target.iam_role("storage")
    iam = clients.aws("iam")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    del trust["Statement"][0]["Condition"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


def stop_rotation(clients: Clients) -> None:
    kms = clients.aws("kms")
    key = kms.describe_key(KeyId=physical(clients, "kms_key/lake"))["KeyMetadata"]["KeyId"]
    kms.disable_key_rotation(KeyId=key)


def remove_wheel(clients: Clients) -> None:
    clients.workspace.files.delete(physical(clients, "wheel/lakehouse_steps"))


def rename_schema_comment(clients: Clients) -> None:
    clients.workspace.schemas.update(physical(clients, "schema/flights/gold"), comment="mine")


DRIFTS: dict[str, tuple[str, Change, str]] = {
    "public access": ("s3_bucket/lake", open_to_public, "public_access_block: {"),
    "versions": ("s3_bucket/lake", suspend_versions, "versioning: Suspended -> Enabled"),
    "bucket policy": ("s3_bucket/landing", remove_bucket_policy, "policy.Statement."),
    "encryption": ("s3_bucket/artifacts", encrypt_with_another_key, "encryption.algorithm: AES256 -> aws:kms"),
    "events": ("s3_bucket/landing", stop_events, "notifications.QueueConfigurations: ["),
    "lifecycle": ("s3_bucket/lake", keep_deleted_files, "lifecycle.deleted-files: {"),
    "another's lifecycle rule": ("s3_bucket/landing", expire_objects, "lifecycle.mine: {"),
    "visibility": ("sqs_queue/landing-events", shorten_visibility, "VisibilityTimeout: 5 -> 300"),
    "role policy": ("iam_role/storage", widen_role_policy, "policy.Statement.All.Effect: Allow -> nothing"),
    "external id": (
        "iam_role/storage",
        drop_external_id,
        "trust.Statement.UnityCatalogWithExternalId.Condition.StringEquals.sts:ExternalId: ",
    ),
    "rotation": ("kms_key/lake", stop_rotation, "rotation: false -> true"),
    "wheel": ("wheel/lakehouse_steps", remove_wheel, "in_volume: false -> true"),
    "comment": ("schema/flights/gold", rename_schema_comment, "comment: mine -> Answers"),
    "grant removed": (
        "grants/schema/flights/gold",
        lambda clients: grant(clients, "gold", principal="analysts", remove=[Privilege.SELECT]),
        "grant SELECT to analysts",
    ),
    "grant added": (
        "grants/schema/flights/gold",
        lambda clients: grant(clients, "gold", principal="analysts", add=[Privilege.MODIFY]),
        "revoke MODIFY from analysts",
    ),
}


@pytest.mark.parametrize(("key", "change", "line"), DRIFTS.values(), ids=DRIFTS)
def test_drift_is_named_and_repaired(applied: Target, key: str, change: Change, line: str) -> None:
    change(Clients(applied))
    # without its External ID the role opens nothing: what lies behind it cannot be read before
    (step,) = (step for step in plan_estate(applied).changed if step.action is not Action.LATER)
    assert step.key == key
    assert any(shown.startswith(line) for shown in list_lines(step)), list_lines(step)
    report = apply_estate(applied)
    assert report.failures == ()
    assert [result.key for result in report.results if result.status.value == "updated"] == [key]
    assert plan_estate(applied).is_empty


def test_what_a_broken_role_hides_is_mended_in_the_same_apply(applied: Target) -> None:
    """Keys that were vended before work for two seconds more; then nobody can look into the artifacts."""
    clients = Clients(applied)
    remove_wheel(clients)
    drop_external_id(clients)
    deadline = time.monotonic() + 30
    while not any(step.action is Action.LATER for step in plan_estate(applied).changed):
        assert time.monotonic() < deadline, "the role still opens the artifacts"
        time.sleep(0.5)
    report = apply_estate(applied)
    assert not report.failures, "; ".join(failure.error for failure in report.failures)
    updated = {result.key for result in report.results if result.status.value == "updated"}
    assert updated == {"iam_role/storage", "wheel/lakehouse_steps"}
    assert plan_estate(applied).is_empty


@pytest.mark.parametrize("key", ["volume/flights/ops/pipes", "sqs_queue/landing-events-dead-letters"])
def test_what_was_deleted_comes_back(applied: Target, key: str) -> None:
    next(one for one in RESOURCES if one.key == key).delete(Clients(applied))
    changed = {step.key: step.action.value for step in plan_estate(applied).changed}
    assert changed.pop(key) == "create"
    assert set(changed) <= {f"grants/{key}"}, "the grants went with it"
    assert apply_estate(applied).failures == ()
    assert plan_estate(applied).is_empty


def test_a_foreign_grant_is_reported_and_left(applied: Target) -> None:
    clients, eve = Clients(applied), "outsider@lakehouse.example"
    grant(clients, "gold", principal=eve, add=[Privilege.USE_SCHEMA])
    plan = plan_estate(applied)
    (noted,) = [step for step in plan.steps if step.notes]
    assert plan.is_empty
    assert noted.key == "grants/schema/flights/gold"
    assert eve in noted.notes[0]
    assert apply_estate(applied).changed_nothing
    grant(clients, "gold", principal=eve, remove=[Privilege.USE_SCHEMA])


def test_limits_of_a_role_and_other_settings_of_a_job_are_reported_and_left(applied: Target) -> None:
    clients, role = Clients(applied), applied.iam_role("storage")
    boundary = "arn:aws:iam::aws:policy/PowerUserAccess"
    iam, jobs = clients.aws("iam"), clients.workspace.jobs
    iam.put_role_permissions_boundary(RoleName=role, PermissionsBoundary=boundary)
    iam.update_role(RoleName=role, MaxSessionDuration=7200)
    (job,) = [one for one in RESOURCES if one.key == "job/test-jar-job"]
    (found,) = jobs.list(name=job.physical_name(applied))
    jobs.update(found.job_id or 0, new_settings=JobSettings(timeout_seconds=60))
    shown = plan_estate(applied)
    notes = {step.key: " ".join(step.notes) for step in shown.steps if step.notes}
    assert shown.is_empty and notes.keys() == {"iam_role/storage", job.key}
    assert f"permissions_boundary {boundary}" in notes["iam_role/storage"]
    assert "max_session_seconds 7200" in notes["iam_role/storage"] and "'timeout_seconds'" in notes[job.key]
    assert apply_estate(applied).changed_nothing
    iam.delete_role_permissions_boundary(RoleName=role)
    iam.update_role(RoleName=role, MaxSessionDuration=3600)
    jobs.update(found.job_id or 0, new_settings=JobSettings(timeout_seconds=0))
    assert not [step for step in plan_estate(applied).steps if step.notes]


def test_labels_of_others_stay(applied: Target) -> None:
    clients = Clients(applied)
    s3, bucket = clients.aws("s3"), applied.bucket("lake")
    kept = [{"Key": "estate", "Value": applied.bucket_prefix}, {"Key": "cost-centre", "Value": "7"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": kept})
    catalog = applied.catalog("flights")
    clients.workspace.catalogs.update(catalog, properties={"owner_team": "x", "estate": applied.bucket_prefix})
    assert {step.key for step in plan_estate(applied).changed} == {"s3_bucket/lake", "catalog/flights"}
    apply_estate(applied)
    assert {tag["Key"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]} > {"cost-centre"}
    assert (clients.workspace.catalogs.get(catalog).properties or {})["owner_team"] == "x"
    assert plan_estate(applied).is_empty
