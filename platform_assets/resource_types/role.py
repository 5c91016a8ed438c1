"""What IAM roles have in common: a trust policy and one inline policy, both generated, and the estate's mark as tags.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
"""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from lakehouse.targets import Target
from platform_assets.grammar.aws import inline_problems, role_problems, trust_problems
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, InvalidDeclaration, Resource, State
from platform_assets.resource_types.ownership import mark_labels, own_tags
from platform_assets.resource_types.policies import normalize_policy
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.settling import call_when_settled

_SESSION_SECONDS = 3600  # AWS's default
_KIND_TAG = "lakehouse:kind"  # what a role is for; those of storage credentials carry none


@dataclass(frozen=True)
class Role(Resource):
    """A role; its state has `trust`, `policy` and `tags`."""

    kinds = frozenset({"aws"})
    reported = {
        "other_policies": "attached by somebody else: shown, not removed",
        "permissions_boundary": "set by somebody else: shown, not removed",
        "max_session_seconds": "set by somebody else: shown, not changed",
    }

    policy_name: ClassVar[str]
    purpose: ClassVar[str]  # shown in the AWS console
    kind: ClassVar[str | None] = None

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, and the sizes of its policies."""
        yield from role_problems(self.physical_name(target))
        try:
            desired = self.desired(target)
        except InvalidDeclaration:
            return  # said when all declarations are asked what they desire
        yield from trust_problems(desired["trust"])
        yield from inline_problems(desired["policy"])

    def physical_name(self, target: Target) -> str:
        """Return the role's name."""
        return target.iam_role(self.name)

    @abstractmethod
    def first_trust(self, target: Target) -> dict[str, Any]:
        """Return the trust policy that it is created with."""

    @classmethod
    def labels(cls, target: Target) -> dict[str, str]:
        """Return its tags: the mark, and what it is for."""
        return {**mark_labels(target), **({_KIND_TAG: cls.kind} if cls.kind else {})}

    def read(self, clients: Clients) -> State | None:
        """GetRole, GetRolePolicy, and the names of all policies of the role."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        role = unless_missing(lambda: iam.get_role(RoleName=name)["Role"])
        if role is None:
            return None
        others = [policy for policy in _list_policies(iam, name) if policy != self.policy_name]
        return {
            "trust": normalize_policy(role["AssumeRolePolicyDocument"]),
            "policy": self._read_policy(iam, name),
            "tags": _read_labels(role.get("Tags", [])),
            **({"other_policies": others} if others else {}),
            **_read_limits(role),
        }

    def create(self, clients: Clients, desired: State) -> None:
        """CreateRole, then what differs from how it is created."""
        trust = self.first_trust(clients.target)
        clients.aws("iam").create_role(
            RoleName=self.physical_name(clients.target),
            AssumeRolePolicyDocument=json.dumps(trust),
            Description=self.purpose,
            Tags=_as_tags(desired["tags"]),
        )
        self.update(clients, desired, {"policy": None, **({"trust": trust} if trust != desired["trust"] else {})})

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """PutRolePolicy, UpdateAssumeRolePolicy, TagRole."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        if "policy" in before:
            document = json.dumps(desired["policy"])
            iam.put_role_policy(RoleName=name, PolicyName=self.policy_name, PolicyDocument=document)
        if "trust" in before:
            trust = json.dumps(desired["trust"])
            call_when_settled(
                lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust),
                clients.target,
                "Invalid principal",
            )
        if "tags" in before:
            iam.tag_role(RoleName=name, Tags=_as_tags(desired["tags"]))

    def delete(self, clients: Clients) -> None:
        """DeleteRolePolicy, then DeleteRole; AWS refuses one that holds policies of others."""
        iam, name = clients.aws("iam"), self.physical_name(clients.target)
        unless_missing(lambda: iam.delete_role_policy(RoleName=name, PolicyName=self.policy_name))
        unless_missing(lambda: iam.delete_role(RoleName=name))

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Self]:
        """ListRoles; then the tags of each whose name has our prefix."""
        target = listing.clients.target
        for name, labels in listing.once(Role, lambda: dict(_list_labels(listing.clients))).items():
            if labels == cls.labels(target):
                yield cls(name.removeprefix(target.iam_role("")))

    def _read_policy(self, iam: Any, role: str) -> Any:
        answer = unless_missing(lambda: iam.get_role_policy(RoleName=role, PolicyName=self.policy_name))
        return answer and normalize_policy(answer["PolicyDocument"])


def _read_limits(role: Mapping[str, Any]) -> dict[str, Any]:
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    seconds = role.get("MaxSessionDuration", _SESSION_SECONDS)
    return {
        **({"permissions_boundary": boundary} if boundary else {}),
        **({"max_session_seconds": seconds} if seconds != _SESSION_SECONDS else {}),
    }


def _list_labels(clients: Clients) -> Iterator[tuple[str, dict[str, str]]]:
    iam, prefix = clients.aws("iam"), clients.target.iam_role("")
    for page in iam.get_paginator("list_roles").paginate():
        for name in (role["RoleName"] for role in page["Roles"]):
            if name.startswith(prefix):
                yield name, _read_labels(iam.list_role_tags(RoleName=name)["Tags"])


def _list_policies(iam: Any, role: str) -> list[str]:
    inline = iam.list_role_policies(RoleName=role)["PolicyNames"]
    attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return [*inline, *(policy["PolicyArn"] for policy in attached)]


def _read_labels(tags: list[dict[str, str]]) -> dict[str, str]:
    return {**own_tags(tags), **{tag["Key"]: tag["Value"] for tag in tags if tag["Key"] == _KIND_TAG}}


def _as_tags(labels: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in labels.items()]
