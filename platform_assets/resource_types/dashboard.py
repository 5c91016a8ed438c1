"""AI/BI dashboards, which the API calls Lakeview. https://docs.databricks.com/api/workspace/lakeview

The API does not show what is published, only when: a draft that was changed later is published anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from lakehouse.grammar.places import is_source
from lakehouse.names import TableName
from lakehouse.targets import Target
from platform_assets.grammar.names import simple_name_problems
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State, refuse
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.saved_object import Found, SavedObject
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.sql_places import (
    SqlReader,
    fill_lines,
    list_keys,
    mark_lines,
    match_marked,
    require_places,
)
from platform_assets.resource_types.workspace_object import list_estate

SOURCES = Path(__file__).parent.parent / "dashboards"
SUFFIX = ".lvdash.json"
_CANVAS = "PAGE_TYPE_CANVAS"  # what the service calls a page that does not say what it is


@dataclass(frozen=True)
class Dashboard(SqlReader, SavedObject):
    """An AI/BI dashboard; its definition is platform_assets/dashboards/<source>.lvdash.json, exported from the editor.

    In the SQL of the file, `{name}` stands for what `reads` calls so. `embeds_credentials`: who looks at what is
    published sees the data with the deployer's rights, not with their own.
    """

    source: str = ""
    reads: Mapping[str, Resource | TableName] = field(default_factory=dict, hash=False)
    published: bool = True
    embeds_credentials: bool = False

    type_name = "dashboard"
    permissions_type = "dashboards"

    def __post_init__(self) -> None:
        if self.source:
            for_all = "\n;\n".join("".join(lines) for lines in _list_queries(_parse(self.key, self.text)))
            require_places(self.key, for_all, self.reads)

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its path, permissions, source."""
        yield from super().find_problems(target)
        yield from simple_name_problems(self.source, self.source)

    @property
    def text(self) -> str:
        """The definition with its places."""
        path = SOURCES / f"{self.source}{SUFFIX}"
        if not is_source(path):
            raise refuse(
                self.key, f"there is no file platform_assets/dashboards/{path.name}: export the dashboard there"
            )
        return path.read_text()

    @property
    def needs(self) -> tuple[str, ...]:
        """The declared resources that it reads."""
        return list_keys(self.reads)

    def desired_settings(self, target: Target) -> dict[str, Any]:
        """The definition with physical names, and whether and how it is published."""
        how = {"warehouse": self.warehouse_name(target), "embed_credentials": self.embeds_credentials}
        return {
            "definition": _change_queries(
                _parse(self.key, self.text), lambda lines: fill_lines(target, lines, self.reads)
            ),
            "published": {**how, "is_current": True} if self.published else None,
        }

    def find(self, clients: Clients) -> Found | None:
        """Get its status by its path, then the draft."""
        path, api = self.physical_name(clients.target), clients.workspace
        status = unless_missing(lambda: api.workspace.get_status(f"{path}{SUFFIX}"))
        if status is None:
            return None
        draft = unless_missing(lambda: api.lakeview.get(str(status.resource_id)))
        return Found(str(status.resource_id), path, draft) if draft else None

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Dashboard]:
        """List the estate's folder and those in it, with what else lies there."""
        for path in list_estate(listing, "DASHBOARD"):
            yield cls(path.removesuffix(SUFFIX))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Dashboard:
        """The file of this repository that has its definition, and what stands in its places.

        Raises:
            NotExpressible: there is no such file.
        """
        for path in sorted(SOURCES.glob(f"*{SUFFIX}"), key=lambda one: one.name != f"{self.title}{SUFFIX}"):
            reads = _match_places(_parse(self.key, path.read_text()), state["definition"], rebuilding)
            if reads is not None:
                return replace(
                    self,
                    **self.rebuild_base(state, rebuilding),
                    source=path.name.removesuffix(SUFFIX),
                    reads=reads,
                    published=state["published"] is not None,
                    embeds_credentials=bool((state["published"] or {}).get("embed_credentials")),
                )
        raise NotExpressible(
            f"no file of platform_assets/dashboards has its definition: export it there as {self.title}{SUFFIX}"
        )

    def read_settings(self, clients: Clients, found: Found, warehouses: Mapping[str, str]) -> dict[str, Any]:
        """What the draft says; then Get what is published."""
        api, draft = clients.workspace.lakeview, found.answer
        published = unless_missing(lambda: api.get_published(found.identity))
        state = None
        if published:
            warehouse = str(published.warehouse_id)
            state = {
                "warehouse": warehouses.get(warehouse, warehouse),
                "embed_credentials": bool(published.embed_credentials),
                "is_current": _as_time(published.revision_create_time) >= _as_time(draft.update_time),
            }
        return {"definition": _parse(self.key, draft.serialized_dashboard or "{}"), "published": state}

    def make(self, clients: Clients, folder: str, desired: State) -> str:
        """Create a draft, and publish it."""
        from databricks.sdk.service.dashboards import Dashboard as Draft

        warehouse = self.warehouse_id(clients, desired)
        text = json.dumps(desired["definition"])
        draft = Draft(display_name=self.title, parent_path=folder, serialized_dashboard=text, warehouse_id=warehouse)
        identity = str(clients.workspace.lakeview.create(draft).dashboard_id)
        self._publish(clients, identity, desired, warehouse)
        return identity

    def change(self, clients: Clients, found: Found, desired: State, names: list[str]) -> None:
        """Update the draft unless somebody changed it since it was read; then publish it, or take back what was."""
        from databricks.sdk.errors import ResourceConflict
        from databricks.sdk.service.dashboards import Dashboard as Draft

        warehouse = self.warehouse_id(clients, desired)
        draft = Draft(
            etag=found.answer.etag,
            warehouse_id=warehouse if "warehouse" in names else None,
            serialized_dashboard=json.dumps(desired["definition"]) if "definition" in names else None,
        )
        if {"warehouse", "definition"} & {*names}:
            try:
                clients.workspace.lakeview.update(found.identity, draft)
            except ResourceConflict:  # by us, if an answer was lost
                if not self._is_done(clients, desired, warehouse):
                    raise
        self._publish(clients, found.identity, desired, warehouse)

    def trash(self, clients: Clients, identity: str) -> None:
        """Trash, with what is published."""
        clients.workspace.lakeview.trash(identity)

    def _publish(self, clients: Clients, identity: str, desired: State, warehouse: str) -> None:
        api, published = clients.workspace.lakeview, desired["published"]
        if published:
            api.publish(identity, embed_credentials=published["embed_credentials"], warehouse_id=warehouse)
        else:
            unless_missing(lambda: api.unpublish(identity))

    def _is_done(self, clients: Clients, desired: State, warehouse: str) -> bool:
        found = self.find(clients)
        if found is None or found.answer.warehouse_id != warehouse:
            return False
        return bool(_parse(self.key, found.answer.serialized_dashboard or "{}") == desired["definition"])


