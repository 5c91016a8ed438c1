"""The moto process: AWS on a loopback port, with identity policies enforced and state kept on disk.

Run as `python -m local_workspace.engines.moto_child`; parameters in argv. An HTTP/1.1 server of our own:
werkzeug's development server closes every connection and waits 10 ms on each. moto is untouched WSGI.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from local_workspace.engines.moto_corrections import apply_corrections, end_expired_sessions
from local_workspace.engines.moto_gate import WriteGate, is_write, service_of
from local_workspace.engines.moto_journal import touched_objects
from local_workspace.engines.moto_rules import RuleChanges, changes_rules
from local_workspace.engines.moto_state import MotoState, reap

log = logging.getLogger("moto")
ROOT_USER = "lakehouse-gateway"
ROOT_POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
PRELOADED = ("s3", "sqs", "iam", "sts")
CLOSED = ("moto_api", "moto_api._internal", "instance_metadata")  # moto's own control routes; credentials for anybody
# A snapshot after this long without a write, or this long into a burst: seldom, since it writes all there is once more.
QUIET_S, BUSY_S = 2.0, 20.0
_FAILED = b"<Error><Code>InternalError</Code><Message>moto failed on this request; see moto.log</Message></Error>"


class Handler(BaseHTTPRequestHandler):
    """One connection: requests one after the other, bodies read whole so that the next starts clean."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave in one segment: otherwise Nagle and delayed ACK cost 40 ms a request
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        """Serve the next request of the connection, or note that it is over."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
            return
        if not self.parse_request():
            return
        environ = self._build_environ()
        writes = is_write(environ)
        with self.server.gate.admit(writes):
            try:
                head, chunks = self._call_application(environ)
            except Exception:
                self._answer([f"{HTTPStatus.INTERNAL_SERVER_ERROR.value} Internal Server Error", []], _FAILED)
                raise  # it ends this connection, and stands in the log
            if writes and not head[0].startswith("4"):
                self.server.make_durable(environ)
        self._answer(head, b"".join(chunks))

    def handle_expect_100(self) -> bool:
        """Tell a waiting client to send its body, at once."""
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged."""

    def _call_application(self, environ: dict[str, Any]) -> tuple[list[Any], list[bytes]]:
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
            head[:] = [status, headers]

        answer = self.server.application(environ, start_response)
        try:
            return head, list(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()

    def _answer(self, head: list[Any], body: bytes) -> None:
        status, headers = head
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        names = set()
        for name, value in headers:
            names.add(name.lower())
            self.send_header(name, value)
        if "content-length" not in names and int(code) not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _read_body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(iter(self._read_chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _read_chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        data = self.rfile.read(size)
        self.rfile.readline()
        return data

    def _build_environ(self) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        body = self._read_body()
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": self.path,
            "RAW_URI": self.path,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "local_workspace.body": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": None,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        return self._add_headers(environ, len(body))

    def _add_headers(self, environ: dict[str, Any], length: int) -> dict[str, Any]:
        preserved: dict[str, str] = {}
        for name, value in self.headers.items():
            keeps_spelling = should_preserve_original_header_name(name)
            if "_" in name and not keeps_spelling:
                continue
            key = environ_key_for_header(name)
            environ[key] = f"{environ[key]},{value}" if key in environ else value
            if keeps_spelling:
                preserved[key] = name
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
        environ["CONTENT_LENGTH"] = str(length)
        return environ


class Server(ThreadingHTTPServer):
    """A thread per connection; clients keep few of them open."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, port: int, account: str, application: Any, gate: WriteGate, state: MotoState, rules: RuleChanges
    ) -> None:
        self.rules = rules
        self.application = application
        self.account = account
        self.state = state
        self.gate = gate
        super().__init__(("127.0.0.1", port), Handler)

    def make_durable(self, environ: dict[str, Any]) -> None:
        """Note what a request changed before it is answered."""
        service, keys = service_of(environ), list[str]()
        if service == "s3":
            bucket, keys = touched_objects(environ, environ["local_workspace.body"])
            self.state.note_objects(self.account, bucket, keys)
        else:
            self.state.save_control()
        if changes_rules(service, keys, environ):
            self.rules.note()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong unless the client just went away."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Keeper(threading.Thread):
    """Takes a snapshot after every burst of writes and ends expired sessions."""

    def __init__(self, state: MotoState, gate: WriteGate) -> None:
        super().__init__(name="keeper", daemon=True)
        self._state = state
        self._gate = gate

    def run(self) -> None:
        """Work until the process ends."""
        saving: int | None = None
        while True:
            time.sleep(0.1)
            end_expired_sessions()
            if saving is not None and (status := reap(saving)) is not None:
                saving = None
                if status:
                    log.error("a snapshot ended with status %s; the next write starts another", status)
            if saving is None and self._gate.is_due(QUIET_S, BUSY_S):
                with self._gate.closed():
                    saving = self._state.save_in_fork()


def ensure_root(account: str, access_key_id: str, secret: str) -> None:
    """Make the identity of the gateway itself, which may do everything, under known keys."""
    backend = iam_backends[account]["aws"]
    if ROOT_USER not in backend.users:
        backend.create_user("us-east-1", ROOT_USER)
        backend.create_access_key(ROOT_USER)
    backend.put_user_policy(ROOT_USER, "everything", ROOT_POLICY)
    key = backend.users[ROOT_USER].access_keys[0]
    key.access_key_id, key.secret_access_key = access_key_id, secret
    backend.access_keys = {access_key_id: key} | {
        name: other for name, other in backend.access_keys.items() if other is not key
    }


def open_application(service: str) -> Any:
    """Return a service's application; in the place of moto's control routes one that knows no path.

    Here and not by the path: moto finds them by host names as well.
    """
    return _refuse if service in CLOSED else create_backend_app(service)  # type: ignore[arg-type]


def _refuse(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("404 NOT FOUND", [("Content-Type", "text/plain")])
    return [b"The local workspace does not serve moto's control routes.\n"]


def preload(application: DomainDispatcherApplication) -> None:
    """Build the services' applications now rather than in the first request."""
    for service in PRELOADED:
        application.app_instances[service] = create_backend_app(service)  # type: ignore[arg-type]


def serve(arguments: argparse.Namespace) -> None:
    """Restore, listen, and on SIGTERM save and end."""
    os.umask(0o077)
    apply_corrections()
    state, gate = MotoState(arguments.directory), WriteGate()
    state.restore()
    ensure_root(arguments.account, arguments.access_key_id, arguments.secret)
    rules = RuleChanges(arguments.directory)
    rules.note()  # a change may have been saved when the process before this one ended, and not counted
    application = DomainDispatcherApplication(open_application)
    preload(application)
    server = Server(arguments.port, arguments.account, application, gate, state, rules)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    Keeper(state, gate).start()
    server.serve_forever(poll_interval=0.05)
    with gate.closed():
        state.save()


def main() -> None:
    """Parse the parameters and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", required=True)
    parser.add_argument("--access-key-id", required=True)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    arguments = parser.parse_args()
    arguments.secret = sys.stdin.readline().strip()  # not on the command line: any process may read that
    serve(arguments)


if __name__ == "__main__":
    main()
