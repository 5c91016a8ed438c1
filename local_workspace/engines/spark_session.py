"""Spark Connect sessions that act as one principal: how they are opened, interrupted, released.

Used by the gateway (SQL statements) and inside serverless workers; imports pyspark only when called.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from local_workspace.engines.spark_errors import show_reasons

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

CATALOG_CLASS = "io.unitycatalog.local.GatewayCatalog"


def open_session(
    spark_url: str,
    token: str,
    principal: str,
    catalogs: Iterable[str],
    session_id: str | None = None,
    repeats: bool = True,
) -> SparkSession:
    """Open a session in which every table, path and volume is reached with the rights of `token`.

    `session_id` (a UUID) lets another process interrupt it. The session is nobody's default session. One that does not
    repeat fails at once when Spark is gone; else it calls again for ten minutes.
    """
    from pyspark.sql.connect.session import SparkSession

    show_reasons()
    session = SparkSession(connection=session_url(spark_url, principal, session_id or str(uuid.uuid4())))
    if not repeats:
        session.client.set_retry_policies([])
    settings: dict[str, str | int | bool] = dict(session_settings(token, catalogs))
    session.conf._set_all(settings, silent=False)
    return session


def session_url(spark_url: str, principal: str, session_id: str) -> str:
    """Return the connection string."""
    return f"{spark_url}/;user_id={quote(principal, safe='')};session_id={session_id}"


def session_settings(token: str, catalogs: Iterable[str]) -> dict[str, str]:
    """Return the session configuration that binds a session to the token."""
    settings = {
        "fs.lakehouse.token": token,
        "fs.defaultFS": "dbfs:///",
    }
    for catalog in catalogs:
        settings[f"spark.sql.catalog.{catalog}"] = CATALOG_CLASS
        settings[f"spark.sql.catalog.{catalog}.token"] = token
    return settings


def interrupt(spark_url: str, principal: str, session_id: str) -> None:
    """Cancel whatever that session is running; a session that is gone is no error, and a Spark that is gone fails."""
    from pyspark.sql.connect.session import SparkSession

    session = SparkSession(connection=session_url(spark_url, principal, session_id))
    # this is a second handle on a session that somebody else owns and goes on using
    session.release_session_on_close = False
    session.client.set_retry_policies([])
    try:
        session.interruptAll()
    finally:
        session.client.close()
