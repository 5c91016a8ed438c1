"""The life of statements: submitted, run in threads, cancelled, fetched, forgotten.

What is known of a statement is a stored document; only what runs right now is in memory.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import not_found, permission_denied, too_many_requests
from local_workspace.gateway.store import Document
from local_workspace.services.statements.execution import Job, run_in_spark, run_without_spark
from local_workspace.services.statements.failures import SparkLost, describe_failure, is_lost
from local_workspace.services.statements.fair_threads import FairThreads, TooMuchWaiting
from local_workspace.services.statements.grammar import strip_comments
from local_workspace.services.statements.parameters import bind_parameters
from local_workspace.services.statements.requests import StatementRequest
from local_workspace.services.statements.results import ResultStore
from local_workspace.services.statements.sessions import SessionPool, StatementSession
from local_workspace.services.warehouses import state as warehouses

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

log = logging.getLogger(__name__)
KIND = "statement"
CONCURRENT = 10  # more wait in PENDING, as on a busy warehouse; but a principal that runs none need not
MOST_WAITING = 200  # of one principal
RETRY_AFTER_S = 5
CANCEL_WAIT_S = 5  # how long somebody waits for a cancelled statement to end
RESULT_LIFETIME_S = 3600
STATEMENT_LIFETIME_S = 12 * 3600
SWEEP_EVERY_S = 60
INTERRUPT_AGAIN_S = 0.5
TERMINAL = ("SUCCEEDED", "FAILED", "CANCELED", "CLOSED")


@dataclass
class _Running:
    job: Job
    done: Future[None] = field(default_factory=Future)
    is_cancelled: bool = False
    session: StatementSession | None = None
    work: Callable[[], None] = lambda: None


class StatementService:
    """All statements of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._store = workspace.store
        self.results = ResultStore(workspace.home / "statements")
        self._sessions = SessionPool(workspace)
        self._threads = FairThreads(CONCURRENT, MOST_WAITING, "statement")
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        self._swept_at = 0.0

    def submit(self, caller: Principal, request: StatementRequest) -> tuple[str, Future[None]]:
        """Start a statement; return its id, and what is done when the statement has ended.

        Raises:
            ApiError: 403 without CAN_USE on the warehouse, 404 without warehouse, 400 for a parameter's type, 429 when
                too many of the caller's statements wait.
        """
        warehouses.find(self._store, caller, request.warehouse_id, "CAN_USE")
        bind_parameters(request.text, request.parameters)
        self._start_warehouse(request.warehouse_id)
        self._sweep()
        running = _Running(Job(str(uuid.uuid4()), request, caller))
        running.work = partial(self._run, running)
        statement_id = running.job.statement_id
        with self._lock:
            self._running[statement_id] = running
        self._store.put(KIND, statement_id, _new_document(running.job))
        try:
            self._threads.submit(caller.name, running.work)
        except TooMuchWaiting:
            self._store.delete(KIND, statement_id)
            self._end(running)
            message = f"{MOST_WAITING} statements of '{caller.name}' wait already; submit again after Retry-After."
            raise too_many_requests(message, RETRY_AFTER_S) from None
        return statement_id, running.done

    def run(self, caller: Principal, request: StatementRequest) -> Document:
        """Run a statement, wait for it in this thread, and return its document; cancel it when the wait is over.

        Raises:
            ApiError: as `submit`.
        """
        statement_id, done = self.submit(caller, request)
        if not wait([done], request.wait_s).done:
            self.cancel(caller, statement_id)
            wait([done], CANCEL_WAIT_S)
        return self.get(caller, statement_id)

    def get(self, caller: Principal, statement_id: str) -> Document:
        """Return a statement's document.

        Raises:
            ApiError: 404 when it is unknown, 403 when it is somebody else's.
        """
        document = self._store.get(KIND, statement_id)
        if document is None:
            raise not_found(f"The statement {statement_id} was not found.")
        if document["owner"] != caller.name:
            raise permission_denied(f"User '{caller.name}' does not own statement {statement_id}.")
        document = self._settle(document)
        if document["state"] == "SUCCEEDED" and time.time() - document["ended_at"] > RESULT_LIFETIME_S:
            document["state"] = "CLOSED"
        return document

    def cancel(self, caller: Principal, statement_id: str) -> None:
        """Ask a statement to stop; one that has ended stays as it is."""
        self.get(caller, statement_id)
        with self._lock:
            running = self._running.get(statement_id)
            if running is None or running.is_cancelled:
                return
            running.is_cancelled = True
        if self._threads.withdraw(caller.name, running.work):
            self._fail(running, InterruptedError("cancelled before it began"))
            self._end(running)
        else:
            threading.Thread(target=self._interrupt_until_done, args=(running,), daemon=True).start()

    def _interrupt_until_done(self, running: _Running) -> None:
        """Interrupt again and again: one that comes before Spark knows of the query finds nothing to interrupt."""
        while not running.done.done():
            with self._lock:
                session = running.session
            if session is not None:
                with suppress(Exception):  # the session may close just now; if not, the next one finds it
                    self._sessions.interrupt(session)
            wait([running.done], INTERRUPT_AGAIN_S)

    def history(self, caller: Principal) -> list[Document]:
        """Return the statements that the caller may see, latest first: own ones, for admins all."""
        documents = [document for _, document in self._store.scan(KIND)]
        visible = [self._settle(item) for item in documents if caller.is_admin or item["owner"] == caller.name]
        return sorted(visible, key=lambda item: float(item["submitted_at"]), reverse=True)

    def _run(self, running: _Running) -> None:
        statement_id = running.job.statement_id
        try:
            self._update(statement_id, state="RUNNING", started_at=time.time())
            manifest = self._execute(running)
            self._update(statement_id, state="SUCCEEDED", manifest=manifest, ended_at=time.time())
        except Exception as error:  # noqa: BLE001 - every failure is the statement's outcome
            self._fail(running, error)
        finally:
            self._end(running)

    def _end(self, running: _Running) -> None:
        with self._lock:
            self._running.pop(running.job.statement_id, None)
        running.done.set_result(None)

    def _execute(self, running: _Running) -> Document:
        manifest = run_without_spark(self._workspace, self.results, running.job)
        if manifest is not None:
            return manifest
        session = self._sessions.acquire(running.job.caller, lambda: running.is_cancelled)
        try:
            self._attach(running, session)
            manifest = run_in_spark(self._workspace, session, self.results, running.job)
        except BaseException as error:
            self._detach(running)
            self._give_back(session, running, error)
            if is_lost(error):  # it may have taken effect, so it is not run again
                raise SparkLost from error
            raise
        self._detach(running)
        self._give_back(session, running, None)
        return manifest

    def _give_back(self, session: StatementSession, running: _Running, error: BaseException | None) -> None:
        """Keep the session unless it is lost, or an interrupt may still be on its way to it."""
        if running.is_cancelled or (error is not None and is_lost(error)):
            self._sessions.discard(session)
        else:
            self._sessions.release(session, strip_comments(running.job.request.text))

    def _attach(self, running: _Running, session: StatementSession) -> None:
        with self._lock:
            running.session = session
            if running.is_cancelled:
                raise InterruptedError("cancelled before it began")

    def _detach(self, running: _Running) -> None:
        with self._lock:
            running.session = None

    def _fail(self, running: _Running, error: Exception) -> None:
        statement_id = running.job.statement_id
        self.results.delete(statement_id)
        if running.is_cancelled:
            self._update(statement_id, state="CANCELED", ended_at=time.time())
            return
        failure = describe_failure(error)
        if failure["error_code"] == "INTERNAL_ERROR":
            log.error("statement %s failed", statement_id, exc_info=error)
        self._update(statement_id, state="FAILED", error=failure, ended_at=time.time())

    def _update(self, statement_id: str, **changes: object) -> None:
        with self._store.transaction():
            document = self._store.get(KIND, statement_id)
            if document is not None:
                self._store.put(KIND, statement_id, {**document, **changes})

    def _settle(self, document: Document) -> Document:
        """Return the document as it is; end it first when no thread of this gateway's runs its statement."""
        statement_id = document["statement_id"]
        if document["state"] in TERMINAL or statement_id in self._running:
            return document
        document = self._store.get(KIND, statement_id) or document  # it may have ended just now
        if document["state"] in TERMINAL:
            return document
        message = "The workspace was restarted while the statement ran; submit it again."
        error = {"error_code": "TEMPORARILY_UNAVAILABLE", "message": message}
        ended = {"state": "FAILED", "error": error, "ended_at": time.time()}
        self._update(statement_id, **ended)
        return {**document, **ended}

    def _start_warehouse(self, identity: str) -> None:
        with self._store.transaction():
            document = self._store.get(warehouses.KIND, identity)
            if document is not None and document["state"] != "RUNNING":
                self._store.put(warehouses.KIND, identity, {**document, "state": "RUNNING"})

    def _sweep(self) -> None:
        """Forget old statements and delete old results; at most once a minute."""
        now = time.time()
        with self._lock:
            if now - self._swept_at < SWEEP_EVERY_S:
                return
            self._swept_at = now
        for statement_id, document in self._store.scan(KIND):
            age = now - (document.get("ended_at") or document["submitted_at"])
            if age > RESULT_LIFETIME_S:
                self.results.delete(statement_id)
            if age > STATEMENT_LIFETIME_S and statement_id not in self._running:
                self._store.delete(KIND, statement_id)


_services: dict[str, StatementService] = {}
_services_lock = threading.Lock()


def statements_of(workspace: Workspace) -> StatementService:
    """Return the workspace's statement service, the same one at every call."""
    with _services_lock:
        key = str(workspace.home)
        if key not in _services:
            _services[key] = StatementService(workspace)
        return _services[key]


def _new_document(job: Job) -> Document:
    request = job.request
    return {
        "statement_id": job.statement_id,
        "owner": job.caller.name,
        "owner_id": job.caller.id,
        "text": request.text,
        "warehouse_id": request.warehouse_id,
        "format": request.format,
        "disposition": request.disposition,
        "state": "PENDING",
        "submitted_at": time.time(),
    }
