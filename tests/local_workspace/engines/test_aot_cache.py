"""The ahead-of-time caches are made once, whole, and leave nothing beside them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local_workspace.engines import aot_cache
from local_workspace.engines.spark_client import client_command
from local_workspace.engines.toolchain import Toolchain


class Training:
    """Stands for the training run, which takes a minute: writes what it would have made, or nothing."""

    def __init__(self, made: bytes | None) -> None:
        self.made = made
        self.runs = 0

    def __call__(self, toolchain: Toolchain, _directory: Path, made: Path) -> None:
        self.runs += 1
        if self.made is not None:
            for cache in (toolchain.aot_cache, toolchain.client_aot_cache):
                (made / cache.name).write_bytes(self.made)


@pytest.fixture
def caches(tmp_path: Path) -> Path:
    return tmp_path / "aot"


def toolchain_of(caches: Path, fingerprint: str = "jars") -> Toolchain:
    jars = caches.with_name("jars")
    return Toolchain(jars, jars, jars / "plugin.jar", caches / fingerprint / "server.aot")


def ensure(
    toolchain: Toolchain, monkeypatch: pytest.MonkeyPatch, made: bytes | None = b"classes"
) -> tuple[Training, list[str]]:
    training, said = Training(made), list[str]()
    monkeypatch.setattr(aot_cache, "_train", training)
    aot_cache.ensure_aot_caches(toolchain, said.append)
    return training, said


def sets(caches: Path) -> set[str]:
    return {path.name for path in caches.iterdir() if path.is_dir()}


def test_they_are_made_once(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolchain = toolchain_of(caches)
    first, said = ensure(toolchain, monkeypatch)
    again, silent = ensure(toolchain, monkeypatch)
    assert (first.runs, again.runs) == (1, 0)
    assert toolchain.aot_cache.read_bytes() == toolchain.client_aot_cache.read_bytes() == b"classes"
    assert len(said) == 1 and silent == []


def test_what_a_killed_set_up_left_goes(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = caches / "tmp4711" / "jars"
    left.mkdir(parents=True)
    (left / "server.aot").write_bytes(b"hal")
    ensure(toolchain_of(caches), monkeypatch)
    assert sets(caches) == {"jars"}


def test_clones_that_differ_keep_theirs_until_there_are_many(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"clone-{number}" for number in range(aot_cache.MOST)]
    for age, name in enumerate(names):
        ensure(toolchain_of(caches, name), monkeypatch)
        os.utime(caches / name, (age, age))
    ensure(toolchain_of(caches, names[0]), monkeypatch)  # set up again: in use
    ensure(toolchain_of(caches, "one more"), monkeypatch)
    assert sets(caches) == {"one more", *names} - {names[1]}


def test_two_set_ups_at_once_train_once(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training, toolchain = Training(b"classes"), toolchain_of(caches)
    monkeypatch.setattr(aot_cache, "_train", training)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: aot_cache.ensure_aot_caches(toolchain, lambda _: None), range(2)))
    assert training.runs == 1


def test_a_training_that_made_nothing_is_no_error(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it everything works, only slower."""
    ensure(toolchain_of(caches), monkeypatch, made=None)
    assert sets(caches) == set()


def test_jar_tasks_use_theirs_where_it_is(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolchain = toolchain_of(caches)
    option = f"-XX:AOTCache={toolchain.client_aot_cache}"
    assert option not in client_command(toolchain)
    ensure(toolchain, monkeypatch)
    assert option in client_command(toolchain)
