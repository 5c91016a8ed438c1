"""Durable state of one local workspace: JSON documents by kind and key in one SQLite file.

Every acknowledged write survives kill -9 (WAL, one transaction per write); services keep no other state.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (kind TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
"""


BEFORE_IDS = 10**15  # ids have 16 digits, as the service's, and are exact in JavaScript


class AlreadyStored(Exception):
    """`insert` met an existing document."""


class Store:
    """Thread-safe document store. Keys of a kind are unique; `scan` is ordered by key."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        with self.transaction() as connection:
            for statement in _SCHEMA.strip().split("\n"):
                connection.execute(statement)

    def get(self, kind: str, key: str) -> Document | None:
        """Return the document, or None."""
        row = (
            self._connection().execute("SELECT body FROM documents WHERE kind = ? AND key = ?", (kind, key)).fetchone()
        )
        return json.loads(row[0]) if row else None

    def put(self, kind: str, key: str, document: Document) -> None:
        """Store the document, replacing one of the same key."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                (kind, key, json.dumps(document)),
            )

    def insert(self, kind: str, key: str, document: Document) -> None:
        """Store a new document.

        Raises:
            AlreadyStored: the key is taken.
        """
        with self.transaction() as connection:
            try:
                connection.execute("INSERT INTO documents VALUES (?, ?, ?)", (kind, key, json.dumps(document)))
            except sqlite3.IntegrityError:
                raise AlreadyStored(f"{kind} {key}") from None

    def delete(self, kind: str, key: str) -> bool:
        """Remove the document; say whether there was one."""
        with self.transaction() as connection:
            return connection.execute("DELETE FROM documents WHERE kind = ? AND key = ?", (kind, key)).rowcount > 0

    def scan(self, kind: str, prefix: str = "") -> list[tuple[str, Document]]:
        """Return (key, document) of all keys that start with `prefix`, ordered by key."""
        rows = self._connection().execute(
            "SELECT key, body FROM documents WHERE kind = ? AND key >= ? AND key < ? ORDER BY key",
            (kind, prefix, prefix + chr(0x10FFFF)),
        )
        return [(key, json.loads(body)) for key, body in rows]

    def next_id(self, kind: str) -> int:
        """Return the next id of a durable counter: 16 digits, greater than all that it gave before."""
        with self.transaction() as connection:
            row = connection.execute(
                "INSERT INTO counters VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET last = last + 1 RETURNING last",
                (kind,),
            ).fetchone()
            return BEFORE_IDS + int(row[0])

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block atomically; nested blocks of one thread join the outer one."""
        connection = self._connection()
        if self._local.depth:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        self._local.depth = 1
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        finally:
            self._local.depth = 0

    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            self._local.connection, self._local.depth = connection, 0
        return self._local.connection  # type: ignore[no-any-return]
