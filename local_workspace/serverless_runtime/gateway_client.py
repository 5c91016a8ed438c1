"""HTTP to the gateway with a run's token: the worker's (and the environment builder's) only way to data.

Standard library only: it is on the path of every task start. Spark has its own connection.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

RETRIED = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError)


class GatewayError(Exception):
    """An answer other than 2xx."""

    def __init__(self, status: int, error_code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message


class GatewayClient:
    """Calls as one principal; one kept connection per thread."""

    def __init__(self, host: str, token: str) -> None:
        self.host = host
        self.token = token
        self._address = urlsplit(host)
        self._local = threading.local()

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Send a JSON request and return the JSON answer.

        Raises:
            GatewayError: any status other than 2xx.
        """
        content = None if body is None else json.dumps(body).encode()
        answer = self.exchange(method, path, query, content, {"Content-Type": "application/json"})
        raw = answer.read()
        return json.loads(raw) if raw else {}

    def exchange(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        content: bytes | IO[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> http.client.HTTPResponse:
        """Send a request on this thread's connection; the answer must be read before the next call."""
        url = quote(path) + (f"?{urlencode(query)}" if query else "")
        try:
            answer = self._send(method, url, content, headers or {})
        except RETRIED:  # the kept connection had been closed meanwhile: nothing was handled yet
            self._local.connection = None
            if content is not None and not isinstance(content, bytes):
                content.seek(0)
            answer = self._send(method, url, content, headers or {})
        return checked(answer)

    def open_stream(self, path: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """GET on a connection of its own, to be read piece by piece and closed by the caller."""
        connection = self._connect()
        connection.request("GET", quote(path), headers={**self._authorization(), **headers})
        return checked(connection.getresponse())

    def _send(
        self, method: str, url: str, content: bytes | IO[bytes] | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        try:
            connection.request(method, url, body=content, headers={**self._authorization(), **headers})
            return connection.getresponse()
        except BaseException:
            connection.close()
            self._local.connection = None
            raise

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        return kind(self._address.hostname or "", self._address.port, timeout=600)

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def checked(answer: http.client.HTTPResponse) -> http.client.HTTPResponse:
    """Return a good answer, raise a bad one as GatewayError."""
    if answer.status < 300:
        return answer
    raw = answer.read()
    try:
        body = json.loads(raw)
    except ValueError:
        body = {"message": raw.decode(errors="replace")}
    raise GatewayError(answer.status, body.get("error_code", ""), body.get("message", answer.reason))
