"""Writes a system table as a Delta table: each version holds all rows, in one Parquet file named by its content.

So what is there says itself whether it is up to date, and a write that is interrupted or done twice leaves the table
whole. The format is Delta's transaction log protocol, reader version 1 and writer version 2.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from local_workspace.services.unity_catalog.storage_urls import split_url

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace


class Snapshots:
    """The versions of one table under a URL. Callers take care that there is one writer."""

    def __init__(self, workspace: Workspace, url: str, schema: pa.Schema) -> None:
        self._s3 = workspace.aws("s3")
        self._bucket, self._prefix = split_url(url)
        self._schema = schema

    def write(self, rows: Sequence[dict[str, Any]]) -> bool:
        """Make the rows the table's newest version; say whether they were not."""
        name = f"part-{_digest(rows)}.parquet"
        version, active = self._read_newest()
        if active == name:
            return False
        body = self._encode(rows)
        self._put(name, body)
        actions: list[dict[str, Any]] = [] if version >= 0 else self._creation()
        now = _now_ms()
        if active:
            actions.append({"remove": {"path": active, "deletionTimestamp": now, "dataChange": True}})
        added = {"path": name, "partitionValues": {}, "size": len(body), "modificationTime": now, "dataChange": True}
        actions.append({"add": added})
        self._put(_log_name(version + 1), "\n".join(map(json.dumps, actions)).encode())
        return True

    def _read_newest(self) -> tuple[int, str]:
        """Return the newest version and the file it added; -1 if there is no table yet."""
        folder = f"{self._prefix}_delta_log/"
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=folder)
        names = [one["Key"].removeprefix(folder) for page in pages for one in page.get("Contents", [])]
        versions = [int(name.removesuffix(".json")) for name in names if name.endswith(".json")]
        if not versions:
            return -1, ""
        newest = max(versions)
        key = f"{self._prefix}{_log_name(newest)}"
        text = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()
        added = [action["add"]["path"] for line in text.splitlines() if "add" in (action := json.loads(line))]
        return newest, added[0]

    def _creation(self) -> list[dict[str, Any]]:
        from pyspark.sql.pandas.types import from_arrow_schema  # a third of a second, once in a workspace's life

        described = {
            "id": hashlib.md5(self._prefix.encode(), usedforsecurity=False).hexdigest(),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": from_arrow_schema(self._schema).json(),
            "partitionColumns": [],
            "configuration": {},
            "createdTime": _now_ms(),
        }
        return [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": described}]

    def _encode(self, rows: Sequence[dict[str, Any]]) -> bytes:
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(list(rows), schema=self._schema), buffer)
        return buffer.getvalue()

    def _put(self, name: str, body: bytes) -> None:
        self._s3.put_object(Bucket=self._bucket, Key=f"{self._prefix}{name}", Body=body)


def _log_name(version: int) -> str:
    return f"_delta_log/{version:020d}.json"


def _digest(rows: Sequence[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(rows, default=str).encode()).hexdigest()[:32]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
