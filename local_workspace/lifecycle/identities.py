"""The principals a fresh workspace has, on both sides: Databricks tokens and AWS keys, one profile per role.

A workspace's equivalent of what an account's administrator (Terraform, deploy/bootstrap) sets up. Idempotent.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from local_workspace.gateway import principals
from local_workspace.gateway.errors import ApiError
from local_workspace.gateway.store import Store
from local_workspace.gateway.workspace import AWS_ACCOUNT, Workspace
from local_workspace.lifecycle import files


@dataclass(frozen=True)
class Role:
    """A principal of the workspace and the AWS identity that goes with it."""

    name: str
    kind: Literal["user", "service_principal"]
    principal: str
    display_name: str
    groups: tuple[str, ...]
    aws_statements: tuple[dict[str, Any], ...] = ()


_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_QUEUES = {
    "Effect": "Allow",
    "Action": [
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:SendMessage",
        "sqs:ChangeMessageVisibility",
        # moto checks batches under their own names, AWS under those of the single call
        "sqs:DeleteMessageBatch",
        "sqs:SendMessageBatch",
        "sqs:ChangeMessageVisibilityBatch",
    ],
    "Resource": f"arn:aws:sqs:*:{AWS_ACCOUNT}:lakehouse-*",
}
_LANDING = {
    "Effect": "Allow",
    "Action": ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetObject", "s3:GetObjectVersion"],
    "Resource": ["arn:aws:s3:::lakehouse-*-landing", "arn:aws:s3:::lakehouse-*-landing/*"],
}

ROLES = (
    Role("admin", "user", "admin@lakehouse.example", "Admin", ("admins", "users"), (_EVERYTHING,)),
    Role(
        "deployer",
        "service_principal",
        "11111111-0000-4000-8000-000000000001",
        "lakehouse-deployer",
        ("users",),
        (_EVERYTHING,),
    ),
    Role(
        "pipeline",
        "service_principal",
        "22222222-0000-4000-8000-000000000002",
        "lakehouse-pipeline",
        ("users",),
        (_QUEUES, _LANDING),
    ),
    Role("analyst", "user", "analyst@lakehouse.example", "Analyst", ("users", "analysts")),
    Role("outsider", "user", "outsider@lakehouse.example", "Outsider", ()),
)


def ensure_principals(store: Store) -> None:
    """Make the roles' principals and groups that are missing; groups somebody changed stay as they are."""
    for role in ROLES:
        principals.put_principal(store, role.principal, role.kind, role.display_name)
    for group in sorted({group for role in ROLES for group in role.groups}):
        if store.get("group", group) is None:
            principals.put_group(store, group, [role.principal for role in ROLES if group in role.groups])


def ensure_tokens(store: Store, directory: Path) -> dict[str, str]:
    """Return role -> token: the one of the profile file as long as it opens the door, else a new one."""
    written = files.read_tokens(directory)
    return {role.name: _valid_token(store, role, written.get(role.name)) for role in ROLES}


def ensure_aws_users(workspace: Workspace, directory: Path) -> dict[str, tuple[str, str]]:
    """Return role -> (access key id, secret) of the roles' IAM users: those of the profile file, else new ones."""
    for role in ROLES:
        workspace.store.delete("aws_keys", role.name)  # where an earlier version kept them in clear
    written = files.read_aws_keys(directory)
    return {role.name: _ensure_aws_user(workspace, role, written.get(role.name)) for role in ROLES}


def _valid_token(store: Store, role: Role, token: str | None) -> str:
    if token is not None:
        try:
            if principals.authenticate(store, token).name == role.principal:
                return token
        except ApiError:  # revoked, expired, or of a store that was reset: a new one takes its place
            pass
    return principals.mint_token(store, role.principal, None, f"profile {files.profile_name(role.name)}")


def _ensure_aws_user(workspace: Workspace, role: Role, known: tuple[str, str] | None) -> tuple[str, str]:
    iam, user = workspace.aws("iam"), f"lakehouse-{role.name}"
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName=user)
    if role.aws_statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(role.aws_statements)})
        iam.put_user_policy(UserName=user, PolicyName="lakehouse", PolicyDocument=policy)
    present = {key["AccessKeyId"] for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]}
    if known is not None and known[0] in present:
        return known
    for lost in present:  # its secret is in no file any more
        iam.delete_access_key(UserName=user, AccessKeyId=lost)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]
