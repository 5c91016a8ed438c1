"""Tells writes from reads among AWS requests, and lets a snapshot see no half-done write.

Any number of writes run at once; a snapshot waits for them and holds back new ones while it starts.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

READING_METHODS = ("GET", "HEAD", "OPTIONS")
# Receiving changes only visibility, which restarts anyway; long polls must not hold a snapshot back.
READING_ACTIONS = ("Get", "List", "Describe", "Receive")
ISSUING_ACTIONS = ("GetSessionToken", "GetFederationToken")  # of STS: they make a session


class WriteGate:
    """Counts running writes and remembers when the last ones came."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._writes = 0
        self._closed = False
        self._first_unsaved: float | None = None
        self._last_write = 0.0

    @contextmanager
    def admit(self, write: bool) -> Iterator[None]:
        """Run a request; a write waits while the gate is closed."""
        if not write:
            yield
            return
        with self._condition:
            self._condition.wait_for(lambda: not self._closed)
            self._writes += 1
        try:
            yield
        finally:
            with self._condition:
                self._writes -= 1
                self._last_write = time.monotonic()
                self._first_unsaved = self._first_unsaved or self._last_write
                self._condition.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Hold writes back for the block, after the running ones ended; what was written counts as saved."""
        with self._condition:
            self._closed = True
            self._condition.wait_for(lambda: self._writes == 0)
            self._first_unsaved = None
        try:
            yield
        finally:
            with self._condition:
                self._closed = False
                self._condition.notify_all()

    def is_due(self, quiet_s: float, busy_s: float) -> bool:
        """Say whether unsaved writes have waited long enough."""
        with self._condition:
            if self._first_unsaved is None:
                return False
            now = time.monotonic()
            return now - self._last_write >= quiet_s or now - self._first_unsaved >= busy_s


def service_of(environ: Mapping[str, Any]) -> str:
    """Return the service that a request is signed for, such as s3; empty when it is not signed."""
    scope = str(environ.get("HTTP_AUTHORIZATION", "")).partition("Credential=")[2].partition(",")[0]
    if not scope:  # a presigned URL
        scope = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    parts = scope.split("/")
    return parts[3] if len(parts) == 5 else ""


def is_write(environ: Mapping[str, Any]) -> bool:
    """Say whether the request may change state, from its method and, in the POST protocols, its action."""
    if environ["REQUEST_METHOD"] in READING_METHODS:
        return False
    action = _action_of(environ)
    return not action.startswith(READING_ACTIONS) or action in ISSUING_ACTIONS


def _action_of(environ: Mapping[str, Any]) -> str:
    """Return what a POST asks for: JSON protocols say it in a header, the query protocol in the form."""
    if target := str(environ.get("HTTP_X_AMZ_TARGET", "")):
        return target.rpartition(".")[2]
    if not str(environ.get("CONTENT_TYPE", "")).startswith("application/x-www-form-urlencoded"):
        return ""
    body: bytes = environ["local_workspace.body"]
    return parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
