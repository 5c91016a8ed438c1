"""The IAM role that Unity Catalog reads and writes storage with.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.kms_key import key_arn
from platform_assets.resource_types.model import Clients, Resource, State, unless_missing
from platform_assets.resource_types.policies import storage_access, storage_trust
from platform_assets.resource_types.settling import call_when_settled

_POLICY = "storage"


@dataclass(frozen=True)
class StorageRole(Resource):
    """The role behind the storage credential: External ID demanded, self-assuming, scoped to its buckets."""

    buckets: tuple[str, ...] = ()
    key_name: str = "lake"

    type_name = "iam_role"
    kinds = frozenset({"aws"})

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The buckets and the key that its policy names."""
        return (*(f"s3_bucket/{bucket}" for bucket in self.buckets), f"kms_key/{self.key_name}", *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the role's name."""
        return target.iam_role(self.name)

    def desired(self, target: Target) -> State:
        """Trust and permissions."""
        arn = target.iam_role_arn(self.name)
        buckets = [target.bucket(bucket) for bucket in self.buckets]
        return {
            "trust": storage_trust(target.databricks_account, arn),
            "policy": storage_access(buckets, key_arn(target, self.key_name), arn),
        }

    def read(self, clients: Clients) -> State | None:
        """GetRole and GetRolePolicy."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        role = unless_missing(lambda: iam.get_role(RoleName=name)["Role"])
        if role is None:
            return None
        return {"trust": _parsed(role["AssumeRolePolicyDocument"]), "policy": _read_policy(iam, name)}

    def create(self, clients: Clients, desired: State) -> None:
        """CreateRole without itself in the trust, then the rest: a principal must exist to be trusted."""
        trust = storage_trust(clients.target.databricks_account, None)
        clients.aws("iam").create_role(
            RoleName=self.physical_name(clients.target),
            AssumeRolePolicyDocument=json.dumps(trust),
            Description="Unity Catalog's access to the lakehouse's buckets",
            Tags=[{"Key": "managed_by", "Value": "lakehouse"}],
        )
        self.update(clients, desired, frozenset(desired))

    def update(self, clients: Clients, desired: State, changed: frozenset[str]) -> None:
        """PutRolePolicy and UpdateAssumeRolePolicy."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        if "policy" in changed:
            document = json.dumps(desired["policy"])
            iam.put_role_policy(RoleName=name, PolicyName=_POLICY, PolicyDocument=document)
        if "trust" in changed:
            trust = json.dumps(desired["trust"])
            call_when_settled(
                lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust),
                clients.target,
                "Invalid principal",
            )

    def delete(self, clients: Clients) -> None:
        """DeleteRolePolicy, then DeleteRole."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        unless_missing(lambda: iam.delete_role_policy(RoleName=name, PolicyName=_POLICY))
        unless_missing(lambda: iam.delete_role(RoleName=name))


def _read_policy(iam: Any, name: str) -> Any:
    return unless_missing(lambda: _parsed(iam.get_role_policy(RoleName=name, PolicyName=_POLICY)["PolicyDocument"]))


def _parsed(document: Any) -> Any:
    return json.loads(document) if isinstance(document, str) else document
