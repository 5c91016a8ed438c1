"""Which tables a run opened, and whether for writing: noted when its token gets a credential, or registers a table."""

from __future__ import annotations

from typing import NamedTuple

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Call
from local_workspace.gateway.store import Store
from local_workspace.services.jobs.records import TABLE_USE, key_of

RUN_TOKEN = "run "  # how the comment of a run's token begins; the task run's id follows


class TableUse(NamedTuple):
    """A table that a task run opened."""

    full_name: str
    writes: bool


def note_use(call: Call, full_name: str, writes: bool) -> None:
    """Note that the caller's run opened a table; a caller that is no run leaves nothing."""
    store = call.workspace.store
    comment = str(principals.find_token(store, call.token)[1]["comment"]) if call.token else ""
    if not comment.startswith(RUN_TOKEN):
        return
    key = f"{key_of(int(comment.removeprefix(RUN_TOKEN)))}/{full_name}"
    known = store.get(TABLE_USE, key)
    if known is None or (writes and not known["writes"]):
        store.put(TABLE_USE, key, {"full_name": full_name, "writes": writes})


def list_uses(store: Store, task_run_id: int) -> list[TableUse]:
    """Return the tables that a task run opened, by name."""
    found = store.scan(TABLE_USE, f"{key_of(task_run_id)}/")
    return [TableUse(document["full_name"], document["writes"]) for _, document in found]
