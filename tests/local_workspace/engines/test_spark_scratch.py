"""Spark's scratch: empty at each start, and nobody's but the one Spark's that lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from local_workspace.engines.moto_server import EngineFailed
from local_workspace.engines.processes import start_process
from local_workspace.engines.spark_scratch import claim_empty


def test_what_a_killed_spark_left_is_gone_and_what_it_linked_to_is_not(tmp_path: Path) -> None:
    scratch, outside = tmp_path / "spark" / "scratch", tmp_path / "outside"
    outside.write_text("kept")
    with claim_empty(scratch):
        (scratch / "blockmgr-1" / "0c").mkdir(parents=True)
        (scratch / "blockmgr-1" / "0c" / "shuffle").write_text("left")
        (scratch / "link").symlink_to(outside)
    with claim_empty(scratch):
        assert list(scratch.iterdir()) == [] and outside.read_text() == "kept"


@pytest.mark.parametrize("holds", [True, False])
def test_scratch_belongs_to_the_process_that_has_its_lock(tmp_path: Path, holds: bool) -> None:
    scratch = tmp_path / "scratch"
    with claim_empty(scratch) as lock:
        kept = (lock,) if holds else ()
        child = start_process("child", ["sleep", "100"], tmp_path / "log", kept_open=kept)
        (scratch / "mine").touch()
    if holds:
        with pytest.raises(EngineFailed, match=r"scratch\.lock.*End it"), claim_empty(scratch, patience_s=0.2):
            pytest.fail("an earlier one still uses it")
        assert (scratch / "mine").exists()
        child.stop()
    with claim_empty(scratch):
        assert not (scratch / "mine").exists()
    child.stop()


def test_scratch_that_cannot_be_emptied_is_named(tmp_path: Path) -> None:
    (tmp_path / "scratch").touch()
    with pytest.raises(EngineFailed, match="cannot be emptied.*Remove it by hand"), claim_empty(tmp_path / "scratch"):
        pytest.fail("it is a file")
    lock = os.open(tmp_path / "scratch.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given back
    os.close(lock)
