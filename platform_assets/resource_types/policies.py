"""AWS policy documents of the estate, as pure functions. Least privilege: what is allowed has no wildcard action.

Sources: "Create a storage credential" and "Manage storage credentials" (Databricks on AWS), AWS IAM user guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from platform_assets.resource_types.policy_rules import require_least_privilege

# Databricks' own account, the same for all its commercial customers, and the principal that Unity Catalog acts as.
DATABRICKS_AWS_ACCOUNT = "414351767826"
UNITY_CATALOG_ROLE = f"arn:aws:iam::{DATABRICKS_AWS_ACCOUNT}:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL"

_OBJECT_ACTIONS = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
_BUCKET_ACTIONS = ["s3:GetBucketLocation", "s3:ListBucket"]
_KEY_ACTIONS = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
# Of what Databricks publishes for file events, what is done to the messages of a queue that is there.
_QUEUE_ACTIONS = [
    *("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    *("sqs:GetQueueUrl", "sqs:PurgeQueue", "sqs:ReceiveMessage"),
]
_VALUES = ("Action", "NotAction", "Resource", "NotResource")

Document = dict[str, Any]


def storage_trust(external_id: str, own_arn: str | None) -> Document:
    """Return who may become the storage role: Unity Catalog with the External ID, and the role itself.

    `own_arn` None leaves the role itself out: AWS refuses a principal that does not exist yet.
    """
    principals = [UNITY_CATALOG_ROLE, *([own_arn] if own_arn else [])]
    return make_document(
        {
            "Sid": "UnityCatalogWithExternalId",
            "Effect": "Allow",
            "Principal": {"AWS": principals},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }
    )


def storage_access(
    buckets: Iterable[str], key_alias_arn: str, own_arn: str, queue_arns: Sequence[str] = ()
) -> Document:
    """Return what the storage role may do: objects and listings of the buckets, their key, and to assume itself.

    Of the queues it takes the file events of external locations.
    """
    names = sorted(buckets)
    events = [allow("FileEvents", _QUEUE_ACTIONS, queue_arns)] if queue_arns else []
    return make_document(
        allow("Objects", _OBJECT_ACTIONS, [f"{_arn(name)}/*" for name in names]),
        allow("Buckets", _BUCKET_ACTIONS, [_arn(name) for name in names]),
        _allow_key("Key", key_alias_arn),
        allow("Itself", ["sts:AssumeRole"], [own_arn]),
        *events,
    )


def bucket_access(bucket: str, principals: Iterable[str]) -> Document:
    """Return a bucket's policy: TLS only, and nobody but the principals (ARN patterns).

    A condition on aws:PrincipalArn, not NotPrincipal: that would lock out sessions of an assumed role.
    """
    everything = [_arn(bucket), f"{_arn(bucket)}/*"]
    return make_document(
        _deny("TlsOnly", everything, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("NamedPrincipalsOnly", everything, {"ArnNotLike": {"aws:PrincipalArn": list(principals)}}),
    )


def queue_access(queue_arn: str, bucket: str, account: str) -> Document:
    """Return an event queue's policy: S3 may send for this bucket of this account."""
    return make_document(
        {
            "Sid": "EventsOfTheBucket",
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": {
                "ArnEquals": {"aws:SourceArn": _arn(bucket)},
                "StringEquals": {"aws:SourceAccount": account},
            },
        }
    )


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Mapping[str, Any] | None = None
) -> Document:
    """Return a statement that allows the actions on the resources, where the condition holds."""
    statement = {"Sid": sid, "Effect": "Allow", "Action": [*actions], "Resource": [*resources]}
    return {**statement, "Condition": condition} if condition else statement


def make_document(*statements: Document, launches: bool = False) -> Document:
    """Return a policy of the statements; `launches` compute, for which alone actions of EC2 are allowed.

    Raises:
        UnsafePolicy: it allows too much.
    """
    document = normalize_policy({"Version": "2012-10-17", "Statement": list(statements)})
    require_least_privilege(document, launches)
    return document


def find_event_source(policy: Mapping[str, Any]) -> str | None:
    """Return the bucket that `queue_access` was made for."""
    conditions = [one.get("Condition", {}).get("ArnEquals", {}) for one in policy["Statement"]]
    arns = [arn for one in conditions for arn in one.get("aws:SourceArn", [])]
    return arns[0].removeprefix(_arn("")) if arns else None


def find_storage(policy: Mapping[str, Any]) -> tuple[list[str], str, list[str]]:
    """Return the buckets, the key's alias and the ARNs of queues that `storage_access` was made for."""
    by_name = {one.get("Sid"): one for one in policy.get("Statement", [])}
    buckets = [arn.removeprefix(_arn("")) for arn in by_name.get("Buckets", {}).get("Resource", [])]
    operators = by_name.get("Key", {}).get("Condition", {})
    aliases = [alias for pairs in operators.values() for alias in pairs.get("kms:ResourceAliases", [])]
    return buckets, aliases[0] if aliases else "", by_name.get("FileEvents", {}).get("Resource", [])


def normalize_policy(document: Any) -> Document:
    """Return a policy in one form: AWS writes a list of one as a text, and lists in its own order."""
    parsed = json.loads(document) if isinstance(document, str) else document
    return {**parsed, "Statement": [_normalize(statement) for statement in _as_list(parsed["Statement"])]}


def _normalize(statement: Mapping[str, Any]) -> Document:
    values = {name: _as_set(statement[name]) for name in _VALUES if name in statement}
    conditions = {
        operator: {key: _as_set(value) for key, value in pairs.items()}
        for operator, pairs in statement.get("Condition", {}).items()
    }
    principals = {name: _principals(statement[name]) for name in ("Principal", "NotPrincipal") if name in statement}
    return {**statement, **values, **principals, **({"Condition": conditions} if conditions else {})}


def _principals(element: Any) -> Any:
    if element in ("*", {"AWS": "*"}, {"AWS": ["*"]}):
        return "*"
    return {kind: _as_set(value) for kind, value in element.items()}


def _as_set(value: Any) -> list[str]:
    return sorted({str(one) for one in _as_list(value)})


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _allow_key(sid: str, alias_arn: str) -> Document:
    """A key's id is known only once it is made, and IAM takes no alias as a resource: a condition names the alias."""
    account, _, alias = alias_arn.rpartition(":")
    condition = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    return allow(sid, _KEY_ACTIONS, [f"{account}:key/*"], condition)


def _deny(sid: str, resources: list[str], condition: Document) -> Document:
    everyone = {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
    return {"Sid": sid, **everyone, "Resource": resources, "Condition": condition}


def _arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"
