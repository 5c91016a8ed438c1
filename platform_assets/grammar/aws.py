"""AWS: names of buckets, queues, roles and keys, sizes of policies.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from lakehouse.grammar.texts import length_problems, pattern_problems, show_characters
from lakehouse.storage_urls import find_bucket_problem

_NO_URI = re.compile(r"[\s\"<>^`{|}%]")  # java.net.URI
LONGEST_QUEUE, LONGEST_ROLE, LONGEST_ALIAS = 80, 64, 256
INLINE, TRUST, BUCKET = 10_240, 2_048, 20_480


def bucket_problems(name: str) -> Iterator[str]:
    """Yield why a bucket cannot be called so; a dot would break the certificates of its addresses."""
    if problem := find_bucket_problem(name):
        yield f"the bucket's name on the target, {problem}"
    elif "." in name:
        yield f"the bucket's name on the target, {name}, holds a dot: write - in its place"


def queue_problems(name: str) -> Iterator[str]:
    """Yield why a queue cannot be called so."""
    yield from length_problems(f"the queue's name {name}", name, LONGEST_QUEUE)
    yield from pattern_problems("the queue's name", name, r"[A-Za-z0-9_-]+", "letters, digits, - and _")


def role_problems(name: str) -> Iterator[str]:
    """Yield why an IAM role cannot be called so."""
    yield from length_problems(f"the role's name {name}", name, LONGEST_ROLE)
    yield from pattern_problems("the role's name", name, r"[\w+=,.@-]+", "letters, digits and _ + = , . @ -")


def alias_problems(alias: str) -> Iterator[str]:
    """Yield why an alias of a KMS key cannot be called so."""
    yield from length_problems(f"the alias {alias}", alias, LONGEST_ALIAS)
    yield from pattern_problems("the alias", alias, r"[A-Za-z0-9/_-]+", "letters, digits, / _ and -")


def inline_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield that a role's inline policy is too large; AWS counts no blanks."""
    yield from _size_problems("its policy", document, INLINE, "declare fewer buckets and queues, or a second role")


def trust_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield that a role's trust policy is too large."""
    yield from _size_problems("its trust policy", document, TRUST, "trust fewer principals")


def bucket_policy_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield that a bucket's policy is too large."""
    yield from _size_problems(
        "its policy", document, BUCKET, "let fewer principals in (bucket_principals of the target)"
    )


def _size_problems(what: str, document: Mapping[str, Any], most: int, remedy: str) -> Iterator[str]:
    size = len(re.sub(r"\s", "", json.dumps(document)))
    if size > most:
        yield f"{what} has {size:,} characters, and AWS takes {most:,}: {remedy}"


def place_problems(bucket: str | None, folder: str) -> Iterator[str]:
    """Yield why something external cannot lie there; what is managed says neither bucket nor folder."""
    if bucket is None and folder:
        yield f"it names the folder {folder} and no bucket: name the bucket, or leave the folder out"
    elif bucket is not None and not folder:
        yield f"it names the bucket {bucket} and no folder: name one, or all of the bucket would be its own"
    elif odd := _NO_URI.findall(folder):
        yield f"its folder {folder[:80]!r} holds {show_characters(odd)}, which Spark takes in no address: write - or _"
