"""Storage URLs: the one strict parser of s3:// addresses that declarations and checks use.

The local workspace has the same rules in services/unity_catalog/storage_urls.py; tests/storage_urls.json is run
against both. https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_URL = re.compile(r"(?:s3|s3a)://([^/]*)(/.*)?", re.DOTALL)
_BUCKET = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)(?!(?:\d+\.){3}\d+\Z)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
# A wildcard or a variable would reach IAM policies; what follows ? or # another reader would cut off.
_SPECIAL = re.compile(r"[*?#\\]|\$\{|[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|%[0-9A-Fa-f]{2}")
MAX_KEY_BYTES = 1024


class InvalidStorageUrl(ValueError):
    """A URL that is not taken; the message names it and what is wrong with it."""


@dataclass(frozen=True)
class StorageUrl:
    """A place in a bucket; `path` has no slash at either end and is "" for the whole bucket."""

    bucket: str
    path: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.path}" if self.path else f"s3://{self.bucket}"

    def covers(self, other: StorageUrl) -> bool:
        """Say whether the other is this place or lies below it."""
        return self.bucket == other.bucket and f"{other.path}/".startswith(f"{self.path}/" if self.path else "")

    def overlaps(self, other: StorageUrl) -> bool:
        """Say whether one of the two covers the other."""
        return self.covers(other) or other.covers(self)


def parse_storage_url(text: str) -> StorageUrl:
    """Return the place of s3://bucket/path; s3a:// means the same, and one slash at the end means nothing.

    Raises:
        InvalidStorageUrl: it could be read in two ways, or the service refuses it.
    """
    found = _URL.fullmatch(text)
    if found is None:
        raise InvalidStorageUrl(f"{text!r} is not a storage URL; write s3://bucket/folder")
    bucket, path = found[1], found[2] or ""
    if problem := find_bucket_problem(bucket) or find_path_problem(path.removeprefix("/")):
        raise InvalidStorageUrl(f"{text!r} is not a valid storage URL: {problem}")
    return StorageUrl(bucket, path.strip("/"))


def find_bucket_problem(bucket: str) -> str | None:
    """Return why this cannot be a bucket's name, None when it can."""
    if _BUCKET.fullmatch(bucket) and not bucket.endswith(_RESERVED_ENDINGS):
        return None
    return f"{bucket!r} is not a bucket name (3 to 63 lower-case letters, digits, dots and hyphens)"


def find_path_problem(path: str) -> str | None:
    """Return why this cannot be a folder within a bucket, None when it can; it has no slash in front."""
    if found := _SPECIAL.search(path):
        return f"it holds {found[0]!r}; wildcards, variables, # ? \\ %XX and control characters are not taken"
    segments = path.removesuffix("/").split("/") if path else []
    if any(segment in ("", ".", "..") for segment in segments):
        return "it has an empty or relative path segment"
    if len(path.encode()) > MAX_KEY_BYTES:
        return f"its path is longer than {MAX_KEY_BYTES} bytes"
    return None
