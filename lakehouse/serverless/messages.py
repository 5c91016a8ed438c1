"""Pipes messages of running steps, read from a volume as they come: files 1.json, 2.json, ... of JSON lines.

Each attempt has a folder of its own, derived from its token, so a step that re-attaches reads the same messages from
the start. The steps of a Dagster run lie side by side: one listing tells which of them have something new.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from dagster import PipesMessageReader
from dagster_pipes import PipesParams

from lakehouse.serverless.patience import call_patiently
from lakehouse.serverless.service_thread import ServiceThread

if TYPE_CHECKING:
    from dagster._core.pipes.context import PipesMessageHandler
    from databricks.sdk import WorkspaceClient

# A new step may be a short one: it is looked at often, then less and less. What is printed is written at once after
# silence, and 0.3 s after the file before otherwise, so even the slowest has it in Dagster within a second.
FASTEST_S, SLOWER_BY, TALKATIVE_S, SLOWEST_S, OF_MANY_S = 0.25, 1.3, 0.5, 0.85, 0.92
FEW = 3  # more steps always have news
NEXT_S = 1.0  # by then there is the next listing: of many steps' runs that end together, none lists for itself
NEWS = ".news"  # a file beside the folder, there from the start; its size is the number of files of messages
SILENCE = ".silence"  # another one, of a step that has closed: nothing was said, there are no files
NOTHING_SAID = '{"method": "opened", "params": {"extras": {}}}\n{"method": "closed", "params": {}}'


class _OneWriter(PipesMessageReader):
    @property
    def expected_writer_count(self) -> int:  # the base class's own says with a warning that it is in preview
        return 1


class NoMessages(_OneWriter):
    """Reads nothing: for code that does not speak Pipes, such as a JAR."""

    closed = None
    break_off = False

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """Wait for nothing."""
        yield {}

    def no_messages_debug_text(self) -> str:
        """Say that none are expected."""
        return "A JAR does not speak Pipes."


class VolumeMessageReader(_OneWriter):
    """Reads one attempt's messages, which are in the folder `token` of `directory`; a new reader for every attempt.

    `closed` is set by the last message: the run is about to end. `break_off`, known at the end: some were to come, but
    not the last.
    """

    def __init__(self, feed: MessageFeed, directory: str, token: str) -> None:
        self.closed = threading.Event()
        self.break_off = False
        self._feed = feed
        self._directory, self._token = directory, token

    @contextmanager
    def read_messages(self, handler: PipesMessageHandler) -> Iterator[PipesParams]:
        """Hand messages to the handler while the block runs; at its end, all that are left."""
        inbox = _Inbox(self._feed, self._directory, self._token, handler, self.closed)
        with self._feed.delivers(inbox):
            yield {"path": inbox.folder}
            if inbox.was_heard and self._feed.serves_many:
                self.closed.wait(NEXT_S)
        if inbox.error is not None:
            raise inbox.error
        self.break_off = inbox.finish()

    def no_messages_debug_text(self) -> str:
        """Say where messages were expected."""
        return f"Expected messages in {self._directory}/{self._token}/1.json, 2.json, ..."


class MessageFeed:
    """Delivers the messages of all steps of this process, by one thread."""

    def __init__(self, workspace: WorkspaceClient, patience_s: float) -> None:
        self._files = workspace.files
        self._patience_s = patience_s
        self.serves_many = False
        self._pause_s = FASTEST_S
        self._thread: ServiceThread[_Inbox] = ServiceThread("pipes-messages", self._deliver_all)

    def delivers(self, inbox: _Inbox) -> AbstractContextManager[None]:
        """Fill the inbox while the block runs."""
        self._pause_s = FASTEST_S
        return self._thread.serves(inbox)

    def read_file(self, path: str) -> str | None:
        """Return a file's text, None if it is not there (yet)."""
        from databricks.sdk.errors import NotFound

        def read() -> str | None:
            try:
                contents = self._files.download(path).contents
            except NotFound:
                return None
            assert contents is not None  # the SDK's type is wider than its code
            with contents:
                return contents.read().decode()

        return call_patiently(read, self._patience_s, midway=True)

    def list_directory(self, directory: str) -> dict[str, int]:
        """Return the sizes of what is in a directory, by name; nothing if it is not there (yet)."""
        from databricks.sdk.errors import NotFound

        def read() -> dict[str, int]:
            try:
                return {str(one.name): one.file_size or 0 for one in self._files.list_directory_contents(directory)}
            except NotFound:
                return {}

        return call_patiently(read, self._patience_s, midway=True)

    def _deliver_all(self, inboxes: Sequence[_Inbox]) -> tuple[float, float]:
        by_directory = defaultdict(list)
        for inbox in inboxes:
            by_directory[inbox.directory].append(inbox)
        found = [self._deliver(directory, members) for directory, members in by_directory.items()]
        self.serves_many = len(inboxes) > FEW
        if self.serves_many:
            pause_s = TALKATIVE_S if any(found) else OF_MANY_S
            return pause_s, pause_s
        self._pause_s = min(TALKATIVE_S if any(found) else SLOWEST_S, self._pause_s * SLOWER_BY)
        return self._pause_s, 0.0

    def _deliver(self, directory: str, inboxes: Iterable[_Inbox]) -> bool:
        """Hand over what is new in a directory; say whether anything was."""
        try:
            sizes = self.list_directory(directory)
        except Exception as error:  # noqa: BLE001 - raised by the threads that own the steps
            for inbox in inboxes:
                inbox.error = error
            return False
        found = [inbox.take(sizes) for inbox in inboxes]  # of all of them, whatever the first says
        return any(found)


