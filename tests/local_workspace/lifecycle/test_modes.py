"""State is its owner's alone: modes of all files and directories, and where keys lie in clear."""

from __future__ import annotations

import configparser
import os
import sqlite3
import stat
from pathlib import Path

from lakehouse.targets import Target
from local_workspace import lifecycle
from local_workspace.lifecycle.files import read_tokens
from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import Scratch, run_sql


def test_nothing_of_a_workspace_that_works_is_open_to_others(
    warm_target: Target, workspace: WarmWorkspace, scratch: Scratch
) -> None:
    run_sql(workspace, "deployer", "SELECT count(*) FROM range(10) GROUP BY id % 3 ORDER BY 1")
    assert warm_target.profiles_home is not None
    assert _open_to_others(warm_target.profiles_home) == []


def test_a_state_directory_that_was_open_is_closed_with_all_in_it(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        home = lifecycle.workspace_home(tmp_path, "old")
        (home / "logs").mkdir(parents=True, mode=0o777)
        (home / "up.lock").touch(0o666)
        (home / "logs" / "moto.log").touch(0o644)
        lifecycle.up("old", tmp_path, tmp_path / "cache", ("moto",))
        lifecycle.down("old", tmp_path)
    finally:
        os.umask(old_mask)
    assert _open_to_others(home) == []
    assert home.stat().st_mode & 0o777 == 0o700


def test_keys_are_in_the_profiles_alone_and_stay_the_same(tmp_path: Path) -> None:
    home = lifecycle.workspace_home(tmp_path, "a")
    found = []
    for _ in range(2):
        lifecycle.up("a", tmp_path, tmp_path / "cache", ("moto",))
        lifecycle.down("a", tmp_path)
        found.append((home / "aws" / "credentials").read_text())
    assert found[0] == found[1]
    profiles = configparser.ConfigParser()
    profiles.read_string(found[0])
    secrets = [profiles[name]["aws_secret_access_key"] for name in profiles.sections()]
    state = "".join(sqlite3.connect(home / "state.sqlite").iterdump())
    logs = "".join(path.read_text() for path in (home / "logs").iterdir())
    for secret in [*secrets, *read_tokens(home).values()]:
        assert secret not in state
        assert secret not in logs


def _open_to_others(directory: Path) -> list[str]:
    """Return what others can read, write or enter. A JAR that Spark made executable for all is none of these."""
    modes = {path: path.lstat().st_mode for path in [directory, *directory.rglob("*")] if not path.is_symlink()}
    return [f"{path} {mode:o}" for path, mode in modes.items() if mode & (0o077 if stat.S_ISDIR(mode) else 0o066)]
