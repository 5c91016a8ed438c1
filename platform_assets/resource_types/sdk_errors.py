"""Tells the errors of both SDKs apart: not there, there already, anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lakehouse.remedies import find_remedies
from lakehouse.targets import Target
from platform_assets.resource_types.model import Resource

T = TypeVar("T")
_TAKEN = ("already exists", "already used by another", "overlaps")

_MISSING = {
    *("404", "NoSuchBucket", "NoSuchKey", "NoSuchEntity", "NotFoundException", "NoSuchBucketPolicy", "NoSuchTagSet"),
    *("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "NoSuchPublicAccessBlockConfiguration"),
    *("ServerSideEncryptionConfigurationNotFoundError", "NoSuchLifecycleConfiguration"),
}
_DUPLICATE = {
    *("BucketAlreadyOwnedByYou", "EntityAlreadyExists", "AlreadyExistsException"),
    *("QueueAlreadyExists", "QueueNameExists"),
}


def unless_missing(call: Callable[[], T]) -> T | None:
    """Return what the call returns, None when the resource does not exist."""
    try:
        return call()
    except Exception as error:
        if is_missing(error):
            return None
        raise


def is_missing(error: Exception) -> bool:
    """Say whether an SDK's error means that the resource does not exist."""
    from databricks.sdk.errors import NotFound

    return isinstance(error, NotFound) or _aws_code(error) in _MISSING


def may_be_duplicate(error: Exception) -> bool:
    """Say whether an SDK's error may mean that the resource exists by now; reading it tells.

    Unity Catalog answers 400 or 409 with a code per type; a path that is taken may be so by the resource itself.
    """
    from databricks.sdk.errors.base import DatabricksError

    is_close = isinstance(error, DatabricksError) and any(said in str(error) for said in _TAKEN)
    return is_close or says_taken(error)


def says_taken(error: Exception) -> bool:
    """Say whether an SDK's error means that something of that very name exists."""
    from databricks.sdk.errors import AlreadyExists, ResourceAlreadyExists
    from databricks.sdk.errors.base import DatabricksError

    if isinstance(error, AlreadyExists | ResourceAlreadyExists):
        return True
    if isinstance(error, DatabricksError):
        return (error.error_code or "").endswith("ALREADY_EXISTS")
    return "ALREADY_EXISTS]" in str(error) or _aws_code(error) in _DUPLICATE  # the first is a condition of SQL


def name_error(resource: Resource, target: Target, error: Exception) -> str:
    """Return an SDK's error with the resource's names put in front, and what mends a known cause behind."""
    said = f"{resource.key} ({resource.physical_name(target)}): {type(error).__name__}: {error}"
    return " ".join([said, *find_remedies(said)])


def _aws_code(error: Exception) -> str | None:
    from botocore.exceptions import ClientError

    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else None
