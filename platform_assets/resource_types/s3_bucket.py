"""S3 buckets: versioned, encrypted, closed to the public and to all but named principals.

Calls per field are in s3_bucket_fields.py. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.targets import Target
from platform_assets.grammar.aws import bucket_policy_problems, bucket_problems
from platform_assets.resource_types.kms_key import key_arn
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import mark_labels, own_labels
from platform_assets.resource_types.policies import bucket_access
from platform_assets.resource_types.rebuilding import Rebuilding, strip_prefix
from platform_assets.resource_types.s3_bucket_fields import READERS, WRITERS
from platform_assets.resource_types.s3_lifecycle import (
    LifecycleRule,
    describe_lifecycle,
    rebuild_lifecycle,
    require_lifecycle,
)
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.sqs_queue import queue_arn

_CLOSED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_NO_CONSTRAINT = "us-east-1"  # the one region whose name CreateBucket refuses


@dataclass(frozen=True)
class S3Bucket(Resource):
    """A bucket; `events_to` is the queue that hears of new objects, `lifecycle` what becomes of old ones."""

    key_name: str = "lake"
    role: str = "storage"
    events_to: str | None = None
    lifecycle: tuple[LifecycleRule, ...] = ()

    type_name = "s3_bucket"
    mark_field = "tags"
    references = {"key_name": "kms_key", "role": "iam_role", "events_to": "sqs_queue"}
    kinds = frozenset({"s3", "aws"})
    holds_data = True

    def __post_init__(self) -> None:
        require_lifecycle(self.key, self.lifecycle)

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, and the size of its policy."""
        yield from bucket_problems(self.physical_name(target))
        yield from bucket_policy_problems(self.desired(target)["policy"])

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
            "public_access_block": _CLOSED,
            "versioning": "Enabled",
            "encryption": {"algorithm": "aws:kms", "key": key_arn(target, self.key_name), "bucket_key": True},
            "policy": bucket_access(self.physical_name(target), principals),
            "tags": mark_labels(target),
            "notifications": self._notifications(target),
            "lifecycle": describe_lifecycle(self.lifecycle),
        }

    def read(self, clients: Clients) -> State | None:
        """HeadBucket and one Get call per field."""
        s3, bucket = clients.aws("s3"), self.physical_name(clients.target)
        if unless_missing(lambda: s3.head_bucket(Bucket=bucket)) is None:
            return None
        return {name: read(s3, bucket) for name, read in READERS.items()}

    def create(self, clients: Clients, desired: State) -> None:
        """CreateBucket with its tags, then each other field that is not empty; closed to the public first."""
        s3, bucket, region = clients.aws("s3"), self.physical_name(clients.target), clients.target.region
        place = {} if region == _NO_CONSTRAINT else {"LocationConstraint": region}
        tags = [{"Key": key, "Value": value} for key, value in desired["tags"].items()]
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={**place, "Tags": tags})
        self.update(clients, desired, {name: None for name in desired if desired[name] and name != "tags"})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """One Put call per field; a Delete where no lifecycle rule is declared."""
        s3, bucket = clients.aws("s3"), self.physical_name(clients.target)
        for name, write in WRITERS.items():
            if name in before:
                write(s3, bucket, desired[name])

    def delete(self, clients: Clients) -> None:
        """DeleteBucket; AWS refuses one that is not empty."""
        unless_missing(lambda: clients.aws("s3").delete_bucket(Bucket=self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> S3Bucket:
        """Its key, the role that its policy lets in, the queue that hears of it, its lifecycle rules."""
        target, encryption = rebuilding.target, state["encryption"] or {}
        key_name = strip_prefix(str(encryption.get("key")), key_arn(target, ""), "its key")
        queues = (state["notifications"] or {}).get("QueueConfigurations", [])
        queue = strip_prefix(queues[0]["QueueArn"], queue_arn(target, ""), "its queue") if queues else None
        return replace(
            self,
            key_name=key_name,
            role=self._find_role(target, state["policy"]),
            events_to=queue,
            lifecycle=rebuild_lifecycle(state["lifecycle"]),
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[S3Bucket]:
        """ListBuckets; then the tags of each whose name has our prefix."""
        s3, prefix = listing.clients.aws("s3"), listing.clients.target.bucket("")
        for name in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
            if name.startswith(prefix) and own_labels(READERS["tags"](s3, name)) == mark_labels(listing.clients.target):
                yield cls(name.removeprefix(prefix))

    def _find_role(self, target: Target, policy: Any) -> str:
        statements = (policy or {}).get("Statement", [])
        conditions = [one.get("Condition", {}).get("ArnNotLike", {}) for one in statements]
        allowed = [arn for one in conditions for arn in one.get("aws:PrincipalArn", [])]
        roles = [arn.removeprefix(target.iam_role_arn("")) for arn in allowed if arn not in target.bucket_principals]
        return roles[0] if roles else self.role

    def _notifications(self, target: Target) -> dict[str, Any]:
        if self.events_to is None:
            return {}
        rule = {"QueueArn": queue_arn(target, self.events_to), "Events": ["s3:ObjectCreated:*"]}
        return {"QueueConfigurations": [rule]}
