"""Spark Connect sessions for statements: opened as the caller, kept warm per principal, one statement at a time.

A session goes back to the pool only when its statement cannot have left anything behind in it.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local_workspace.engines.spark_session import interrupt, open_session, session_settings
from local_workspace.gateway.calls import Principal

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

    from local_workspace.gateway.workspace import Workspace

TOKEN_LIFETIME_S = 24 * 3600
SESSION_LIFETIME_S = 2 * 3600
IDLE_PER_PRINCIPAL = 3
NEUTRAL_CATALOG, NEUTRAL_SCHEMA = "spark_catalog", "default"
# Statements that change tables or read, but nothing of the session itself.
_CLEAN = re.compile(
    r"\s*(select|with|values|from|insert|merge|update|delete|show|describe|desc|explain|optimize|vacuum|truncate"
    r"|(create|drop|alter)\s+(or\s+replace\s+)?(external\s+)?(table|schema|database|view|function))\b",
    re.IGNORECASE,
)


@dataclass
class StatementSession:
    """An open session with the token it acts by."""

    spark: SparkSession
    principal: str
    session_id: str
    token: str
    opened_at: float
    catalogs: set[str]
    current: tuple[str, str] = field(default=(NEUTRAL_CATALOG, NEUTRAL_SCHEMA))


class SessionPool:
    """Hands out sessions per principal; safe for use by many threads."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._idle: defaultdict[str, list[StatementSession]] = defaultdict(list)
        self._lock = threading.Lock()

    def acquire(self, caller: Principal) -> StatementSession:
        """Return a session of the caller that nobody else uses and that knows all catalogs."""
        catalogs = set(self._workspace.unity.catalogs(caller))
        session = self._take_idle(caller.name)
        if session is None:
            return self._open(caller, catalogs)
        if unknown := catalogs - session.catalogs:
            settings = session_settings(session.token, sorted(unknown))
            session.spark.conf._set_all(dict(settings), silent=False)
            session.catalogs |= unknown
        return session

    def release(self, session: StatementSession, statement: str) -> None:
        """Take a session back after a statement that ended by itself."""
        is_young = time.time() - session.opened_at < SESSION_LIFETIME_S
        if is_young and _CLEAN.match(statement):
            with self._lock:
                idle = self._idle[session.principal]
                if len(idle) < IDLE_PER_PRINCIPAL:
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

    def discard_idle(self) -> None:
        """Close all sessions that nobody uses."""
        with self._lock:
            idle = [session for sessions in self._idle.values() for session in sessions]
            self._idle.clear()
        for session in idle:
            self.discard(session)

    def interrupt(self, session: StatementSession) -> None:
        """Cancel what the session runs."""
        interrupt(self._workspace.spark_url, session.principal, session.session_id)

    def _take_idle(self, principal: str) -> StatementSession | None:
        with self._lock:
            idle = self._idle[principal]
            return idle.pop() if idle else None

    def _open(self, caller: Principal, catalogs: set[str]) -> StatementSession:
        workspace, session_id = self._workspace, str(uuid.uuid4())
        token = workspace.mint_token(caller.name, TOKEN_LIFETIME_S, f"SQL session {session_id}")
        spark = open_session(workspace.spark_url, token, caller.name, sorted(catalogs), session_id)
        return StatementSession(spark, caller.name, session_id, token, time.time(), catalogs)


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
