"""A repository of three commits: main has two, dev and the tag v1 are at the first."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import RepoInfo

from tests.git_remote import GitRemote, serve_remote

NOTEBOOK = b"# Databricks notebook source\nprint(1)\n"


@pytest.fixture
def remote() -> Iterator[GitRemote]:
    with serve_remote() as made:
        files = {"README.md": b"one\n", "etl/load.py": NOTEBOOK, "etl/deep/a.txt": b"a", "sql/b.sql": b"SELECT 1"}
        first = made.commit("main", files)
        made.branch("dev", "main")
        made.tag("v1", first)
        made.commit("main", {"README.md": b"two\n", "etl/deep/a.txt": None, "new.txt": b"n"})
        yield made


@pytest.fixture
def repo(ann: WorkspaceClient, folder: str, remote: GitRemote) -> RepoInfo:
    """Ann's clone of main."""
    made = ann.repos.create(remote.url, "gitHub", path=f"{folder}/flights")
    return RepoInfo.from_dict(made.as_dict())
