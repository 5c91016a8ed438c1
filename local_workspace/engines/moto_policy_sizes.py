"""Sizes of policies that AWS refuses and moto takes; runs inside the moto process only.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html (IAM counts no blanks)
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

from moto.iam.exceptions import LimitExceededException
from moto.iam.models import IAMBackend
from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend

MANAGED, TRUST, BUCKET = 6_144, 2_048, 20_480
INLINE = {"role": 10_240, "user": 2_048, "group": 5_120}  # of all inline policies together

# backend's method -> the place of the document among its arguments, the limit, what AWS says
_DOCUMENTS = {
    "create_policy": ("policy_document", 2, MANAGED, f"Cannot exceed quota for PolicySize: {MANAGED}"),
    "create_policy_version": ("policy_document", 1, MANAGED, f"Cannot exceed quota for PolicySize: {MANAGED}"),
    "create_role": ("assume_role_policy_document", 1, TRUST, f"Cannot exceed quota for ACLSizePerRole: {TRUST}"),
    "update_assume_role_policy": ("policy_document", 1, TRUST, f"Cannot exceed quota for ACLSizePerRole: {TRUST}"),
}


def limited_methods() -> list[tuple[type[Any], str, Callable[..., Any]]]:
    """Return the methods that check sizes, with where they belong."""
    inline = [(IAMBackend, f"put_{kind}_policy", _limit_inline(kind)) for kind in INLINE]
    documents = [(IAMBackend, name, _limit_document(name)) for name in _DOCUMENTS]
    return [*inline, *documents, (S3Backend, "put_bucket_policy", _limit_bucket())]


def _limit_document(method: str) -> Callable[..., Any]:
    field, place, most, told = _DOCUMENTS[method]
    inner = getattr(IAMBackend, method)

    @functools.wraps(inner)
    def limited(backend: IAMBackend, *given: Any, **named: Any) -> Any:
        if _size(named[field] if field in named else given[place]) > most:
            raise LimitExceededException(told)
        return inner(backend, *given, **named)

    return limited


def _limit_inline(kind: str) -> Callable[..., Any]:
    inner = getattr(IAMBackend, f"put_{kind}_policy")

    @functools.wraps(inner)
    def limited(backend: IAMBackend, owner: str, name: str, document: str) -> Any:
        held = dict(getattr(backend, f"get_{kind}")(owner).policies)
        if sum(_size(one) for one in {**held, name: document}.values()) > INLINE[kind]:
            raise LimitExceededException(f"Maximum policy size of {INLINE[kind]} bytes exceeded for {kind} {owner}")
        return inner(backend, owner, name, document)

    return limited


def _limit_bucket() -> Callable[..., Any]:
    inner = S3Backend.put_bucket_policy

    @functools.wraps(inner)
    def limited(backend: S3Backend, bucket_name: str, policy: bytes) -> Any:
        if len(policy) > BUCKET:
            message = f"Normalized policy document exceeds the maximum allowed size of {BUCKET} bytes."
            raise S3ClientError("MalformedPolicy", message)
        return inner(backend, bucket_name, policy)

    return limited


def _size(document: str) -> int:
    return len(re.sub(r"\s", "", document))