def _match_places(declared: Any, found: Any, rebuilding: Rebuilding) -> dict[str, Resource | TableName] | None:
    """Return what stands in the places of a definition to make it the one that is there; None if nothing does."""
    marked = _change_queries(declared, mark_lines)
    pattern = match_marked(json.dumps(marked, sort_keys=True, ensure_ascii=False))
    match = pattern.fullmatch(json.dumps(found, sort_keys=True, ensure_ascii=False))
    if match is None:
        return None
    named = match.groupdict()
    reads = {place: one for place, text in named.items() if (one := rebuilding.find_named(text))}
    return reads if reads.keys() == named.keys() else None


def _change_queries(definition: Any, change: Callable[[list[str]], list[str]]) -> Any:
    """Return a definition with the SQL of its datasets changed; it is one text in `query`, or lines of `queryLines`."""
    for dataset in definition.get("datasets") or []:
        if "queryLines" in dataset:
            dataset["queryLines"] = change(dataset["queryLines"])
        elif "query" in dataset:
            dataset["query"] = change([dataset["query"]])[0]
    return definition


def _list_queries(definition: Any) -> list[list[str]]:
    found: list[list[str]] = []
    _change_queries(definition, lambda lines: found.append(lines) or lines)  # type: ignore[func-returns-value]
    return found


def _parse(key: str, text: str) -> Any:
    """Return a definition in one form: with the type of each page."""
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise refuse(key, f"its definition is no JSON: {error}") from None
    if not isinstance(definition, dict):
        raise refuse(key, "its definition is no JSON object: export the dashboard from the editor again")
    for page in definition.get("pages") or []:
        page.setdefault("pageType", _CANVAS)
    return definition


def _as_time(text: str | None) -> datetime:
    return datetime.fromisoformat((text or "1970-01-01T00:00:00Z").replace("Z", "+00:00"))
