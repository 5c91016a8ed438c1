"""S3 buckets: versioned, encrypted, closed to the public and to all but named principals.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.kms_key import key_arn
from platform_assets.resource_types.model import Clients, Resource, State, unless_missing
from platform_assets.resource_types.policies import bucket_access
from platform_assets.resource_types.sqs_queue import queue_arn

_CLOSED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_CREATED = ["s3:ObjectCreated:*"]
_TAGS = {"managed_by": "lakehouse"}


@dataclass(frozen=True)
class S3Bucket(Resource):
    """A bucket; `events_to` is the queue that hears of new objects."""

    key_name: str = "lake"
    role: str = "storage"
    events_to: str | None = None

    type_name = "s3_bucket"
    kinds = frozenset({"s3", "aws"})
    holds_data = True

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The key, and the queue that must be there to be notified."""
        queue = (f"sqs_queue/{self.events_to}",) if self.events_to else ()
        return (f"kms_key/{self.key_name}", *queue, *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the bucket's name."""
        return target.bucket(self.name)

    def desired(self, target: Target) -> State:
        """All that makes the bucket what it should be."""
        principals = [target.iam_role_arn(self.role), *target.bucket_principals]
        return {
            "versioning": "Enabled",
            "encryption": {"algorithm": "aws:kms", "key": key_arn(target, self.key_name)},
            "public_access_block": _CLOSED,
            "policy": bucket_access(self.physical_name(target), principals),
            "tags": _TAGS,
            "notifications": {queue_arn(target, self.events_to): _CREATED} if self.events_to else {},
        }

    def read(self, clients: Clients) -> State | None:
        """HeadBucket and one Get call per field."""
        s3, bucket = clients.aws("s3"), self.physical_name(clients.target)
        if unless_missing(lambda: s3.head_bucket(Bucket=bucket)) is None:
            return None
        return {name: _read_or_none(read, s3, bucket) for name, read in _READERS.items()}

    def create(self, clients: Clients, desired: State) -> None:
        """CreateBucket, then each field; closed to the public first."""
        s3, bucket = clients.aws("s3"), self.physical_name(clients.target)
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": clients.target.region})
        self.update(clients, desired, frozenset(_WRITERS))

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """One Put call per field."""
        s3, bucket = clients.aws("s3"), self.physical_name(clients.target)
        for name, write in _WRITERS.items():
            if name in changed:
                write(s3, bucket, desired[name])

    def delete(self, clients: Clients) -> None:
        """DeleteBucket; AWS refuses one that is not empty."""
        unless_missing(lambda: clients.aws("s3").delete_bucket(Bucket=self.physical_name(clients.target)))


def _read_or_none(read: Callable[[Any, str], Any], s3: Any, bucket: str) -> Any:
    return unless_missing(lambda: read(s3, bucket))


def _read_encryption(s3: Any, bucket: str) -> Any:
    rules = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    default = rules[0]["ApplyServerSideEncryptionByDefault"]
    return {"algorithm": default["SSEAlgorithm"], "key": default.get("KMSMasterKeyID")}


def _read_notifications(s3: Any, bucket: str) -> Any:
    answer = s3.get_bucket_notification_configuration(Bucket=bucket)
    return {queue["QueueArn"]: queue["Events"] for queue in answer.get("QueueConfigurations", [])}


def _write_encryption(s3: Any, bucket: str, value: Any) -> None:
    default = {"SSEAlgorithm": value["algorithm"], "KMSMasterKeyID": value["key"]}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _write_notifications(s3: Any, bucket: str, value: Any) -> None:
    queues = [{"QueueArn": arn, "Events": events} for arn, events in value.items()]
    configuration = {"QueueConfigurations": queues}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)


def _write_tags(s3: Any, bucket: str, value: Any) -> None:
    tags = [{"Key": key, "Value": text} for key, text in value.items()]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})


_READERS: dict[str, Callable[[Any, str], Any]] = {
    "versioning": lambda s3, bucket: s3.get_bucket_versioning(Bucket=bucket).get("Status"),
    "encryption": _read_encryption,
    "public_access_block": lambda s3, bucket: s3.get_public_access_block(Bucket=bucket)[
        "PublicAccessBlockConfiguration"
    ],
    "policy": lambda s3, bucket: json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]),
    "tags": lambda s3, bucket: {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]},
    "notifications": _read_notifications,
}
_WRITERS: dict[str, Callable[[Any, str, Any], Any]] = {
    "public_access_block": lambda s3, bucket, value: s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=value
    ),
    "versioning": lambda s3, bucket, value: s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": value}
    ),
    "encryption": _write_encryption,
    "policy": lambda s3, bucket, value: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(value)),
    "tags": _write_tags,
    "notifications": _write_notifications,
}
