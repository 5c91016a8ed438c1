"""Waiting for AWS to settle: a role is not known everywhere for some seconds after it was created or changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from lakehouse.targets import Target

T = TypeVar("T")
PAUSE_S = 1.0


def call_when_settled(call: Callable[[], T], target: Target, *signs: str) -> T:
    """Call and return its answer; while the error shows one of the signs, call again for `target.iam_settle_seconds`.

    Raises:
        Exception: the call's own error, at once without a sign, else the last one.
    """
    deadline = time.monotonic() + target.iam_settle_seconds
    while True:
        try:
            return call()
        except Exception as error:
            if time.monotonic() >= deadline or not any(sign in str(error) for sign in signs):
                raise
        time.sleep(PAUSE_S)
