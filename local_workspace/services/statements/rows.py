"""Answers of the REST API as the rows that the SQL of Unity Catalog shows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from local_workspace.services.statements.commands import Command


@dataclass(frozen=True)
class Rows:
    """A result of strings."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()


def show_pages(command: Command, pages: list[dict[str, Any]]) -> Rows:
    """Return what SHOW ... shows of the pages of its list call; nothing of other commands."""
    if not command.show:
        return Rows()
    if command.show == "catalogs":
        return Rows(("catalog",), tuple((item["name"],) for page in pages for item in page.get("catalogs", [])))
    if command.show == "volumes":
        found = (item for page in pages for item in page.get("volumes", []))
        return Rows(("database", "volume_name"), tuple((item["schema_name"], item["name"]) for item in found))
    kind, name = command.call.path.rsplit("/", 2)[1:]
    rows = tuple(
        (entry["principal"], _privilege_text(privilege), kind.replace("-", "_").upper(), name)
        for page in pages
        for entry in page.get("privilege_assignments", [])
        for privilege in entry.get("privileges", [])
        if not command.principal or entry["principal"] == command.principal
    )
    return Rows(("Principal", "ActionType", "ObjectType", "ObjectKey"), rows)


def _privilege_text(privilege: Any) -> str:
    name = privilege["privilege"] if isinstance(privilege, dict) else privilege
    return str(name).replace("_", " ")
