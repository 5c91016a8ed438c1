"""Pipes messages through a volume, as they come: files 1.json, 2.json, ... of JSON lines, each written whole.

The stock writer of dagster_pipes waits ten seconds between files and looks once a second; here a message is out at
once, the next file a third of a second later, and all are before the step ends. Prints are messages too. A step that
ends with nothing said has no files: that it did is in a name.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Queue
from typing import Any, TextIO

from dagster_pipes import PipesMessage, PipesMessageWriter, PipesMessageWriterChannel, PipesParams

INTERVAL_S = 0.3
NEWS = ".news"  # a file beside the folder, there first; its size is the number of files: one listing tells what is new
SILENCE = ".silence"  # another one: opened, closed, and nothing said in between
NOTHING_SAID: list[tuple[str, Any]] = [("opened", {"extras": {}}), ("closed", {})]


class VolumeMessageWriter(PipesMessageWriter["VolumeChannel"]):
    """Opens the channel into the directory that the orchestrator named."""

    @contextmanager
    def open(self, params: PipesParams) -> Iterator[VolumeChannel]:
        """Write messages for as long as the block runs; when it ends, all are written."""
        channel = VolumeChannel(params["path"])
        try:
            yield channel
        finally:
            channel.close()


class VolumeChannel(PipesMessageWriterChannel):
    """Takes messages from any thread, writes them from one."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._messages: Queue[PipesMessage | None] = Queue()
        self._written = 0
        self._error: Exception | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._write_files, name="pipes-messages", daemon=True)
        self._thread.start()

    def write_message(self, message: PipesMessage) -> None:
        """Take a message."""
        self._messages.put(message)

    def close(self) -> None:
        """Write what is left.

        Raises:
            OSError: a file could not be written: the orchestrator does not know what was done.
        """
        self._closing.set()
        self._messages.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _write_files(self) -> None:
        try:
            os.makedirs(os.path.dirname(self._directory), exist_ok=True)
            self._tell(NEWS, "")  # that there will be files: "opened" itself waits for something to go with
            is_open = True
            while is_open:
                batch, is_open = self._take_batch()
                if not self._written and [(one["method"], one["params"]) for one in batch] == NOTHING_SAID:
                    self._tell(SILENCE, "")
                elif batch:
                    self._write_file(join_prints(batch))
                    self._closing.wait(INTERVAL_S)
        except Exception as error:  # noqa: BLE001 - raised by close, in the thread that owns the step
            self._error = error

    def _take_batch(self) -> tuple[list[PipesMessage], bool]:
        """Wait for a message that says something and take all that are there; False with the last batch."""
        batch = [self._messages.get()]
        if batch[0] is not None and batch[0]["method"] == "opened":
            batch.append(self._messages.get())
        while not self._messages.empty():
            batch.append(self._messages.get())
        messages = [message for message in batch if message is not None]
        return messages, len(messages) == len(batch)

    def _write_file(self, batch: list[PipesMessage]) -> None:
        if not self._written:
            os.makedirs(self._directory, exist_ok=True)
        self._written += 1
        with open(f"{self._directory}/{self._written}.json", "w", encoding="utf-8") as file:
            file.write("\n".join(json.dumps(message) for message in batch))
        self._tell(NEWS, "." * self._written)

    def _tell(self, kind: str, text: str) -> None:
        with open(f"{self._directory}{kind}", "w", encoding="utf-8") as file:
            file.write(text)


def join_prints(batch: Sequence[PipesMessage]) -> list[PipesMessage]:
    """Return the batch with neighbouring pieces of one stream joined: print() writes a line in two."""
    joined: list[PipesMessage] = []
    for message in batch:
        if joined and _continues(joined[-1], message):
            params = joined[-1]["params"] or {}
            text = params["text"] + (message["params"] or {})["text"]
            joined[-1] = {**joined[-1], "params": {**params, "text": text}}
        else:
            joined.append(message)
    return joined


def _continues(before: PipesMessage, message: PipesMessage) -> bool:
    if not before["method"] == message["method"] == "log_external_stream":
        return False
    return (before["params"] or {}).get("stream") == (message["params"] or {}).get("stream")


class _Tee:
    """A text stream that also hands on what is written."""

    def __init__(self, stream: TextIO, hand_on: Callable[[str], None]) -> None:
        self._stream = stream
        self._hand_on = hand_on

    def write(self, text: str) -> int:
        """Write to both."""
        if text:
            self._hand_on(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def tee_output(hand_on: Callable[[str, str], None]) -> Iterator[None]:
    """Hand on what the block prints: `hand_on("stdout" or "stderr", text)`."""
    streams = sys.stdout, sys.stderr
    sys.stdout = _Tee(streams[0], lambda text: hand_on("stdout", text))
    sys.stderr = _Tee(streams[1], lambda text: hand_on("stderr", text))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
