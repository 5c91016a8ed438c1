"""Lifecycle rules on a bucket in moto: put, changed and removed as declared, and nobody's to change but who may."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lakehouse.targets import Target
from lakehouse.workspace import open_aws
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.s3_lifecycle import LifecycleRule
from tests.platform_assets.live.conftest import NewTarget, RecordingClients, apply_with, declare_alone

LAKE = KmsKey("lake")
OLD = LifecycleRule("old", "logs/", expire_days=90, transitions=((30, "STANDARD_IA"),))
DELETED = LifecycleRule("deleted", expire_noncurrent_days=30, abort_multipart_days=7)


def with_rules(*rules: LifecycleRule) -> tuple[Resource, ...]:
    return (LAKE, S3Bucket("lake", lifecycle=rules))


@contextmanager
def declared(new_target: NewTarget, *rules: LifecycleRule) -> Iterator[Target]:
    with declare_alone(new_target, with_rules(*rules), ("kms_key/lake", "s3_bucket/lake")) as target:
        yield target


def read_rules(target: Target) -> dict[str, dict[str, Any]]:
    answer = open_aws(target, "admin").client("s3").get_bucket_lifecycle_configuration(Bucket=target.bucket("lake"))
    return {rule["ID"]: rule for rule in answer["Rules"]}


def test_rules_are_put_changed_and_removed_each_with_one_call(new_target: NewTarget) -> None:
    with declared(new_target, OLD, DELETED) as target:
        assert read_rules(target)["old"]["Transitions"] == [{"Days": 30, "StorageClass": "STANDARD_IA"}]
        for rules, calls in (
            ((OLD, DELETED), []),
            ((DELETED._replace(expire_noncurrent_days=9),), ["PutBucketLifecycleConfiguration"]),
            ((), ["DeleteBucketLifecycle"]),
            ((), []),
        ):
            clients = RecordingClients(target)
            assert apply_with(clients, with_rules(*rules)).failures == ()
            assert clients.writes == calls
            assert plan_estate(target, resources=with_rules(*rules)).is_empty
        with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
            read_rules(target)


def test_who_may_not_change_the_bucket_changes_no_rule(new_target: NewTarget) -> None:
    with declared(new_target, DELETED) as target:
        s3 = open_aws(target, "pipeline").client("s3")
        rules = {"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
        for change in (
            lambda: s3.put_bucket_lifecycle_configuration(Bucket=target.bucket("lake"), LifecycleConfiguration=rules),
            lambda: s3.delete_bucket_lifecycle(Bucket=target.bucket("lake")),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                change()
        assert apply_estate(target, resources=with_rules(DELETED)).changed_nothing
