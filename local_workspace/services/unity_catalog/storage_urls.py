"""Storage URLs: the one strict parser of s3:// addresses that callers pass.

The estate's side has the same rules in lakehouse/storage_urls.py; tests/storage_urls.json is run against both.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

from __future__ import annotations

import re

from local_workspace.gateway.errors import bad_request

_URL = re.compile(r"(?:s3|s3a)://([^/]*)(/.*)?", re.DOTALL)
_BUCKET = re.compile(r"(?!xn--|sthree-|amzn-s3-demo-)(?!(?:\d+\.){3}\d+\Z)(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_ENDINGS = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
# A wildcard or a variable would reach IAM policies, and other readers read a backslash or a control character anew.
_NEVER = r"[*?\\]|\$\{|[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
_IN_OBJECTS = re.compile(_NEVER)
_IN_PLACES = re.compile(rf"{_NEVER}|#|%[0-9A-Fa-f]{{2}}")
_MAX_KEY_BYTES = 1024


def normalize(url: object) -> str:
    """Return the URL of a place that a securable is to have, as s3:// and without a slash at its end.

    Raises:
        ApiError: 400 when it could be read in two ways, or the service refuses it.
    """
    return _parse(url, _IN_PLACES)


def normalize_object(url: object) -> str:
    """Return the URL of what is to be read or written; keys of objects may hold # and %20, which are kept as they are.

    Raises:
        ApiError: 400 as for places.
    """
    return _parse(url, _IN_OBJECTS)


def split_url(url: str) -> tuple[str, str]:
    """Return (bucket, prefix) of a normalised URL; the prefix is empty or ends in a slash."""
    bucket, _, path = url.removeprefix("s3://").partition("/")
    prefix = path.strip("/")
    return bucket, f"{prefix}/" if prefix else ""


def _parse(url: object, refused: re.Pattern[str]) -> str:
    found = _URL.fullmatch(url) if isinstance(url, str) else None
    if found is None:
        raise bad_request(f"{url!r} is not a storage URL; the local workspace takes s3://bucket/folder")
    bucket, path = found[1], (found[2] or "").removeprefix("/")
    if problem := _find_bucket_problem(bucket) or _find_path_problem(path, refused):
        raise bad_request(f"{url!r} is not a valid storage URL: {problem}")
    path = path.removesuffix("/")
    return f"s3://{bucket}/{path}" if path else f"s3://{bucket}"


def _find_bucket_problem(bucket: str) -> str | None:
    if _BUCKET.fullmatch(bucket) and not bucket.endswith(_RESERVED_ENDINGS):
        return None
    return f"{bucket!r} is not a bucket name (3 to 63 lower-case letters, digits, dots and hyphens)"


def _find_path_problem(path: str, refused: re.Pattern[str]) -> str | None:
    if found := refused.search(path):
        return f"it holds {found[0]!r}; wildcards, variables, # ? \\ %XX and control characters are not taken"
    segments = path.removesuffix("/").split("/") if path else []
    if any(segment in ("", ".", "..") for segment in segments):
        return "it has an empty or relative path segment"
    if len(path.encode()) > _MAX_KEY_BYTES:
        return f"its path is longer than {_MAX_KEY_BYTES} bytes"
    return None
