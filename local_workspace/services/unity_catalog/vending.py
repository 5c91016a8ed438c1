"""Temporary credentials for a path: decided by the storage credential's role, bound to the path by a role of their own.

moto ignores session policies; so every (URL, direction) gets one IAM role whose policy is exactly that prefix, and
its temporary keys are what callers see. They stay the same until shortly before they expire.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local_workspace.engines.moto_rules import VENDED_ROLES
from local_workspace.gateway.workspace import AWS_ACCOUNT
from local_workspace.services.unity_catalog.storage_urls import split_url

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

LIFETIME_S = 3600
RENEW_BEFORE_S = 600
_READ = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListMultipartUploadParts"]
_WRITE = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
_LIST = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
_SPECIAL = re.compile(r"[*?$]")

# Only the gateway becomes a vended role.
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{AWS_ACCOUNT}:user/lakehouse-gateway"},
            "Action": "sts:AssumeRole",
        }
    ],
}


@dataclass(frozen=True)
class TemporaryCredential:
    """Keys that open what lies under `url_prefix`, `apart_from` some of it; `expiration_ms` since the epoch."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration_ms: int
    url_prefix: str
    apart_from: tuple[str, ...] = ()

    def as_answer(self) -> dict[str, Any]:
        """Return the JSON of the REST API."""
        keys = asdict(self)
        return {
            "aws_temp_credentials": {
                name: keys[name] for name in ("access_key_id", "secret_access_key", "session_token")
            },
            "expiration_time": self.expiration_ms,
            "url": self.url_prefix,
            **({"apart_from": list(self.apart_from)} if self.apart_from else {}),
        }


class Vending:
    """Vends keys; whether the caller may have them was decided before."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, bool], TemporaryCredential] = {}

    def vend(self, url: str, write: bool, apart_from: tuple[str, ...] = ()) -> TemporaryCredential:
        """Return keys for `url` and below, which do not open what `apart_from` names."""
        key = (url.rstrip("/"), write)
        with self._lock:
            kept = self._kept.get(key)
            if (
                kept is None
                or kept.apart_from != apart_from
                or kept.expiration_ms / 1000 - time.time() < RENEW_BEFORE_S
            ):
                kept = self._kept[key] = self._issue(*key, apart_from)
            return kept

    def _issue(self, url: str, write: bool, apart_from: tuple[str, ...]) -> TemporaryCredential:
        role = f"{VENDED_ROLES}{hashlib.sha256(f'{url}|{write}'.encode()).hexdigest()[:32]}"
        self._ensure_role(role, _policy(url, write, apart_from))  # binds the keys given out before, too
        answer = self._workspace.aws("sts").assume_role(
            RoleArn=f"arn:aws:iam::{AWS_ACCOUNT}:role/{role}",
            RoleSessionName="unity-catalog",
            DurationSeconds=LIFETIME_S,
        )["Credentials"]
        return TemporaryCredential(
            answer["AccessKeyId"],
            answer["SecretAccessKey"],
            answer["SessionToken"],
            int(answer["Expiration"].timestamp() * 1000),
            url,
            apart_from,
        )

    def _ensure_role(self, role: str, policy: dict[str, Any]) -> None:
        iam = self._workspace.aws("iam")
        try:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(_TRUST))
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityAlreadyExists":
                raise
            iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(_TRUST))
        iam.put_role_policy(RoleName=role, PolicyName="prefix", PolicyDocument=json.dumps(policy))


def _policy(url: str, write: bool, apart_from: tuple[str, ...]) -> dict[str, Any]:
    bucket, prefix = split_url(_literal(url))
    arn = f"arn:aws:s3:::{bucket}"
    listing: dict[str, Any] = {"Effect": "Allow", "Action": _LIST, "Resource": arn}
    if prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": [prefix, f"{prefix}*", prefix.rstrip("/")]}}
    objects = [f"{arn}/{prefix}*", *([f"{arn}/{prefix.rstrip('/')}"] if prefix else [])]
    statements = [
        listing,
        {"Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": arn},
        {"Effect": "Allow", "Action": _READ + (_WRITE if write else []), "Resource": objects},
        *_close(arn, [split_url(_literal(place))[1] for place in apart_from]),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _close(arn: str, prefixes: Sequence[str]) -> Iterator[dict[str, Any]]:
    if not prefixes:
        return
    yield {"Effect": "Deny", "Action": "s3:*", "Resource": [f"{arn}/{prefix}*" for prefix in prefixes]}
    listed = {"StringLike": {"s3:prefix": [text for prefix in prefixes for text in (f"{prefix}*", prefix.rstrip("/"))]}}
    yield {"Effect": "Deny", "Action": _LIST, "Resource": arn, "Condition": listed}


def _literal(url: str) -> str:
    """Return a URL as a policy takes it for itself: a wildcard or a variable in it would open more than it names.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    """
    return _SPECIAL.sub(lambda match: f"${{{match[0]}}}", url)
