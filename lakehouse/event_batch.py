"""Rows of many events for Dagster's SQLite event log: what the stock log writes of each, by statements made once.

Putting a statement together takes SQLAlchemy longer than carrying it out takes SQLite, and an event's JSON stands in
two tables. Connections and transactions are `lakehouse.event_log`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dagster import AssetCheckEvaluation
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects import sqlite

Row = Mapping[str, Any]  # by the columns of `event_logs`, or of `asset_keys`

_INSERT_EVENT = SqlEventLogStorageTable.insert()
_CHECKS = AssetCheckExecutionsTable
_INSERT_CHECK = _CHECKS.insert()
_UPDATE_CHECK = _CHECKS.update().where(
    *(
        _CHECKS.c[column].is_not_distinct_from(bindparam(f"planned_{column}"))
        for column in ("asset_key", "check_name", "run_id", "partition")
    )
)


def insert_events(connection: Connection, events: Sequence[Row]) -> None:
    """Insert events in this order."""
    connection.execute(_INSERT_EVENT, events)


def insert_event(connection: Connection, event: Row) -> int:
    """Insert an event and return its id."""
    key = connection.execute(_INSERT_EVENT, event).inserted_primary_key
    assert key is not None  # a single row has one
    return int(key[0])


def put_assets(connection: Connection, assets: Sequence[Row]) -> None:
    """Insert or update assets, all with the same columns; of one that comes twice the later row stays."""
    if assets:
        insert = sqlite.insert(AssetKeyTable)
        news = {column: insert.excluded[column] for column in assets[0]}
        connection.execute(insert.on_conflict_do_update(index_elements=["asset_key"], set_=news), assets)


def put_check(connection: Connection, evaluation: AssetCheckEvaluation, event: Row, event_id: int) -> None:
    """Write the evaluation over the row that its planned event has left, or insert one where none was planned."""
    status, about = AssetCheckExecutionRecordStatus, evaluation.target_materialization_data
    news = {
        "execution_status": (status.SUCCEEDED if evaluation.passed else status.FAILED).value,
        "evaluation_event": event["event"],
        "evaluation_event_timestamp": event["timestamp"],
        "evaluation_event_storage_id": event_id,
        "materialization_event_storage_id": about.storage_id if about else None,
    }
    name = {
        "asset_key": evaluation.asset_key.to_string(),
        "check_name": evaluation.check_name,
        "run_id": event["run_id"],
        "partition": evaluation.partition,
    }
    planned = {f"planned_{column}": value for column, value in name.items()}
    if connection.execute(_UPDATE_CHECK, {**news, **planned}).rowcount == 0:
        connection.execute(_INSERT_CHECK, {**news, **name})
