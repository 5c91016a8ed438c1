"""The ahead-of-time caches are made once, whole, and leave nothing beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local_workspace.engines import aot_cache
from local_workspace.engines.spark_client import client_command
from local_workspace.engines.toolchain import Toolchain


class Training:
    """Stands for the training run, which takes a minute: writes what it would have made, or nothing."""

    def __init__(self, made: bytes | None) -> None:
        self.made = made
        self.runs = 0

    def __call__(self, _toolchain: Any, _directory: Path, *caches: Path) -> None:
        self.runs += 1
        if self.made is not None:
            for cache in caches:
                cache.write_bytes(self.made)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "spark" / "jars.aot"


def ensure(cache: Path, monkeypatch: pytest.MonkeyPatch, made: bytes | None = b"classes") -> tuple[Training, list[str]]:
    training, said = Training(made), list[str]()
    monkeypatch.setattr(aot_cache, "_train", training)
    toolchain = Toolchain(cache.with_name("jars"), cache.with_name("plugin.jar"), cache)
    aot_cache.ensure_aot_caches(toolchain, said.append)
    return training, said


def test_it_is_made_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, said = ensure(cache, monkeypatch)
    again, silent = ensure(cache, monkeypatch)
    assert (first.runs, again.runs, cache.read_bytes()) == (1, 0, b"classes")
    assert len(said) == 1 and silent == []


def test_what_a_killed_set_up_and_other_jars_left_goes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.parent.mkdir()
    for name in ("jars.4711", "other.aot"):
        (cache.parent / name).write_bytes(b"left")
    ensure(cache, monkeypatch)
    assert sorted(cache.parent.iterdir()) == [cache, cache.with_name("jars.client.aot")]


def test_a_training_that_made_nothing_is_no_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it everything works, only slower."""
    ensure(cache, monkeypatch, made=None)
    assert list(cache.parent.iterdir()) == []


def test_jar_tasks_use_theirs_where_it_is(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolchain = Toolchain(cache.with_name("jars"), cache.with_name("plugin.jar"), cache)
    option = f"-XX:AOTCache={toolchain.client_aot_cache}"
    assert option not in client_command(toolchain)
    ensure(cache, monkeypatch)
    assert option in client_command(toolchain)
