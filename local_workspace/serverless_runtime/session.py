"""The run's one Spark Connect session, opened when the code first asks for it.

`SparkSession.builder.getOrCreate()`, `getActiveSession()` and the predefined `spark` all give this session.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from local_workspace.serverless_runtime.assignment import Assignment
from local_workspace.serverless_runtime.gateway_client import GatewayClient

_lock = threading.RLock()
_assignment: Assignment | None = None
_session: Any = None


def prepare_session(assignment: Assignment) -> None:
    """Remember whose session it will be and redirect pyspark's own ways of getting one."""
    global _assignment
    _assignment = assignment
    _redirect_builders()


def get_session() -> Any:
    """Return the session, opening it the first time."""
    global _session
    with _lock:
        if _session is None:
            _session = _open_session()
        return _session


def close_session() -> None:
    """Release the session on the server, if one was opened."""
    global _session
    with _lock:
        if _session is not None:
            with contextlib.suppress(Exception):  # the server forgets idle sessions by itself
                _session.stop()
            _session = None


def _open_session() -> Any:
    from local_workspace.engines.spark_session import open_session
    from local_workspace.serverless_runtime.governance_sql import teach_governance

    if _assignment is None or not _assignment.spark_url:
        raise RuntimeError("This workspace runs without a Spark engine. Start it with `lakehouse local up`.")
    client = GatewayClient(_assignment.host, _assignment.token)
    session = open_session(
        _assignment.spark_url,
        _assignment.token,
        _assignment.principal,
        list_catalogs(client),
        session_id=_assignment.session_id,
    )
    teach_governance(session, client)
    return session


def list_catalogs(client: GatewayClient) -> list[str]:
    """Return the names of the catalogs that the run may see."""
    names: list[str] = []
    page_token = None
    while True:
        query: dict[str, str] = {"page_token": page_token} if page_token else {}
        page = client.call("GET", "/api/2.1/unity-catalog/catalogs", query)
        names += [catalog["name"] for catalog in page.get("catalogs", [])]
        if not (page_token := page.get("next_page_token")):
            return names


def _redirect_builders() -> None:
    from pyspark.sql.connect.session import SparkSession as ConnectSession
    from pyspark.sql.session import SparkSession as ClassicSession

    kinds: tuple[Any, ...] = (ClassicSession, ConnectSession)
    for kind in kinds:
        builder = kind.Builder
        builder.getOrCreate = _get_or_create
        builder.create = _get_or_create
        kind.getActiveSession = classmethod(lambda cls: get_session())
        kind.active = classmethod(lambda cls: get_session())


def _get_or_create(builder: Any) -> Any:
    session = get_session()
    for name, value in getattr(builder, "_options", {}).items():
        if name not in ("spark.remote", "spark.master", "spark.app.name"):
            session.conf.set(name, value)
    return session
