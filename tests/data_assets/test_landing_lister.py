"""What has landed is asked of the volume: a denied answer is an error that names the right, never "nothing there"."""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest

from data_assets.steps._lister import LandingUnreadable, has_landed, is_empty, list_files

DAY = "2013-01-02"


@pytest.fixture
def landing(tmp_path: Path) -> str:
    """A data set's folder with a file of a day, in a directory that stands for the volume."""
    folder = tmp_path / "flights" / f"date={DAY}"
    folder.mkdir(parents=True)
    (folder / "f.json").write_text("{}")
    return str(tmp_path / "flights")


@pytest.mark.parametrize("denied", range(3))
def test_a_denied_listing_raises_whichever_it_is(landing: str, monkeypatch: pytest.MonkeyPatch, denied: int) -> None:
    calls, real = iter(range(10)), os.scandir

    def scan(path: str) -> Any:
        if next(calls) == denied:
            raise PermissionError(13, "User 'p' does not have READ VOLUME", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(LandingUnreadable, match="READ VOLUME on VOLUME"):
        list_files(landing, [DAY])


def test_a_volume_that_is_not_there_raises(tmp_path: Path) -> None:
    with pytest.raises(LandingUnreadable, match="The volume must exist"):
        has_landed(str(tmp_path / "nothing" / "flights"))


def test_a_folder_that_was_listed_and_is_not_there_has_nothing(tmp_path: Path) -> None:
    assert not has_landed(str(tmp_path / "flights"))
    assert list_files(str(tmp_path / "flights"), [DAY]) == {}


def test_a_file_that_may_not_be_read_is_not_called_empty(landing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list_files(landing, [DAY]) == {f"date={DAY}/f.json": DAY}
    assert not is_empty(landing, f"date={DAY}/f.json")
    assert is_empty(landing, f"date={DAY}/gone.json")

    def refuse(path: str, *_: Any) -> Any:
        raise PermissionError(13, "denied", path)

    monkeypatch.setattr(builtins, "open", refuse)
    with pytest.raises(LandingUnreadable, match="READ VOLUME"):
        is_empty(landing, f"date={DAY}/f.json")


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf"])
def test_a_file_of_nothing_or_a_byte_order_mark_is_empty(landing: str, content: bytes) -> None:
    (Path(landing) / f"date={DAY}" / "f.json").write_bytes(content)
    assert is_empty(landing, f"date={DAY}/f.json")
