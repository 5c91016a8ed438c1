"""Patience with a service that is unwell: calls that are safe to repeat are repeated until a deadline.

databricks-sdk retries 429, 503 and lost connections; a single 500 or 502 it reports at once, which must not end a
step whose remote run goes on.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# How the service answers a token that has expired or was revoked.
_WORN_OUT = re.compile(r"token (has|is) expired|invalid (access )?token", re.IGNORECASE)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.3, 10.0


def call_patiently(
    call: Callable[[], T],
    patience_s: float,
    pause: Callable[[float], None] = time.sleep,
    midway: bool = False,
) -> T:
    """Return what the call returns; one that fails for the service's reasons is repeated for `patience_s`.

    `midway`: the caller's token has worked before, so one that has expired is waited for to be renewed.

    Raises:
        Exception: the call's own, at once when it is the caller's fault, else the last one at the deadline.
    """
    deadline, wait = time.monotonic() + patience_s, FIRST_PAUSE_S
    while True:
        try:
            return call()
        except Exception as error:
            may_pass = is_transient(error) or (midway and is_expired(error))
            if not may_pass or time.monotonic() >= deadline:
                raise
        pause(wait * random.uniform(0.7, 1.3))
        wait = min(LONGEST_PAUSE_S, wait * 2)


def is_transient(error: Exception) -> bool:
    """Say whether the same call may succeed later."""
    from databricks.sdk import errors
    from databricks.sdk.errors.base import DatabricksError

    unwell = (errors.InternalError, errors.TemporarilyUnavailable, errors.DeadlineExceeded, errors.TooManyRequests)
    if isinstance(error, errors.NotImplemented):
        return False
    if isinstance(error, unwell) or is_unanswered(error):
        return True
    # what the SDK cannot classify: a 502 or 503 of something between here and the service
    return type(error) is DatabricksError


def is_unanswered(error: Exception) -> bool:
    """Say whether nobody answered: the connection was refused or lost, or the SDK gave up waiting."""
    import requests

    return isinstance(error, requests.ConnectionError | requests.Timeout | TimeoutError)


def is_expired(error: Exception) -> bool:
    """Say whether the token of the call has expired, or was replaced by another."""
    from databricks.sdk import errors

    is_denied = isinstance(error, errors.Unauthenticated | errors.PermissionDenied)
    return is_denied and _WORN_OUT.search(str(error)) is not None
