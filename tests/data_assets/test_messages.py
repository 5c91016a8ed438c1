"""Messages of a step: in order, each file whole, all written before the step ends; prints are among them."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from data_assets.steps._messages import VolumeChannel, VolumeMessageWriter, join_prints, tee_output
from tests.waiting import wait_until


def read_all(directory: Path) -> list[Any]:
    files = sorted(directory.glob("*.json"), key=lambda path: int(path.stem))
    assert [path.stem for path in files] == [str(number + 1) for number in range(len(files))]
    return [json.loads(line) for path in files for line in path.read_text().splitlines()]


def message(number: int) -> Any:
    return {"method": "log", "params": {"message": str(number), "level": "INFO"}}


def test_all_messages_are_written_in_order_before_the_end(tmp_path: Path) -> None:
    with VolumeMessageWriter().open({"path": str(tmp_path / "new")}) as channel:
        for number in range(500):
            channel.write_message(message(number))
    assert [one["params"]["message"] for one in read_all(tmp_path / "new")] == [str(number) for number in range(500)]


def test_a_print_is_one_message() -> None:
    def piece(stream: str, text: str) -> Any:
        return {"method": "log_external_stream", "params": {"stream": stream, "text": text, "extras": {}}}

    batch = [piece("stdout", "a"), piece("stdout", "\n"), piece("stderr", "b"), message(1), piece("stderr", "c")]
    joined = [piece("stdout", "a\n"), piece("stderr", "b"), message(1), piece("stderr", "c")]
    assert join_prints(batch) == joined


def test_a_message_is_out_while_the_step_goes_on(tmp_path: Path) -> None:
    channel = VolumeChannel(str(tmp_path))
    channel.write_message(message(1))
    wait_until((tmp_path / "1.json").exists)
    assert len(read_all(tmp_path)) == 1
    channel.write_message(message(2))
    channel.close()
    assert len(read_all(tmp_path)) == 2


def test_the_folder_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a volume each look at a directory is a request or two."""
    made: list[str] = []
    make = os.makedirs
    monkeypatch.setattr(os, "makedirs", lambda path, **options: (made.append(str(path)), make(path, **options)))
    folder = tmp_path / "x" / "token"
    channel = VolumeChannel(str(folder))
    for number in (1, 2):
        channel.write_message(message(number))
        wait_until((folder / f"{number}.json").exists)
    channel.close()
    assert made.count(str(folder)) == 1


def test_that_it_has_opened_is_told_by_the_news_until_there_is_something_to_say(tmp_path: Path) -> None:
    folder, news = tmp_path / "new", tmp_path / "new.news"
    channel = VolumeChannel(str(folder))
    opened: Any = {"method": "opened", "params": {}}
    channel.write_message(opened)
    wait_until(news.exists)
    assert news.read_text() == ""
    assert read_all(folder) == []
    channel.write_message(message(1))
    wait_until(lambda: news.read_text() == ".")
    channel.close()
    assert [one["method"] for one in read_all(folder)] == ["opened", "log"]
    assert len(list(folder.iterdir())) == 1


def test_that_nothing_was_said_is_told_by_a_name(tmp_path: Path) -> None:
    opened: Any = {"method": "opened", "params": {"extras": {}}}
    closed: Any = {"method": "closed", "params": {}}
    failed: Any = {"method": "closed", "params": {"exception": {"name": "ValueError"}}}
    for name, said in {"silent": [opened, closed], "failed": [opened, failed], "broken": [opened]}.items():
        with VolumeMessageWriter().open({"path": str(tmp_path / name)}) as channel:
            for one in said:
                channel.write_message(one)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("broken", "broken.news", "failed", "failed.news", "silent.news", "silent.silence")
    ]
    assert read_all(tmp_path / "failed") == [opened, failed]


def test_ending_waits_for_nothing(tmp_path: Path) -> None:
    channel = VolumeChannel(str(tmp_path))
    started = time.monotonic()
    channel.write_message(message(1))
    channel.close()
    assert time.monotonic() - started < 5
    assert len(read_all(tmp_path)) == 1


def test_a_place_that_cannot_be_written_fails_the_step(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError), VolumeMessageWriter().open({"path": str(tmp_path / "file")}) as channel:
        channel.write_message(message(1))


def test_prints_are_handed_on_and_still_printed(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[tuple[str, str]] = []
    with tee_output(lambda stream, text: heard.append((stream, text))):
        print("out", end="")
        print("err", end="", file=sys.stderr)
    print("after", end="")
    assert heard == [("stdout", "out"), ("stderr", "err")]
    assert capsys.readouterr() == ("outafter", "err")
