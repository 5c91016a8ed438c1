"""Spark Connect sessions for statements: opened as the caller, kept warm per principal, one statement at a time.

A session goes back to the pool only when its statement cannot have left anything behind in it.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_workspace.engines.spark_session import interrupt, open_session, session_settings
from local_workspace.gateway.calls import Principal
from local_workspace.services.statements.failures import SparkMissing, is_lost

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

    from local_workspace.gateway.workspace import Workspace

TOKEN_LIFETIME_S = 24 * 3600
SESSION_LIFETIME_S = 2 * 3600
IDLE_LIFETIME_S = 1800  # Spark forgets a session that nobody used for an hour
IDLE_PER_PRINCIPAL = 3
PATIENCE_S = 120.0  # for a Spark that is being restarted
LOOK_AGAIN_S = 0.2
NEUTRAL_CATALOG, NEUTRAL_SCHEMA = "spark_catalog", "default"
# Statements that change tables or read, but nothing of the session itself.
_CLEAN = re.compile(
    r"\s*(select|with|values|from|insert|merge|update|delete|show|describe|desc|explain|optimize|vacuum|truncate"
    r"|(create|drop|alter)\s+(or\s+replace\s+)?(external\s+)?(table|schema|database|view|function))\b",
    re.IGNORECASE,
)


@dataclass
class StatementSession:
    """An open session with the token it acts by, on the Spark server of that process."""

    spark: SparkSession
    principal: str
    session_id: str
    token: str
    opened_at: float
    catalogs: set[str]
    server: int | None
    used_at: float = field(default_factory=time.time)
    current: tuple[str, str] = field(default=(NEUTRAL_CATALOG, NEUTRAL_SCHEMA))


class SessionPool:
    """Hands out sessions per principal; safe for use by many threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._idle: defaultdict[str, list[StatementSession]] = defaultdict(list)
        self._lock = threading.Lock()

    def acquire(self, caller: Principal, is_cancelled: Callable[[], bool]) -> StatementSession:
        """Return a session of the caller that nobody else uses and that knows all catalogs; wait while Spark restarts.

        Raises:
            SparkMissing: it does not come up.
            InterruptedError: it is not wanted any more.
        """
        catalogs = set(self._workspace.unity.catalogs(caller))
        deadline = time.monotonic() + PATIENCE_S
        while not is_cancelled():
            server = self._serving()
            if server is not None:
                try:
                    return self._take_or_open(caller, catalogs, server)
                except Exception as error:
                    if not is_lost(error):
                        raise
            if time.monotonic() > deadline:
                raise SparkMissing(PATIENCE_S)
            time.sleep(LOOK_AGAIN_S)
        raise InterruptedError("cancelled before it began")

    def _serving(self) -> int | None:
        spark = self._workspace.engines.spark
        return 0 if spark is None else spark.serving_pid  # without one of its own: whatever answers at its address

    def _take_or_open(self, caller: Principal, catalogs: set[str], server: int) -> StatementSession:
        session = self._take_idle(caller.name, server)
        if session is None:
            return self._open(caller, catalogs, server)
        if unknown := catalogs - session.catalogs:
            settings = session_settings(session.token, sorted(unknown))
            try:
                session.spark.conf._set_all(dict(settings), silent=False)
            except BaseException:
                self.discard(session)
                raise
            session.catalogs |= unknown
        return session

    def release(self, session: StatementSession, statement: str) -> None:
        """Take a session back after a statement that ended by itself."""
        is_young = time.time() - session.opened_at < SESSION_LIFETIME_S
        if is_young and _CLEAN.match(statement):
            with self._lock:
                idle = self._idle[session.principal]
                if len(idle) < IDLE_PER_PRINCIPAL:
                    session.used_at = time.time()
                    idle.append(session)
                    return
        self.discard(session)

    def discard(self, session: StatementSession) -> None:
        """Close a session for good; its token is worthless from now on."""
        self._workspace.revoke_token(session.token)
        # The server may be gone, and the session with it: then there is nothing to release.
        with suppress(Exception):
            session.spark.client.release_session()
        with suppress(Exception):
            session.spark.client.close()

    def interrupt(self, session: StatementSession) -> None:
        """Cancel what the session runs."""
        interrupt(self._workspace.spark_url, session.principal, session.session_id)

    def _take_idle(self, principal: str, server: int) -> StatementSession | None:
        """Return one that the server still knows; close the others."""
        while True:
            with self._lock:
                idle = self._idle[principal]
                session = idle.pop() if idle else None
            if session is None:
                return None
            if session.server == server and time.time() - session.used_at < IDLE_LIFETIME_S:
                return session
            self.discard(session)

    def _open(self, caller: Principal, catalogs: set[str], server: int) -> StatementSession:
        workspace, session_id = self._workspace, str(uuid.uuid4())
        token = workspace.mint_token(caller.name, TOKEN_LIFETIME_S, f"SQL session {session_id}")
        try:
            spark = open_session(workspace.spark_url, token, caller.name, sorted(catalogs), session_id, repeats=False)
        except BaseException:
            workspace.revoke_token(token)
            raise
        return StatementSession(spark, caller.name, session_id, token, time.time(), catalogs, server)


def use_defaults(session: StatementSession, catalog: str | None, schema: str | None) -> None:
    """Make the statement's catalog and schema the current ones."""
    wanted = (catalog or NEUTRAL_CATALOG, schema or NEUTRAL_SCHEMA)
    if wanted == session.current:
        return
    spark = session.spark
    spark.catalog.setCurrentCatalog(wanted[0])
    session.current = (wanted[0], "")
    if schema or catalog is None:
        spark.sql(f"USE SCHEMA {quote_name(wanted[1])}")
    session.current = wanted


def quote_name(name: str) -> str:
    """Return the name as a quoted SQL identifier."""
    return "`" + name.replace("`", "``") + "`"
