"""Result chunks of statements: Arrow streams in files under the workspace's home, written once, read by index."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc

from local_workspace.gateway.store import Document

CHUNK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Where a result ends: rows, bytes; past `fail_bytes` it is refused rather than cut."""

    rows: int | None
    bytes: int | None
    fail_bytes: int | None


class ResultTooLarge(Exception):
    """The result does not fit the inline disposition."""


class ResultStore:
    """The directory of all results."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def write(
        self, statement_id: str, batches: Iterable[pa.RecordBatch], schema: pa.Schema, limits: Limits
    ) -> Document:
        """Write the chunks and return what the manifest says about them: chunks, total counts, truncated.

        Raises:
            ResultTooLarge: past limits.fail_bytes.
        """
        meter = _Meter(limits)
        chunks: list[Document] = []
        for chunk in _group(meter.cut(batches)):
            chunks.append(self._write_chunk(statement_id, len(chunks), chunk, schema, chunks))
        if not chunks:
            chunks.append(self._write_chunk(statement_id, 0, [], schema, chunks))
        total_bytes = sum(chunk["byte_count"] for chunk in chunks)
        return {
            "chunks": chunks,
            "total_chunk_count": len(chunks),
            "total_row_count": meter.rows,
            "total_byte_count": total_bytes,
            "truncated": meter.is_truncated,
        }

    def read(self, statement_id: str, index: int) -> bytes:
        """Return a chunk as an Arrow stream."""
        return self._path(statement_id, index).read_bytes()

    def delete(self, statement_id: str) -> None:
        """Remove a statement's chunks, if there are any."""
        shutil.rmtree(self._directory / statement_id, ignore_errors=True)

    def _path(self, statement_id: str, index: int) -> Path:
        return self._directory / statement_id / f"{index}.arrow"

    def _write_chunk(
        self, statement_id: str, index: int, batches: list[pa.RecordBatch], schema: pa.Schema, before: list[Document]
    ) -> Document:
        path = self._path(statement_id, index)
        path.parent.mkdir(parents=True, exist_ok=True)
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        return {
            "chunk_index": index,
            "row_offset": sum(chunk["row_count"] for chunk in before),
            "row_count": sum(batch.num_rows for batch in batches),
            "byte_count": path.stat().st_size,
        }


class _Meter:
    """Counts rows and bytes, and cuts the flow of batches where a limit is reached."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bytes = 0
        self.rows = 0
        self.is_truncated = False

    def cut(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            kept = min(batch.num_rows, self._rows_that_fit(batch))
            if kept:
                self.rows += kept
                self._bytes += batch.nbytes * kept // batch.num_rows
                yield batch.slice(0, kept)
            if self._limits.fail_bytes is not None and self._bytes > self._limits.fail_bytes:
                raise ResultTooLarge
            if kept < batch.num_rows:
                self.is_truncated = True
                return

    def _rows_that_fit(self, batch: pa.RecordBatch) -> int:
        fits = int(batch.num_rows)
        if self._limits.rows is not None:
            fits = min(fits, self._limits.rows - self.rows)
        if self._limits.bytes is not None and batch.nbytes:
            fits = min(fits, (self._limits.bytes - self._bytes) * batch.num_rows // batch.nbytes)
        return max(fits, 0)


def _group(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Yield lists of batches of about CHUNK_BYTES each; a batch is never larger than a chunk."""
    group: list[pa.RecordBatch] = []
    size = 0
    for batch in _split(batches):
        if group and size + batch.nbytes > CHUNK_BYTES:
            yield group
            group, size = [], 0
        group.append(batch)
        size += batch.nbytes
    if group:
        yield group


def _split(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = max(1, batch.num_rows * CHUNK_BYTES // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)
