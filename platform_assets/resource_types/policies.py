"""AWS policy documents of the estate, as pure functions. Least privilege: no wildcards of actions, none of resources.

Sources: "Create a storage credential" and "Manage storage credentials" (Databricks on AWS), AWS IAM user guide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

# The principal that Unity Catalog acts as; the same for all commercial AWS accounts of Databricks.
UNITY_CATALOG_ROLE = "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL"

_KEY_ACTIONS = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]

Document = dict[str, Any]


def storage_trust(external_id: str, own_arn: str | None) -> Document:
    """Return who may become the storage role: Unity Catalog with the External ID, and the role itself.

    `own_arn` None leaves the role itself out: AWS refuses a principal that does not exist yet.
    """
    principals = [UNITY_CATALOG_ROLE, *([own_arn] if own_arn else [])]
    return _document(
        {
            "Sid": "UnityCatalogWithExternalId",
            "Effect": "Allow",
            "Principal": {"AWS": principals},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
        }
    )


def storage_access(buckets: Iterable[str], key_arn: str, own_arn: str) -> Document:
    """Return what the storage role may do: objects and listings of the buckets, their key, and to assume itself."""
    names = sorted(buckets)
    return _document(
        _allow("Objects", ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], [f"{_arn(name)}/*" for name in names]),
        _allow("Buckets", ["s3:ListBucket", "s3:GetBucketLocation"], [_arn(name) for name in names]),
        _allow("Key", _KEY_ACTIONS, [key_arn]),
        _allow("Itself", ["sts:AssumeRole"], [own_arn]),
    )


def bucket_access(bucket: str, principals: Sequence[str]) -> Document:
    """Return a bucket's policy: TLS only, and nobody but the principals (ARN patterns).

    A condition on aws:PrincipalArn, not NotPrincipal: that would lock out sessions of an assumed role.
    """
    everything = [_arn(bucket), f"{_arn(bucket)}/*"]
    return _document(
        _deny("TlsOnly", everything, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("NamedPrincipalsOnly", everything, {"ArnNotLike": {"aws:PrincipalArn": sorted(principals)}}),
    )


def queue_access(queue_arn: str, bucket: str, account: str) -> Document:
    """Return an event queue's policy: S3 may send for this bucket of this account."""
    return _document(
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


def _document(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _allow(sid: str, actions: list[str], resources: list[str]) -> Document:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _deny(sid: str, resources: list[str], condition: Document) -> Document:
    everyone = {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
    return {"Sid": sid, **everyone, "Resource": resources, "Condition": condition}


def _arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"
