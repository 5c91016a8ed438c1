"""What each type of resource takes to be planned and applied: the least-privilege matrix, as data.

AWS permissions are those of the deployer, in the words of the Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/); Databricks privileges are on Unity Catalog's
securables, entitlements and admin roles of the workspace. A test compares both with the calls that are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lakehouse.targets import Target
from platform_assets.resource_types.policies import Document, allow
from platform_assets.resource_types.registry import TYPES

DEPLOYER, ADMIN = "deployer", "workspace admin"


@dataclass(frozen=True)
class Permissions:
    """A row of the matrix. `owner`: who makes the resource and owns it.

    `plan` and `apply`: AWS permissions, those of calls that are made; `implied`: what AWS asks for beside them.
    """

    owner: str
    databricks: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    apply: tuple[str, ...] = ()
    implied: tuple[str, ...] = ()
    note: str = ""

    @property
    def aws(self) -> tuple[str, ...]:
        """All AWS permissions."""
        return tuple(sorted({*self.plan, *self.apply, *self.implied}))


_UPLOAD = Permissions(
    DEPLOYER,
    databricks=("WRITE VOLUME and READ VOLUME on the volume",),
    plan=("s3:GetObject",),
    apply=("s3:PutObject", "s3:GetObject"),
    implied=("kms:GenerateDataKey", "kms:Decrypt"),
    note="The bucket's policy must let the deployer in, its key as well",
)

_ROLE = Permissions(
    DEPLOYER,
    plan=(
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListRolePolicies",
        "iam:ListRoleTags",
        "iam:ListRoles",
    ),
    apply=(
        "iam:CreateRole",
        "iam:DeleteRole",
        "iam:DeleteRolePolicy",
        "iam:PutRolePolicy",
        "iam:TagRole",
        "iam:UpdateAssumeRolePolicy",
    ),
    note="Roles of the estate's prefix only",
)

PERMISSIONS: Mapping[str, Permissions] = {
    "service_principal": Permissions(ADMIN, note="On an account with identity federation an account admin's"),
    "user": Permissions(ADMIN, note="On an account with identity federation an account admin's"),
    "group": Permissions(ADMIN, note="On an account with identity federation an account admin's"),
    "workspace_assignment": Permissions(ADMIN, note="The workspace must have identity federation"),
    "token_policy": Permissions(ADMIN),
    "sql_warehouse": Permissions(DEPLOYER, databricks=("entitlement allow-cluster-create",)),
    "cluster_policy": Permissions(ADMIN),
    "secret_scope": Permissions(
        DEPLOYER,
        databricks=("member of the workspace",),
        plan=("secretsmanager:DescribeSecret",),
        apply=("secretsmanager:GetSecretValue",),
        implied=("kms:Decrypt",),
        note="Decrypt only where the secret has a key of its own",
    ),
    "directory": Permissions(DEPLOYER, databricks=("CAN MANAGE on the folder above",)),
    "workspace_file": Permissions(DEPLOYER, databricks=("CAN MANAGE on the folder above",)),
    "experiment": Permissions(DEPLOYER, databricks=("CAN EDIT on the folder above",)),
    "repo": Permissions(
        DEPLOYER,
        databricks=("CAN MANAGE on the folder above",),
        note="Of a private repository a Git credential of the deployer's",
    ),
    "kms_key": Permissions(
        DEPLOYER,
        plan=("kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListResourceTags"),
        apply=(
            "kms:CreateAlias",
            "kms:CreateKey",
            "kms:DeleteAlias",
            "kms:EnableKeyRotation",
            "kms:ListKeys",
            "kms:ScheduleKeyDeletion",
            "kms:TagResource",
        ),
        note="The key's policy leaves it to IAM, AWS's default",
    ),
    "sqs_queue": Permissions(
        DEPLOYER,
        plan=("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags", "sqs:ListQueues"),
        apply=("sqs:CreateQueue", "sqs:DeleteQueue", "sqs:SetQueueAttributes", "sqs:TagQueue"),
    ),
    "s3_bucket": Permissions(
        DEPLOYER,
        plan=(
            "s3:GetBucketNotification",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:ListAllMyBuckets",
            "s3:ListBucket",
        ),
        apply=(
            "s3:CreateBucket",
            "s3:DeleteBucket",
            "s3:PutBucketNotification",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
            "s3:TagResource",
        ),
    ),
    "iam_role": _ROLE,
    "control_plane_role": replace(_ROLE, note=f"{_ROLE.note}; Databricks acts in the account with what it says"),
    "storage_credential": Permissions(DEPLOYER, databricks=("CREATE STORAGE CREDENTIAL on the metastore",)),
    "external_location": Permissions(
        DEPLOYER,
        databricks=("CREATE EXTERNAL LOCATION on the metastore", "owner of the storage credential"),
    ),
    "catalog": Permissions(
        DEPLOYER, databricks=("CREATE CATALOG on the metastore", "owner of the location of its storage")
    ),
    "schema": Permissions(DEPLOYER, databricks=("owner of the catalog",)),
    "volume": Permissions(
        DEPLOYER, databricks=("owner of the schema", "of an external one owner of the location of its storage")
    ),
    "volume_file": Permissions(DEPLOYER, databricks=("WRITE VOLUME and READ VOLUME on the volume",)),
    "table": Permissions(
        DEPLOYER,
        databricks=(
            "owner of the schema",
            "CAN USE on the warehouse",
            "of an external one owner of the location of its storage",
        ),
    ),
    "function": Permissions(DEPLOYER, databricks=("owner of the schema", "CAN USE on the warehouse")),
    "registered_model": Permissions(DEPLOYER, databricks=("owner of the schema",)),
    "view": Permissions(
        DEPLOYER, databricks=("owner of the schema", "CAN USE on the warehouse", "SELECT on what it reads")
    ),
    "query": Permissions(DEPLOYER, databricks=("CAN MANAGE on the folder above", "CAN USE on the warehouse")),
    "alert": Permissions(
        DEPLOYER,
        databricks=("CAN MANAGE on the folder above", "CAN USE on the warehouse"),
        note="Its query runs with the deployer's rights, which need SELECT on what it reads",
    ),
    "dashboard": Permissions(
        DEPLOYER,
        databricks=("CAN MANAGE on the folder above", "CAN USE on the warehouse"),
        note="With embedded credentials its viewers read with the deployer's rights",
    ),
    "wheel": _UPLOAD,
    "notebook": Permissions(DEPLOYER, databricks=("CAN MANAGE on the folder above",)),
    "jar": _UPLOAD,
    "job": Permissions(DEPLOYER, databricks=("member of the workspace",), note="Its runs have the deployer's rights"),
    "pipeline": Permissions(
        DEPLOYER, databricks=("member of the workspace",), note="Its updates have the deployer's rights"
    ),
    "serving_endpoint": Permissions(DEPLOYER, databricks=("member of the workspace", "EXECUTE on the model")),
    "grants": Permissions(DEPLOYER, databricks=("owner of the securable, or MANAGE on it",)),
}


def describe_matrix() -> Iterator[Mapping[str, Any]]:
    """Yield a row for each type of resource, in the order in which they need each other."""
    for one in TYPES:
        row = PERMISSIONS[one.type_name]
        yield {
            "type": one.type_name,
            "purpose": one.__doc__.split("\n")[0].split(". ")[0].rstrip(".") if one.__doc__ else "",
            "owner": row.owner,
            "aws": {"plan": row.plan, "apply": row.apply, "implied": row.implied},
            "databricks": row.databricks,
            "note": row.note,
        }


def deployer_policy(target: Target) -> dict[str, Any]:
    """Return the IAM policy of the deployer: every permission of the matrix, on what the estate calls its own."""
    needed = {action for row in PERMISSIONS.values() for action in row.aws}
    return {"Version": "2012-10-17", "Statement": list(_allow_all(target, needed))}


# What AWS binds to no resource: it lists.
_LISTS = ("iam:ListRoles", "kms:ListAliases", "kms:ListKeys", "s3:ListAllMyBuckets", "sqs:ListQueues")
_NEW_KEYS = ("kms:CreateKey", "kms:TagResource")
_ALIASES = ("kms:CreateAlias", "kms:DeleteAlias")  # asked for on the key as well
_KEY_USE = ("kms:Decrypt", "kms:GenerateDataKey")
_OBJECTS = ("s3:GetObject", "s3:PutObject")  # wheels, JARs, snapshots: the data is nothing of the deployer's
_OBJECTS_IN = ("artifacts", "recovery")


def _allow_all(target: Target, needed: set[str]) -> Iterator[Document]:
    place, prefix = f"{target.region}:{target.aws_account}", target.bucket_prefix
    keys = [f"arn:aws:kms:{place}:key/*"]
    marked = {"StringEquals": {"aws:ResourceTag/estate": prefix}}
    marking = {"StringEquals": {"aws:RequestTag/estate": prefix}}
    named = {"ForAnyValue:StringLike": {"kms:ResourceAliases": f"alias/{prefix}-*"}}
    apart = {*_LISTS, *_NEW_KEYS, *_KEY_USE, *_OBJECTS}

    def of(service: str) -> list[str]:
        return sorted(action for action in needed - apart if action.startswith(f"{service}:"))

    yield allow("Lists", _LISTS, ["*"])
    yield allow("NewKeys", _NEW_KEYS, ["*"], marking)
    yield allow("Keys", of("kms"), keys, marked)
    yield allow("Aliases", _ALIASES, [f"arn:aws:kms:{place}:alias/{prefix}-*"])
    yield allow("KeyUse", _KEY_USE, keys, named)
    yield allow("Buckets", of("s3"), [f"arn:aws:s3:::{prefix}-*"])
    yield allow("Objects", _OBJECTS, [f"arn:aws:s3:::{target.bucket(name)}/*" for name in _OBJECTS_IN])
    yield allow("Queues", of("sqs"), [f"arn:aws:sqs:{place}:{prefix}-*"])
    yield allow("Roles", of("iam"), [f"arn:aws:iam::{target.aws_account}:role/{prefix}-*"])
    yield allow("Secrets", of("secretsmanager"), [f"arn:aws:secretsmanager:{place}:secret:{prefix}/*"])
