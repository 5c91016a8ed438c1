"""One Get and one Put call per field of a bucket, and how its answers become comparable."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from platform_assets.resource_types.ownership import own_labels
from platform_assets.resource_types.policies import normalize_policy
from platform_assets.resource_types.s3_lifecycle import read_lifecycle, write_lifecycle
from platform_assets.resource_types.sdk_errors import unless_missing

Reader = Callable[[Any, str], Any]
Writer = Callable[[Any, str, Any], Any]


def _read_public_access_block(s3: Any, bucket: str) -> Any:
    answer = unless_missing(lambda: s3.get_public_access_block(Bucket=bucket))
    return answer and answer["PublicAccessBlockConfiguration"]


def _read_versioning(s3: Any, bucket: str) -> Any:
    return s3.get_bucket_versioning(Bucket=bucket).get("Status")


def _read_encryption(s3: Any, bucket: str) -> Any:
    answer = unless_missing(lambda: s3.get_bucket_encryption(Bucket=bucket))
    if answer is None:
        return None
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    default = rule["ApplyServerSideEncryptionByDefault"]
    return {
        "algorithm": default["SSEAlgorithm"],
        "key": default.get("KMSMasterKeyID"),
        "bucket_key": rule.get("BucketKeyEnabled", False),
    }


def _read_policy(s3: Any, bucket: str) -> Any:
    answer = unless_missing(lambda: s3.get_bucket_policy(Bucket=bucket))
    return answer and normalize_policy(answer["Policy"])


def _read_tags(s3: Any, bucket: str) -> dict[str, str]:
    return own_labels(_all_tags(s3, bucket))


def _read_notifications(s3: Any, bucket: str) -> Any:
    """All of them, without the names AWS gives: what is not declared would be lost by the next Put."""
    answer = s3.get_bucket_notification_configuration(Bucket=bucket)
    kinds = {kind: rules for kind, rules in answer.items() if kind != "ResponseMetadata"}
    return {kind: _without_ids(rules) if isinstance(rules, list) else rules for kind, rules in kinds.items()}


def _without_ids(rules: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    plain = [{name: value for name, value in rule.items() if name != "Id"} for rule in rules]
    return sorted(plain, key=json.dumps)


def _all_tags(s3: Any, bucket: str) -> dict[str, str]:
    answer = unless_missing(lambda: s3.get_bucket_tagging(Bucket=bucket))
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]} if answer else {}


def _write_public_access_block(s3: Any, bucket: str, value: Any) -> None:
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=value)


def _write_versioning(s3: Any, bucket: str, value: Any) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": value})


def _write_encryption(s3: Any, bucket: str, value: Any) -> None:
    default = {"SSEAlgorithm": value["algorithm"], "KMSMasterKeyID": value["key"]}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": value["bucket_key"]}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _write_policy(s3: Any, bucket: str, value: Any) -> None:
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(value))


def _write_tags(s3: Any, bucket: str, value: Any) -> None:
    """Put replaces the whole set; tags of others stay."""
    tags = {**_all_tags(s3, bucket), **value}
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": [{"Key": key, "Value": tags[key]} for key in tags]})


def _write_notifications(s3: Any, bucket: str, value: Any) -> None:
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=value)


READERS: dict[str, Reader] = {
    "public_access_block": _read_public_access_block,
    "versioning": _read_versioning,
    "encryption": _read_encryption,
    "policy": _read_policy,
    "tags": _read_tags,
    "notifications": _read_notifications,
    "lifecycle": read_lifecycle,
}
WRITERS: dict[str, Writer] = {
    "public_access_block": _write_public_access_block,
    "versioning": _write_versioning,
    "encryption": _write_encryption,
    "policy": _write_policy,
    "tags": _write_tags,
    "notifications": _write_notifications,
    "lifecycle": write_lifecycle,
}
