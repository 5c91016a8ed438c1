"""Dagster's SQLite event log with connections that stay open: an event costs 2 ms instead of 25.

A backfill of a year writes an event per table and day. The stock log opens and closes two databases for each, and the
last close of a database in WAL mode moves the whole log over; every commit waits for the disk as well.
A step with a thousand results that are there already has their events stored by the hundred (`stored_together`).
A killed process loses nothing but what is held so; a machine that loses power may lose the last events, as
`synchronous=NORMAL` says. Runs themselves are kept in another database, untouched here.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import AssetCheckEvaluation, AssetExecutionContext, DagsterEventType, StringSource
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.event import listen
from sqlalchemy.pool import QueuePool

from lakehouse.event_batch import Row, insert_event, insert_events, put_assets, put_check

MOST_OPEN = 16  # a database per run; a webserver reads many
BUSY_TIMEOUT_S = 30
MOST_HELD = 200
_MADE_OF_RESULTS = {
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_CHECK_EVALUATION,
}


@contextmanager
def stored_together(context: AssetExecutionContext) -> Iterator[None]:
    """Store up to `MOST_HELD` events that Dagster makes of the results yielded in this block in one transaction.

    Nothing may be waited for between two results. All else that the step's thread stores or reads comes after what is
    held, so a step's end is never stored without its results. Logs that are not ours store each event as it comes.
    """
    log = context.instance.event_log_storage
    if isinstance(log, OpenSqliteEventLog):
        with log.holding(context.run.run_id, context.get_step_execution_context().step.key):
            yield
    else:
        yield


class _Held(threading.local):
    """What this thread has made and not stored yet: events of one step of one run."""

    def __init__(self) -> None:
        self.step: tuple[str, str] | None = None
        self.events: list[EventLogEntry] = []


class OpenSqliteEventLog(SqliteEventLogStorage):
    """The same files at the same place as the stock log, `history/runs` under the instance's home."""

    def __init__(self, home: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._has_index_columns = False
        self._tables: set[str] = set()
        self._held = _Held()
        super().__init__(str(Path(home) / "history" / "runs"), inst_data)

    @classmethod
    def config_type(cls) -> Any:
        """What dagster.yaml says: the instance's home."""
        return {"home": StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> OpenSqliteEventLog:
        """Make the log that dagster.yaml asks for."""
        return cls(inst_data=inst_data, **config_value)

    def wipe(self) -> None:
        """Forget all events; the databases of runs are removed."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close all databases."""
        self._close()
        super().dispose()

    def has_table(self, table_name: str) -> bool:
        """Ask until it is there; the stock log opens the database to look for every event of an asset."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def holding(self, run_id: str, step_key: str) -> Iterator[None]:
        """See `stored_together`."""
        self._held.step = run_id, step_key
        try:
            yield
        finally:
            self._held.step = None
            self._store_held()

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event, or hold it if it was made of a result of the step that says so."""
        if self._held.step != (event.run_id, event.step_key) or event.dagster_event_type not in _MADE_OF_RESULTS:
            super().store_event(event)
            return
        self._held.events.append(event)
        if len(self._held.events) >= MOST_HELD:
            self._store_held()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        self._store_held()
        with self._db_lock, self._open(shard).begin() as connection:
            yield connection

    def _store_held(self) -> None:
        """Let go of what is held when both databases have it; if one refuses it, the next to ask is refused as well."""
        if not self._held.events:
            return
        run_id = self._held.events[0].run_id
        with (
            self._db_lock,
            self._open(INDEX_SHARD_NAME).begin() as index,
            self._open(run_id).begin() as run,  # commits first, as with the stock log
        ):
            self._insert(index, run, self._held.events)
        self._held.events.clear()

    def _insert(self, index: Connection, run: Connection, events: Sequence[EventLogEntry]) -> None:
        rows = [self._event_to_row(event) for event in events]
        insert_events(run, rows)
        made: dict[int, EventLogEntry] = {}
        for event, row in zip(events, rows, strict=True):
            what = event.get_dagster_event()
            if what.event_type is DagsterEventType.STEP_OUTPUT:
                continue
            event_id = insert_event(index, row)
            if isinstance(what.event_specific_data, AssetCheckEvaluation):
                put_check(index, what.event_specific_data, row, event_id)
            else:
                made[event_id] = event
        self._store_asset_event_tags(index, [*made.values()], [*made])
        put_assets(index, [self._describe_asset(index, event, event_id) for event_id, event in made.items()])

    def _describe_asset(self, index: Connection, event: EventLogEntry, event_id: int) -> Row:
        asset_key = event.get_dagster_event().asset_key
        assert asset_key is not None  # a materialization has one
        has_columns = self._has_asset_key_index_cols_on_connection(index)
        return {"asset_key": asset_key.to_string(), **self._get_asset_entry_values(event, event_id, has_columns)}

    def _has_asset_key_index_cols_on_connection(self, conn: Connection) -> bool:
        """Ask once; the stock log reads the table's columns again for every event."""
        if not self._has_index_columns:
            self._has_index_columns = super()._has_asset_key_index_cols_on_connection(conn)
        return self._has_index_columns

    def _open(self, shard: str) -> Engine:
        if shard in self._engines:
            self._engines.move_to_end(shard)
            return self._engines[shard]
        while len(self._engines) >= MOST_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        engine = create_engine(
            self.conn_string_for_shard(shard),
            poolclass=QueuePool,
            pool_size=1,
            connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
        )
        listen(engine, "connect", _wait_less)
        self._initdb(engine)
        self._engines[shard] = engine
        return engine

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _wait_less(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
