"""The words that the REST API of queries and alerts knows, as the databricks-sdk lists them."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module


@lru_cache
def values_of(enum: str) -> list[str]:
    """Return the values of one of the SDK's enums; the SDK is imported now, since that takes half a second."""
    return [one.value for one in getattr(import_module("databricks.sdk.service.sql"), enum)]