class _Inbox:
    """What has come of one attempt's messages."""

    def __init__(
        self, feed: MessageFeed, directory: str, token: str, handler: PipesMessageHandler, closed: threading.Event
    ) -> None:
        self.directory = directory
        self.folder = f"{directory}/{token}"
        self.error: Exception | None = None
        self.was_heard = False
        self._feed = feed
        self._token = token
        self._handler = handler
        self._closed = closed
        self._lock = threading.Lock()
        self._next = 1
        self._size = 0

    def take(self, sizes: dict[str, int]) -> bool:
        """Hand over what is new, judging by the names and sizes in the directory; say whether there will be more.

        Where a folder has no news beside it, its writer is the stock one and its files have to be asked for.
        """
        if self.error is not None:
            return False
        size = sizes.get(f"{self._token}{NEWS}")
        self.was_heard = size is not None
        try:
            if f"{self._token}{SILENCE}" in sizes:
                self._hear_silence()
            found = (self._token in sizes if size is None else size != self._size) and self.drain(size)
        except Exception as error:  # noqa: BLE001 - raised by the thread that owns the step
            self.error = error
            return False
        self._size = size or 0
        return found and not self._closed.is_set()

    def finish(self) -> bool:
        """Hand over all that is left, the run having ended; say whether it breaks off: it began but has no end."""
        if self._closed.is_set():
            return False
        sizes = self._feed.list_directory(self.directory)
        if f"{self._token}{SILENCE}" in sizes:
            self._hear_silence()
        elif not {self._token, f"{self._token}{NEWS}"}.isdisjoint(sizes):
            self.drain()  # beyond the news, too: who was killed may not have told the last
            return not self._closed.is_set()
        return False

    def drain(self, last: int | None = None) -> bool:
        """Hand over all files that are there, or those up to the last one known; say whether there was one."""
        found = False
        with self._lock:
            while not self._closed.is_set() and (last is None or self._next <= last):
                text = self._feed.read_file(f"{self.folder}/{self._next}.json")
                if text is None:
                    break
                found = True
                self._next += 1
                self._hand_over(text)
        return found

    def _hear_silence(self) -> None:
        with self._lock:
            if not self._closed.is_set():
                self._hand_over(NOTHING_SAID)

    def _hand_over(self, text: str) -> None:
        for line in text.splitlines():
            self._handler.handle_message(json.loads(line))
        if self._handler.received_closed_message:
            self._closed.set()
