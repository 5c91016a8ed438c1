"""The least-privilege matrix against the world: what it lists is called, what is called it lists, and it suffices."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakehouse.targets import Target
from lakehouse.workspace import open_aws, open_workspace
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.permissions import PERMISSIONS, deployer_policy
from platform_assets.reconcile.plan import Prune
from platform_assets.recovery.drill import export_estate
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.secret_scope import SecretScope
from tests.platform_assets.live.conftest import NewTarget

# Calls whose permission has another name. https://docs.aws.amazon.com/service-authorization/latest/reference/
OTHER_NAMES = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
USER, POLICY = "lakehouse-deployer", "lakehouse"
SECRETS = SecretScope("tried", {"key": "secretsmanager:tried"})
ESTATE: tuple[Resource, ...] = (*RESOURCES, SECRETS)


@pytest.fixture
def target(new_target: NewTarget) -> Target:
    """A target of its own, with the value of the secret that is declared."""
    target = new_target()
    secrets = open_aws(target, "admin").client("secretsmanager")
    secrets.create_secret(Name=f"{target.bucket_prefix}/tried", SecretString="value")
    return target


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The AWS permissions of the calls that resources make from now on."""
    called: set[str] = set()
    clients: set[Any] = set()
    plain = Clients.aws

    def note(model: Any, params: Any, **_: Any) -> None:
        name = f"{model.service_model.signing_name}:{model.name}"
        called.add(OTHER_NAMES.get(name, name))
        if name == "s3:CreateBucket" and b"<Tag>" in params["body"]:
            called.add("s3:TagResource")

    def aws(self: Clients, service: str) -> Any:
        client = plain(self, service)
        client.meta.events.register("before-call", note, unique_id="called")
        clients.add(client)
        return client

    monkeypatch.setattr(Clients, "aws", aws)
    yield called
    for client in clients:  # others go on using them
        client.meta.events.unregister("before-call", unique_id="called")


def as_moto_takes_it(policy: dict[str, Any]) -> dict[str, Any]:
    """Without what moto does not look at: conditions, and which key or secret a call is about."""
    statements = [{name: value for name, value in one.items() if name != "Condition"} for one in policy["Statement"]]
    for one in statements:
        if one["Action"][0].startswith(("kms:", "secretsmanager:")):
            one["Resource"] = "*"
    return {**policy, "Statement": statements}


@pytest.fixture
def bound(target: Target) -> Iterator[None]:
    """While the test runs, the deployer may do what the matrix says and nothing more; that is too long to be inline."""
    iam = open_aws(target, "admin").client("iam")
    before = iam.get_user_policy(UserName=USER, PolicyName=POLICY)["PolicyDocument"]
    allowed = json.dumps(as_moto_takes_it(deployer_policy(target)))
    arn = iam.create_policy(PolicyName="lakehouse-matrix", PolicyDocument=allowed)["Policy"]["Arn"]
    iam.attach_user_policy(UserName=USER, PolicyArn=arn)
    iam.delete_user_policy(UserName=USER, PolicyName=POLICY)
    yield
    iam.put_user_policy(UserName=USER, PolicyName=POLICY, PolicyDocument=json.dumps(before))
    iam.detach_user_policy(UserName=USER, PolicyArn=arn)
    iam.delete_policy(PolicyArn=arn)


def test_with_the_matrix_an_estate_is_made_mended_and_destroyed_and_nothing_in_it_is_left_over(
    target: Target, bound: None, called: set[str]
) -> None:
    assert apply_estate(target, resources=ESTATE).failures == ()
    assert plan_estate(target, resources=ESTATE, find_undeclared=True).is_empty
    planned = set(called)
    bend(target)
    assert apply_estate(target, resources=ESTATE).failures == ()
    everything = Prune(enabled=True, data_loss=[one.key for one in ESTATE])
    empty_buckets(target)
    assert apply_estate(target, resources=(), prune=everything).failures == ()
    listed = {action for row in PERMISSIONS.values() for action in (*row.plan, *row.apply)}
    assert called == listed
    assert {action for row in PERMISSIONS.values() for action in row.plan} <= planned


