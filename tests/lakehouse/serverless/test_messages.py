"""Messages of many steps: each once, in order, for few calls; those of who was killed before it told the last, too."""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from contextlib import ExitStack
from typing import Any

from databricks.sdk.errors import NotFound
from databricks.sdk.service.files import DirectoryEntry, DownloadResponse

from lakehouse.serverless.messages import FEW, MessageFeed, VolumeMessageReader

OPENED, CLOSED = {"method": "opened", "params": {"extras": {}}}, {"method": "closed", "params": {}}


class Files:
    """The files of a workspace, by path below "/box", and how often they were asked for."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.calls: Counter[str] = Counter()

    @property
    def files(self) -> Any:
        return self

    def list_directory_contents(self, directory: str) -> list[DirectoryEntry]:
        self.calls["list"] += 1
        assert directory == "/box"
        files = [DirectoryEntry(name=name, file_size=len(text)) for name, text in self.texts.items() if "/" not in name]
        folders = {name.partition("/")[0] for name in self.texts if "/" in name}
        return [*files, *(DirectoryEntry(name=name, is_directory=True) for name in folders)]

    def download(self, path: str) -> DownloadResponse:
        self.calls["read"] += 1
        text = self.texts.get(path.removeprefix("/box/"))
        if text is None:
            raise NotFound(path)
        return DownloadResponse(contents=io.BytesIO(text.encode()))

    def write(self, token: str, *batches: list[Any], told: int | None = None) -> None:
        for number, batch in enumerate(batches, 1):
            self.texts[f"{token}/{number}.json"] = "\n".join(json.dumps(one) for one in batch)
        self.texts[f"{token}.news"] = "." * (len(batches) if told is None else told)


class Handler:
    """Takes messages as Dagster does."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    @property
    def received_closed_message(self) -> bool:
        return CLOSED in self.heard

    def handle_message(self, message: Any) -> None:
        assert not self.received_closed_message
        self.heard.append(message)


def log(number: int) -> dict[str, Any]:
    return {"method": "log", "params": {"message": str(number)}}


def test_many_that_say_nothing_cost_listings_only() -> None:
    workspace: Any = Files()
    feed = MessageFeed(workspace, 0)
    tokens = [f"t{number}" for number in range(50)]
    readers = {token: VolumeMessageReader(feed, "/box", token) for token in tokens}
    handlers: dict[str, Any] = {token: Handler() for token in tokens}
    with ExitStack() as stack:
        for token in tokens:
            workspace.write(token)
            stack.enter_context(readers[token].read_messages(handlers[token]))
        threading.Event().wait(1.5)
        assert workspace.calls["list"] <= 4
        assert not any(reader.closed.is_set() for reader in readers.values())
        for token in tokens[1:]:  # all at once, and their runs have ended as well
            workspace.texts[f"{token}.silence"] = ""
        workspace.write(tokens[0], [OPENED, log(1)], [log(2), CLOSED])
    assert all(handler.heard == [OPENED, CLOSED] for token, handler in handlers.items() if token != tokens[0])
    assert handlers[tokens[0]].heard == [OPENED, log(1), log(2), CLOSED]
    assert not any(reader.break_off for reader in readers.values())
    assert workspace.calls["read"] == 2
    assert workspace.calls["list"] <= 8


def hear_all(workspace: Any) -> tuple[list[Any], bool]:
    """Return what a reader that comes after the end hears, and whether that breaks off."""
    reader, handler = VolumeMessageReader(MessageFeed(workspace, 0), "/box", "t"), Handler()
    taken: Any = handler
    with reader.read_messages(taken):
        pass
    return handler.heard, reader.break_off


def test_who_comes_after_the_end_hears_all_of_it() -> None:
    workspace = Files()
    workspace.write("t", [OPENED, log(1)], [log(2), CLOSED])
    assert hear_all(workspace) == ([OPENED, log(1), log(2), CLOSED], False)
    workspace = Files()
    workspace.write("t")
    workspace.texts["t.silence"] = ""
    assert hear_all(workspace) == ([OPENED, CLOSED], False)


def test_what_was_written_and_not_told_is_heard_and_breaks_off() -> None:
    workspace = Files()
    workspace.write("t", [OPENED, log(1)], [log(2)], told=1)
    assert hear_all(workspace) == ([OPENED, log(1), log(2)], True)


def test_the_silence_of_another_is_nobodys_end() -> None:
    workspace = Files()
    workspace.write("t")
    workspace.texts["t2.silence"] = ""
    assert hear_all(workspace) == ([], True)
    assert hear_all(Files()) == ([], False)


def test_an_error_is_raised_by_each_who_waits() -> None:
    class Denied(Files):
        def list_directory_contents(self, directory: str) -> list[DirectoryEntry]:
            raise ValueError(directory)

    workspace: Any = Denied()
    feed, failures = MessageFeed(workspace, 0), []
    for number in range(FEW):
        try:
            handler: Any = Handler()
            with VolumeMessageReader(feed, "/box", f"t{number}").read_messages(handler):
                threading.Event().wait(0.5)
        except ValueError as error:
            failures.append(str(error))
    assert failures == ["/box"] * FEW
