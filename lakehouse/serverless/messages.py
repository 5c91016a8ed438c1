"""Pipes messages of a running step, read from a volume as they come: files 1.json, 2.json, ... of JSON lines.

The directory derives from the attempt's token, so a step that re-attaches reads the same messages from the start.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagster import PipesMessageReader
from dagster_pipes import PipesParams

from lakehouse.serverless.patience import call_patiently

if TYPE_CHECKING:
    from dagster._core.pipes.context import PipesMessageHandler
    from databricks.sdk import WorkspaceClient

FASTEST_S, SLOWEST_S = 0.25, 1.0


class VolumeMessageReader(PipesMessageReader):
    """Reads one attempt's messages; a new reader for every attempt.

    `closed` is set by the last message: the run is about to end.
    """

    def __init__(self, workspace: WorkspaceClient, directory: str, patience_s: float) -> None:
        self._files = workspace.files
        self._directory = directory
        self._patience_s = patience_s
        self._next = 1
        self._ended = threading.Event()
        self.closed = threading.Event()
        self._error: Exception | None = None

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """Hand messages to the handler while the block runs; at its end, all that are left."""
        thread = threading.Thread(target=self._follow, args=(handler,), name="pipes-messages", daemon=True)
        thread.start()
        try:
            yield {"path": self._directory}
        finally:
            self._ended.set()
            thread.join()
        if self._error is not None:
            raise self._error
        self._drain(handler)

    def no_messages_debug_text(self) -> str:
        """Say where messages were expected."""
        return f"Expected messages in {self._directory}/1.json, 2.json, ..."

    def _follow(self, handler: PipesMessageHandler) -> None:
        pause = FASTEST_S
        try:
            while not self._ended.wait(pause):
                pause = FASTEST_S if self._drain(handler) else min(SLOWEST_S, pause * 1.3)
        except Exception as error:  # noqa: BLE001 - raised by the thread that owns the step
            self._error = error

    def _drain(self, handler: PipesMessageHandler) -> bool:
        """Hand over all files that are there; say whether there was one."""
        found = False
        while (text := call_patiently(self._read_next, self._patience_s)) is not None:
            found = True
            self._next += 1
            for line in text.splitlines():
                handler.handle_message(json.loads(line))
            if handler.received_closed_message:
                self.closed.set()
        return found

    def _read_next(self) -> str | None:
        from databricks.sdk.errors import NotFound

        try:
            contents = self._files.download(f"{self._directory}/{self._next}.json").contents
        except NotFound:
            return None
        assert contents is not None  # the SDK's type is wider than its code
        with contents:
            return contents.read().decode()
