"""The toolchain: what clones share, and what it must not do on the way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_workspace.engines import toolchain

ASK = "import sys; from local_workspace.engines.toolchain import pyspark_jars; print(pyspark_jars(), *sys.modules)"


def test_the_jars_are_found_without_importing_pyspark() -> None:
    """The gateway imports it in another thread meanwhile: two at once fail, since its modules import in circles."""
    asked = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    jars, *modules = asked.stdout.split()
    assert jars.endswith("pyspark/jars")
    assert "pyspark" not in modules


@pytest.fixture
def clones(tmp_path: Path) -> list[Path]:
    """The jars of two environments with the same pyspark, and one with another."""
    made = [tmp_path / name / "jars" for name in ("first", "second", "other")]
    for jars in made:
        (jars / "connect-repl").mkdir(parents=True)
        (jars / "connect-repl" / "client.jar").write_bytes(b"client")
        (jars / "spark-4.jar").write_bytes(b"another" if "other" in jars.parts else b"spark")
    return made


def shared(cache: Path, jars: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache.mkdir(exist_ok=True)
    monkeypatch.setattr(toolchain, "pyspark_jars", lambda: jars)
    return toolchain._ensure_spark_jars(cache)


@pytest.mark.parametrize("is_same_disk", [True, False])
def test_clones_with_the_same_pyspark_share_its_jars(
    tmp_path: Path, clones: list[Path], monkeypatch: pytest.MonkeyPatch, is_same_disk: bool
) -> None:
    """An AOT cache fits jars at their paths, of their size, of their time."""
    if not is_same_disk:

        def refuse(_source: str, _destination: str) -> None:
            raise OSError(errno.EXDEV, "Invalid cross-device link")

        monkeypatch.setattr(os, "link", refuse)
    first, second, other = (shared(tmp_path / "cache", jars, monkeypatch) for jars in clones)
    assert first == second != other
    assert (first / "connect-repl" / "client.jar").read_bytes() == b"client"
    source, there = clones[0] / "spark-4.jar", first / "spark-4.jar"
    assert there.stat().st_mtime_ns == source.stat().st_mtime_ns
    assert there.samefile(source) == is_same_disk
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["spark"], "nothing half done is left"
