"""Evaluates alerts on their schedules: the query on its warehouse, with the rights of who it runs as; the condition.

A query that fails, or a condition that does not fit its result, is the state ERROR; the gateway's log says why.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.ipc

from local_workspace.gateway.moments import as_text, now_ms
from local_workspace.gateway.store import Document, Store
from local_workspace.services.alerts.evaluation import CannotEvaluate, evaluate
from local_workspace.services.alerts.routes import ALERT
from local_workspace.services.jobs.appointments import Appointment, Clock
from local_workspace.services.statements.fair_threads import FairThreads
from local_workspace.services.statements.requests import parse_request
from local_workspace.services.statements.service import statements_of
from local_workspace.services.workspace.tree import KIND

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

log = logging.getLogger(__name__)
AT_ONCE = 4  # but an owner of whose alerts none is being evaluated does not wait for others'
MOST_WAITING = 1_000_000  # an alert waits once at most
WAIT = "50s"  # for the query; one that takes longer is cancelled


class AlertClock(Clock):
    """Evaluates each alert that is due; one that is still being evaluated is passed over."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__("alerts")
        self._workspace = workspace
        self._threads = FairThreads(AT_ONCE, MOST_WAITING, "alert")
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    def list_appointments(self) -> Iterator[Appointment]:
        """Yield those of alerts that are not paused."""
        for document in _scan_alerts(self._workspace.store):
            schedule = document["settings"]["schedule"]
            if schedule["pause_status"] == "UNPAUSED":
                expression, zone = schedule["quartz_cron_schedule"], schedule["timezone_id"]
                fire = partial(self._fire, document["id"], _whose(document))
                yield Appointment(document["id"], expression, zone, fire)

    def _fire(self, identity: str, whose: str, _due: datetime) -> list[str]:
        with self._lock:
            if identity in self._busy:
                return []
            self._busy.add(identity)
        self._threads.submit(whose, partial(self._evaluate, identity))
        return [identity]

    def _evaluate(self, identity: str) -> None:
        try:
            evaluate_alert(self._workspace, identity)
        except Exception:
            log.exception("alert %s could not be evaluated", identity)
        finally:
            with self._lock:
                self._busy.discard(identity)


def evaluate_alert(workspace: Workspace, identity: str) -> None:
    """Evaluate an alert now and store its state; one that is gone is passed over."""
    document = _find_alert(workspace.store, identity)
    if document is None:
        return
    try:
        state = evaluate(document["settings"]["evaluation"], _run_query(workspace, document))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the alert's state
        log.warning("alert %s: %s: %s", identity, type(error).__name__, error)
        state = "ERROR"
    with workspace.store.transaction():
        if document := _find_alert(workspace.store, identity):
            document["evaluated"] = {"state": state, "last_evaluated_at": as_text(now_ms())}
            workspace.store.put(KIND, document["path"], document)


def _run_query(workspace: Workspace, document: Document) -> dict[str, list[Any]]:
    settings, service = document["settings"], statements_of(workspace)
    caller = workspace.principal(_whose(document))
    body = {"statement": settings["query_text"], "warehouse_id": settings["warehouse_id"], "wait_timeout": WAIT}
    request = parse_request({**body, "disposition": "EXTERNAL_LINKS"})
    answer = service.run(caller, request)
    if answer["state"] != "SUCCEEDED":
        raise CannotEvaluate(f"its query is {answer['state']}: {answer.get('error', {}).get('message', '')}")
    columns: dict[str, list[Any]] = {}
    for chunk in answer["manifest"]["chunks"]:
        content = service.results.read(answer["statement_id"], chunk["chunk_index"])
        table: pa.Table = pa.ipc.open_stream(io.BytesIO(content)).read_all()
        for name in table.column_names:
            columns.setdefault(name, []).extend(table.column(name).to_pylist())
    return columns


def _whose(document: Document) -> str:
    """Return with whose rights an alert is evaluated."""
    return str(document["settings"].get("run_as_user_name") or document["owner"])


def _scan_alerts(store: Store) -> list[Document]:
    return [document for _, document in store.scan(KIND) if document["object_type"] == ALERT.object_type]


def _find_alert(store: Store, identity: str) -> Document | None:
    return next((document for document in _scan_alerts(store) if document["id"] == identity), None)
