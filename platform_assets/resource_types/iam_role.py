"""The IAM role that Unity Catalog reads and writes storage with.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.kms_key import key_alias, key_arn
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import mark_labels, mark_tags, own_tags
from platform_assets.resource_types.policies import find_storage, normalize_policy, storage_access, storage_trust
from platform_assets.resource_types.rebuilding import Rebuilding, strip_prefix
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.settling import call_when_settled
from platform_assets.resource_types.sqs_queue import queue_arn

_POLICY = "storage"


@dataclass(frozen=True)
class StorageRole(Resource):
    """The role behind the storage credential: External ID demanded, self-assuming, scoped to its buckets and queues."""

    buckets: tuple[str, ...] = ()
    key_name: str = "lake"
    queues: tuple[str, ...] = ()  # of file events

    type_name = "iam_role"
    references = {"buckets": "s3_bucket", "key_name": "kms_key", "queues": "sqs_queue"}
    kinds = frozenset({"aws"})
    reported = {"other_policies": "attached by somebody else: shown, not removed"}

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The buckets, the key and the queues that its policy names."""
        named = (*(f"s3_bucket/{bucket}" for bucket in self.buckets), *(f"sqs_queue/{queue}" for queue in self.queues))
        return (*named, f"kms_key/{self.key_name}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the role's name."""
        return target.iam_role(self.name)

    def desired(self, target: Target) -> State:
        """Trust, permissions, mark."""
        arn = target.iam_role_arn(self.name)
        buckets = [target.bucket(bucket) for bucket in self.buckets]
        queues = [queue_arn(target, queue) for queue in self.queues]
        return {
            "trust": storage_trust(target.databricks_account, arn),
            "policy": storage_access(buckets, key_arn(target, self.key_name), arn, queues),
            "tags": mark_labels(target),
        }

    def read(self, clients: Clients) -> State | None:
        """GetRole, GetRolePolicy, and the names of all policies of the role."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        role = unless_missing(lambda: iam.get_role(RoleName=name)["Role"])
        if role is None:
            return None
        others = [policy for policy in _list_policies(iam, name) if policy != _POLICY]
        return {
            "trust": normalize_policy(role["AssumeRolePolicyDocument"]),
            "policy": _read_policy(iam, name),
            "tags": own_tags(role.get("Tags", [])),
            **({"other_policies": others} if others else {}),
        }

    def create(self, clients: Clients, desired: State) -> None:
        """CreateRole without itself in the trust, then the rest: a principal must exist to be trusted."""
        trust = storage_trust(clients.target.databricks_account, None)
        clients.aws("iam").create_role(
            RoleName=self.physical_name(clients.target),
            AssumeRolePolicyDocument=json.dumps(trust),
            Description="Unity Catalog's access to the lakehouse's buckets",
            Tags=mark_tags(clients.target),
        )
        self.update(clients, desired, {"policy": None, "trust": trust})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """PutRolePolicy, UpdateAssumeRolePolicy, TagRole."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        if "policy" in before:
            document = json.dumps(desired["policy"])
            iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=document)
        if "trust" in before:
            trust = json.dumps(desired["trust"])
            call_when_settled(
                lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust),
                clients.target,
                "Invalid principal",
            )
        if "tags" in before:
            iam.tag_role(RoleName=name, Tags=mark_tags(clients.target))

    def delete(self, clients: Clients) -> None:
        """DeleteRolePolicy, then DeleteRole; AWS refuses one that holds policies of others."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        unless_missing(lambda: iam.delete_role_policy(RoleName=name, PolicyName=_POLICY))
        unless_missing(lambda: iam.delete_role(RoleName=name))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> StorageRole:
        """The buckets, the key and the queues of its policy."""
        target, (buckets, alias, queues) = rebuilding.target, find_storage(state["policy"] or {})
        return replace(
            self,
            buckets=tuple(strip_prefix(one, target.bucket(""), "a bucket of its policy") for one in buckets),
            key_name=strip_prefix(alias, key_alias(target, ""), "the key of its policy"),
            queues=tuple(strip_prefix(one, queue_arn(target, ""), "a queue of its policy") for one in queues),
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[StorageRole]:
        """ListRoles; then the tags of each whose name has our prefix."""
        iam, prefix = listing.clients.aws("iam"), listing.clients.target.iam_role("")
        for page in iam.get_paginator("list_roles").paginate():
            for name in (role["RoleName"] for role in page["Roles"]):
                if name.startswith(prefix):
                    tags = iam.list_role_tags(RoleName=name)["Tags"]
                    if own_tags(tags) == mark_labels(listing.clients.target):
                        yield cls(name.removeprefix(prefix))


def _list_policies(iam: Any, role: str) -> list[str]:
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return [*inline, *(policy["PolicyArn"] for policy in attached)]


def _read_policy(iam: Any, role: str) -> Any:
    answer = unless_missing(lambda: iam.get_role_policy(RoleName=role, PolicyName=_POLICY))
    return answer and normalize_policy(answer["PolicyDocument"])
