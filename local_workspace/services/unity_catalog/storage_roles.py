"""Does the IAM role of a storage credential open a path? Says which policy and statement refused.

Checks what AWS and Unity Catalog check together: trust of the Unity Catalog role with the External ID, self-assume,
the role's own policies, the bucket's policy, and the key the bucket is encrypted with (bucket_keys.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local_workspace.gateway.workspace import AWS_ACCOUNT
from local_workspace.iam.evaluation import Policies, decide, evaluate
from local_workspace.iam.request_keys import Context
from local_workspace.iam.statements import Request
from local_workspace.services.unity_catalog.aws_rules import AwsRules
from local_workspace.services.unity_catalog.bucket_keys import BucketKeys
from local_workspace.services.unity_catalog.storage_urls import split_url

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

UC_MASTER_ROLE = "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL"
_LIST = ("s3:ListBucket", "s3:GetBucketLocation")
_READ = ("s3:GetObject",)
_WRITE = ("s3:PutObject", "s3:DeleteObject")
_QUEUE = ("sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage")
# Of what the gateway decides: it goes to AWS itself, over HTTPS.
_DIRECT: Context = {
    "aws:securetransport": "true",
    "aws:viaawsservice": "false",
    **dict.fromkeys(("aws:calledvia", "aws:calledviafirst", "aws:calledvialast")),
}
# Unity Catalog assumes the role without a second factor, and names no source.
_SESSION: Context = {
    **_DIRECT,
    "aws:multifactorauthpresent": "false",
    **dict.fromkeys(("aws:multifactorauthage", "aws:sourceidentity")),
}
_OF_LISTING = ("s3:prefix", "s3:delimiter", "s3:max-keys")


@dataclass(frozen=True)
class Refusal:
    """Why a path does not open: `step` is ASSUME_ROLE, PATH, LIST, READ or WRITE."""

    step: str
    reason: str


class StorageRoles:
    """Reads roles and buckets from AWS and evaluates them."""

    def __init__(self, workspace: Workspace) -> None:
        rules = AwsRules(workspace)
        self._iam = partial(rules.ask, "iam")
        self._s3 = partial(rules.ask, "s3")
        self._sqs = workspace.aws("sqs")
        self._keys = BucketKeys(rules)
        self._region = workspace.region

    def refusals(self, role_arn: str, external_id: str, url: str, write: bool) -> list[Refusal]:
        """Return everything that keeps the credential from opening `url`; empty when it opens."""
        refusal = self.refuse_assume(role_arn, external_id)
        if refusal is not None:
            return [refusal]
        return list(self._refuse_access(role_arn, url, write))

    def refuse_assume(self, role_arn: str, external_id: str) -> Refusal | None:
        """Return why Unity Catalog cannot become the role, or None."""
        trust, what = self._load_trust(role_arn)
        if trust is None:
            return Refusal("ASSUME_ROLE", f"the IAM role {role_arn} does not exist")
        decision = evaluate(trust, _assume(role_arn, UC_MASTER_ROLE, external_id), what)
        if not decision.allowed:
            return Refusal("ASSUME_ROLE", f"{decision.reason} for {UC_MASTER_ROLE} with External ID {external_id}")
        if lax := self.refuse_lax_trust(role_arn, external_id):
            return lax
        if not evaluate(trust, _assume(role_arn, role_arn, external_id), what).allowed:
            return Refusal("ASSUME_ROLE", f"{what} does not let the role assume itself, which Unity Catalog requires")
        return None

    def refuse_lax_trust(self, role_arn: str, external_id: str) -> Refusal | None:
        """Return why the role's trust lets in customers of others (the confused deputy); None also for no role."""
        trust, what = self._load_trust(role_arn)
        if trust is None:
            return None
        for other in (None, *_list_foreign(external_id)):
            if evaluate(trust, _assume(role_arn, UC_MASTER_ROLE, other), what).allowed:
                without = "assumes the role without any" if other is None else f"assumes it with {other}, too"
                told = f"{what} does not demand an External ID: who {without}. Let it"
                return Refusal("ASSUME_ROLE", f"{told} demand that sts:ExternalId StringEquals {external_id}")
        return None

    def _load_trust(self, role_arn: str) -> tuple[dict[str, Any] | None, str]:
        name = role_arn.rsplit("/", 1)[-1]
        try:
            trust = self._iam("get_role", RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchEntity":
                raise
            return None, ""
        return _parsed(trust), f"the trust policy of role {name}"

    def refuse_queue(self, role_arn: str, queue_arn: str) -> str | None:
        """Return why the role cannot take messages from a queue, or None."""
        _, _, _, region, account, name = queue_arn.split(":")
        try:
            url = self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
            found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn", "Policy"])["Attributes"]
        except ClientError:
            found = {}
        if found.get("QueueArn") != queue_arn:
            return f"there is no queue {name} in account {account}, region {region}"
        policy = (f"the policy of queue {name}", _parsed(found.get("Policy") or {"Statement": []}))
        policies = Policies(self._policies(role_arn), policy)
        context = {**_SESSION, "aws:resourceaccount": account, "aws:requestedregion": region}
        decisions = (decide(policies, Request(action, queue_arn, role_arn, context)) for action in _QUEUE)
        return next((decision.reason for decision in decisions if not decision.allowed), None)

    def _refuse_access(self, role_arn: str, url: str, write: bool) -> Iterator[Refusal]:
        bucket, prefix = split_url(url)
        policies = self._policies(role_arn)
        itself = Request("sts:AssumeRole", role_arn, role_arn, _SESSION)
        if not any(evaluate(policy, itself, what).allowed for what, policy in policies):
            yield Refusal("ASSUME_ROLE", f"no policy of role {role_arn} allows sts:AssumeRole on {role_arn} itself")
            return
        bucket_policy = self._bucket_policy(bucket)
        if bucket_policy is None:
            yield Refusal("PATH", f"bucket {bucket} does not exist")
            return
        probe = f"arn:aws:s3:::{bucket}/{prefix}probe"
        wanted = [("READ", action, probe) for action in _READ] + [
            ("WRITE", action, probe) for action in (_WRITE if write else ())
        ]
        listing = [("LIST", action, f"arn:aws:s3:::{bucket}") for action in _LIST]
        place = {"aws:resourceaccount": AWS_ACCOUNT, "aws:requestedregion": self._region}
        for step, action, resource in [*listing, *wanted]:
            listed = {"s3:prefix": prefix} if action == "s3:ListBucket" else dict.fromkeys(_OF_LISTING)
            context = {**_SESSION, **place, **listed}
            request = Request(action, resource, role_arn, context)
            decision = decide(Policies(policies, (f"the policy of bucket {bucket}", bucket_policy)), request)
            if not decision.allowed:
                yield Refusal(step, decision.reason)
        yield from (Refusal(*one) for one in self._keys.refuse(bucket, role_arn, [one for _, one in policies], write))

    def _policies(self, role_arn: str) -> list[tuple[str, dict[str, Any]]]:
        name = role_arn.rsplit("/", 1)[-1]
        found = [
            (f"policy {policy} of role {name}", self._iam("get_role_policy", RoleName=name, PolicyName=policy))
            for policy in self._iam("list_role_policies", RoleName=name)["PolicyNames"]
        ]
        inline = [(what, _parsed(answer["PolicyDocument"])) for what, answer in found]
        return inline + [self._managed(policy["PolicyArn"], name) for policy in self._attached(name)]

    def _attached(self, role: str) -> list[dict[str, Any]]:
        return list(self._iam("list_attached_role_policies", RoleName=role)["AttachedPolicies"])

    def _managed(self, arn: str, role: str) -> tuple[str, dict[str, Any]]:
        version = self._iam("get_policy", PolicyArn=arn)["Policy"]["DefaultVersionId"]
        answer = self._iam("get_policy_version", PolicyArn=arn, VersionId=version)
        return f"policy {arn} of role {role}", _parsed(answer["PolicyVersion"]["Document"])

    def _bucket_policy(self, bucket: str) -> dict[str, Any] | None:
        try:
            return _parsed(self._s3("get_bucket_policy", Bucket=bucket)["Policy"])
        except ClientError as error:
            return None if error.response["Error"]["Code"] == "NoSuchBucket" else {"Statement": []}


def _assume(role_arn: str, principal: str, external_id: str | None) -> Request:
    context = {**_DIRECT, "sts:externalid": external_id, "aws:resourceaccount": role_arn.split(":")[4]}
    return Request("sts:AssumeRole", role_arn, principal, context)


def _list_foreign(external_id: str) -> Iterator[str]:
    """Yield IDs of others, which a pattern of this one takes: each with another character at one place, or more."""
    yield from ("", f"{external_id}0", f"0{external_id}", external_id[:-1])
    for place, character in enumerate(external_id):
        yield f"{external_id[:place]}{'1' if character == '0' else '0'}{external_id[place + 1 :]}"
    yield "".join("1" if character == "0" else "0" for character in external_id)


def _parsed(document: Any) -> dict[str, Any]:
    return json.loads(document) if isinstance(document, str) else dict(document)
