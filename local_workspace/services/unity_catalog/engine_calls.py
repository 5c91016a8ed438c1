"""Calls of the Spark server, which knows more of a query than a REST call says: that a table is read through a view.

A view reads as its owner, so its readers need no right on what is below it. Only the server that resolves the view
can tell; it proves itself with the secret it was started with.
"""

from __future__ import annotations

from urllib.parse import unquote

from local_workspace.gateway.calls import Call, Principal
from local_workspace.gateway.errors import not_found, permission_denied
from local_workspace.gateway.principals import load_owner
from local_workspace.gateway.store import Document
from local_workspace.services.unity_catalog.object_names import find_full_name_problem


def is_engine(call: Call) -> bool:
    """Say whether the Spark server asks."""
    return call.workspace.is_engine(call.headers.get("x-local-engine", ""))


def reader(call: Call) -> Principal:
    """Return who reads: the caller, or inside a view the view's owner."""
    view = unquote(call.headers.get("x-local-view", ""))
    if not view:
        return call.caller
    if not is_engine(call):
        raise permission_denied(f"User '{call.caller.name}' is not the Spark server and cannot read as a view's owner.")
    owner = call.workspace.unity.securables.load("table", view)["owner"]
    return load_owner(call.workspace.store, str(owner))


def load_for_engine(call: Call, full_name: str) -> Document:
    """Return a table or view to the engine. Using a table needs a credential, which is decided later; a view none."""
    unity = call.workspace.unity
    # Spark asks for parquet.`s3://bucket/x` before it takes that for a path, and does so if there is no such table.
    if full_name.count(".") != 2 or find_full_name_problem(full_name):
        raise not_found(f"Table '{full_name}' does not exist.", "TABLE_DOES_NOT_EXIST")
    table = unity.securables.load("table", full_name)
    if table["table_type"] == "VIEW":
        unity.check(reader(call), "SELECT", "table", full_name)
    return table
