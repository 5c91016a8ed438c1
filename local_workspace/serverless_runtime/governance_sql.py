"""Lets `spark.sql` of a run take what Spark's parser does not: GRANT, USE CATALOG, volumes, catalogs.

The grammar is that of SQL warehouses; what it means is asked of the REST API with the run's rights.
"""

from __future__ import annotations

from typing import Any

from local_workspace.serverless_runtime.gateway_client import GatewayClient, GatewayError
from local_workspace.services.statements.commands import Command
from local_workspace.services.statements.failures import SQL_STATES, StatementFailed
from local_workspace.services.statements.grammar import is_governance, to_spark, try_parse
from local_workspace.services.statements.rows import Rows, show_pages


def teach_governance(session: Any, client: GatewayClient) -> None:
    """Put the governance statements in front of the session's own `sql`."""
    spark_sql = session.sql

    def sql(sqlQuery: str, args: Any = None, **options: Any) -> Any:
        if args or options or not is_governance(sqlQuery):
            return spark_sql(to_spark(sqlQuery), args, **options)
        try:
            command = try_parse(sqlQuery, session.catalog.currentCatalog(), session.catalog.currentDatabase())
            assert command is not None
            if command.analysis:
                _ = spark_sql(command.analysis).schema  # which analyses it
            return _as_frame(session, _run(client, command))
        except StatementFailed as error:
            raise _analysis_error(str(error)) from None

    session.sql = sql


def _run(client: GatewayClient, command: Command) -> Rows:
    pages: list[dict[str, Any]] = []
    query = dict(command.call.query)
    try:
        while True:
            body = command.call.body or None
            pages.append(client.call(command.call.method, command.call.path, query, body))
            if not (token := pages[-1].get("next_page_token")):
                return show_pages(command, pages)
            query["page_token"] = token
    except GatewayError as error:
        if error.status == command.ignore_status:
            return Rows()
        condition, state = SQL_STATES.get(error.status, (error.error_code, "42000"))
        raise StatementFailed(condition, error.message, state) from None


def _as_frame(session: Any, rows: Rows) -> Any:
    from pyspark.sql.types import StringType, StructField, StructType

    schema = StructType([StructField(name, StringType()) for name in rows.columns])
    return session.createDataFrame([list(row) for row in rows.rows], schema)


def _analysis_error(message: str) -> Exception:
    from pyspark.errors import AnalysisException

    return AnalysisException(message)