def bend(target: Target) -> None:
    """Change by hand what only an update mends."""
    aws = open_aws(target, "admin")
    sqs, iam, kms = aws.client("sqs"), aws.client("iam"), aws.client("kms")
    url = sqs.get_queue_url(QueueName=target.queue("landing-events"))["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["managed_by"])
    iam.untag_role(RoleName=target.iam_role("storage"), TagKeys=["managed_by"])
    (key,) = [
        one["TargetKeyId"]
        for one in kms.list_aliases()["Aliases"]
        if f"{target.bucket_prefix}-lake" in one["AliasName"]
    ]
    tags = [{"Key": "estate", "Value": target.bucket_prefix}]
    aws.client("s3").put_bucket_tagging(Bucket=target.bucket("lake"), Tagging={"TagSet": tags})
    kms.untag_resource(KeyId=key, TagKeys=["managed_by"])


def empty_buckets(target: Target) -> None:
    """Remove what is in the buckets: a bucket with objects is nobody's to delete."""
    s3 = open_aws(target, "admin").resource("s3")
    for purpose in ("landing", "lake", "artifacts"):
        s3.Bucket(target.bucket(purpose)).object_versions.delete()


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [
        (
            "s3",
            "create_bucket",
            {"Bucket": "somebody-elses", "CreateBucketConfiguration": {"LocationConstraint": "eu-central-1"}},
        ),
        ("iam", "delete_role", {"RoleName": "somebody-elses"}),
        ("sqs", "create_queue", {"QueueName": "somebody-elses"}),
        ("iam", "create_user", {"UserName": "somebody"}),
    ],
)
def test_the_neighbour_is_denied(
    target: Target, bound: None, service: str, call: str, arguments: dict[str, Any]
) -> None:
    client = open_aws(target, "deployer").client(service)
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized"):
        getattr(client, call)(**arguments)


def test_the_data_is_not_the_deployers(target: Target, bound: None) -> None:
    assert apply_estate(target, ["+s3_bucket"]).failures == ()
    s3 = open_aws(target, "deployer").client("s3")
    s3.put_object(Bucket=target.bucket("artifacts"), Key="libs/some.jar", Body=b"")
    assert [export_estate(target).is_new for _ in range(2)] == [True, False]
    for purpose in ("landing", "lake"):
        with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
            s3.put_object(Bucket=target.bucket(purpose), Key="some", Body=b"")
        with pytest.raises(ClientError, match=r"AccessDenied|Forbidden"):
            s3.get_object(Bucket=target.bucket(purpose), Key="some")


@pytest.mark.parametrize(
    ("privilege", "key"),
    [
        ("CREATE_CATALOG", "catalog/flights"),
        ("CREATE_STORAGE_CREDENTIAL", "storage_credential/lake_storage"),
        ("CREATE_EXTERNAL_LOCATION", "external_location/lake"),
    ],
)
def test_each_privilege_on_the_metastore_is_needed(new_target: NewTarget, privilege: str, key: str) -> None:
    from databricks.sdk.service.catalog import PermissionsChange, Privilege

    target = new_target()
    assert any(privilege.replace("_", " ") in text for text in PERMISSIONS[key.partition("/")[0]].databricks)
    admin, deployer = open_workspace(target, "admin"), target.principals["deployer"]
    metastore = admin.metastores.current().metastore_id

    def change(**what: Any) -> None:
        changes = [PermissionsChange(principal=deployer, **what)]
        admin.grants.update("metastore", str(metastore), changes=changes)

    change(remove=[Privilege(privilege)])
    try:
        failures = {one.key: one.error for one in apply_estate(target, [f"+{key}"]).failures}
    finally:
        change(add=[Privilege(privilege)])
    assert f"does not have {privilege.replace('_', ' ')} on Metastore" in failures[key]
