"""The IAM role that Unity Catalog reads and writes storage with.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.kms_key import key_alias, key_arn
from platform_assets.resource_types.model import State
from platform_assets.resource_types.policies import find_storage, storage_access, storage_trust
from platform_assets.resource_types.rebuilding import Rebuilding, strip_prefix
from platform_assets.resource_types.role import Role
from platform_assets.resource_types.sqs_queue import queue_arn


@dataclass(frozen=True)
class StorageRole(Role):
    """The role behind the storage credential: External ID demanded, self-assuming, scoped to its buckets and queues."""

    buckets: tuple[str, ...] = ()
    key_name: str = "lake"
    queues: tuple[str, ...] = ()  # of file events

    type_name = "iam_role"
    mark_field = "tags"
    references = {"buckets": "s3_bucket", "key_name": "kms_key", "queues": "sqs_queue"}
    policy_name = "storage"
    purpose = "Unity Catalog's access to the lakehouse's buckets"

    def find_problems(self, target: Target) -> Iterator[str]:
        """That it opens something, then what any role's policies are asked."""
        if not self.buckets:
            yield "it opens no bucket: name one in buckets"
        else:
            yield from super().find_problems(target)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The buckets, the key and the queues that its policy names."""
        named = (*(f"s3_bucket/{bucket}" for bucket in self.buckets), *(f"sqs_queue/{queue}" for queue in self.queues))
        return (*named, f"kms_key/{self.key_name}", *self.after)

    def desired(self, target: Target) -> State:
        """Trust, permissions, mark."""
        arn = target.iam_role_arn(self.name)
        buckets = [target.bucket(bucket) for bucket in self.buckets]
        queues = [queue_arn(target, queue) for queue in self.queues]
        return {
            "trust": storage_trust(target.databricks_account, arn),
            "policy": storage_access(buckets, key_arn(target, self.key_name), arn, queues),
            "tags": self.labels(target),
        }

    def first_trust(self, target: Target) -> dict[str, Any]:
        """Without itself: a principal must exist to be trusted."""
        return storage_trust(target.databricks_account, None)

    def rebuild(self, state: State, rebuilding: Rebuilding) -> StorageRole:
        """The buckets, the key and the queues of its policy."""
        target, (buckets, alias, queues) = rebuilding.target, find_storage(state["policy"] or {})
        return replace(
            self,
            buckets=tuple(strip_prefix(one, target.bucket(""), "a bucket of its policy") for one in buckets),
            key_name=strip_prefix(alias, key_alias(target, ""), "the key of its policy"),
            queues=tuple(strip_prefix(one, queue_arn(target, ""), "a queue of its policy") for one in queues),
        )
