"""Removes messages that nobody will collect any more: of Dagster runs that ended long ago, or that are not known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.storage.tags import ROOT_RUN_ID_TAG

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.service.files import DirectoryEntry

KEPT = timedelta(days=7)  # as long as a failed run may still be executed again "from failure"


def clean_messages(
    workspace: WorkspaceClient,
    messages_root: str,
    instance: dg.DagsterInstance,
    now: datetime | None = None,
    kept: timedelta = KEPT,
) -> Iterator[str]:
    """Remove the messages of runs that ended before `now` - `kept` and yield those runs' ids, one after the other.

    A run that goes on with another's work keeps that one's messages. Safe to be killed and done again.
    """
    oldest = (now or datetime.now(UTC)) - kept
    for directory in workspace.files.list_directory_contents(messages_root):
        root_run_id = directory.name or ""
        ended_at = _find_end(instance, root_run_id)
        if ended_at is not None and ended_at >= oldest:
            continue
        entries = list(_list_below(workspace, directory))
        if ended_at is None and _find_last_write(entries) >= oldest:
            continue
        for entry in (*entries, directory):
            _remove(workspace, entry)
        yield root_run_id


def _find_end(instance: dg.DagsterInstance, root_run_id: str) -> datetime | None:
    """Return when the last run of a work ended: never if one is active; None if that is not known."""
    runs = instance.get_run_records(dg.RunsFilter(run_ids=[root_run_id]))
    runs = [*runs, *instance.get_run_records(dg.RunsFilter(tags={ROOT_RUN_ID_TAG: root_run_id}))]
    if any(not record.dagster_run.is_finished for record in runs):
        return datetime.max.replace(tzinfo=UTC)
    return max((datetime.fromtimestamp(record.end_time, UTC) for record in runs if record.end_time), default=None)


def _find_last_write(entries: list[DirectoryEntry]) -> datetime:
    return datetime.fromtimestamp(max((entry.last_modified or 0 for entry in entries), default=0) / 1000, UTC)


def _list_below(workspace: WorkspaceClient, directory: DirectoryEntry) -> Iterator[DirectoryEntry]:
    """Yield what is in a directory, what is in folders before the folder itself."""
    for entry in workspace.files.list_directory_contents(directory.path or ""):
        if entry.is_directory:
            yield from _list_below(workspace, entry)
        yield entry


def _remove(workspace: WorkspaceClient, entry: DirectoryEntry) -> None:
    from databricks.sdk.errors import NotFound

    try:
        if entry.is_directory:
            workspace.files.delete_directory(entry.path or "")
        else:
            workspace.files.delete(entry.path or "")
    except NotFound:  # another clean-up was faster
        return
