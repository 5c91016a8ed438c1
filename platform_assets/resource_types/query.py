"""Saved SQL queries. https://docs.databricks.com/api/workspace/queries

The list calls say nothing of folders, so the candidates are got one by one: those of the name, or with the mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lakehouse.grammar.texts import control_problems
from lakehouse.names import TableName
from lakehouse.targets import Target
from platform_assets.resource_types.model import Clients, Resource, State, refuse
from platform_assets.resource_types.ownership import mark_labels
from platform_assets.resource_types.query_parameters import QueryParameter, parameter_problems, read_parameter
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.saved_object import Found, SavedObject, tree_path
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.sql_places import SqlReader, fill_places, list_keys, require_places

RUN_AS = ("VIEWER", "OWNER")

_PAGE = 100
_MARKS = ("managed_by=", "estate=")


@dataclass(frozen=True)
class Query(SqlReader, SavedObject):
    """A saved SQL query. In `text`, `{name}` stands for what `reads` calls so, and `:name` for the parameter.

    `schema`: where names without one are looked for. `run_as`: whose rights it runs with, VIEWER or OWNER.
    """

    text: str = ""
    reads: Mapping[str, Resource | TableName] = field(default_factory=dict, hash=False)
    parameters: tuple[QueryParameter, ...] = ()
    schema: Schema | None = None
    purpose: str = ""
    tags: tuple[str, ...] = ()
    run_as: str = "VIEWER"

    type_name = "query"
    mark_field = "tags"
    permissions_type = "queries"

    def __post_init__(self) -> None:
        require_places(self.key, self.text, self.reads)
        if self.run_as not in RUN_AS:
            raise refuse(self.key, f"run_as is one of {', '.join(RUN_AS)}, not {self.run_as!r}")
        for one in self.parameters:
            if not re.search(rf":{re.escape(one.name)}\b", self.text):
                raise refuse(self.key, f"its text has no :{one.name} for the parameter")

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its path, permissions, parameters, texts."""
        yield from super().find_problems(target)
        if not self.text.strip():
            yield "it has no text: write the SELECT that it shows"
        names = [one.name for one in self.parameters]
        yield from (f"the parameter {name} is declared twice" for name in {*names} if names.count(name) > 1)
        for one in self.parameters:
            yield from parameter_problems(one)
        for text in (self.text, self.purpose, *self.tags):
            yield from control_problems("its text, purpose or a tag", text)
        if any(not tag.strip() or tag != tag.strip() for tag in self.tags):
            yield "a tag is a text without blanks at its ends"

    @property
    def needs(self) -> tuple[str, ...]:
        """The schema, and the declared resources that it reads."""
        return (*([self.schema.key] if self.schema else []), *list_keys(self.reads))

    def fill_text(self, target: Target) -> str:
        """Return the text with physical names."""
        return fill_places(target, self.text, self.reads).strip()

    def desired_settings(self, target: Target) -> dict[str, Any]:
        """Text with physical names, parameters by name, tags with the mark, the rest as the API has it."""
        catalog, schema = self.schema.physical_name(target).split(".") if self.schema else (None, None)
        return {
            "query_text": self.fill_text(target),
            "parameters": {one.name: one.as_api() for one in self.parameters},
            "catalog": catalog,
            "schema": schema,
            "description": self.purpose,
            "tags": sorted({*self.tags, *_mark(target)}),
            "run_as_mode": self.run_as,
        }

    def read_whole(self, clients: Clients) -> State | None:
        """Read with all tags."""
        found = self.find(clients)
        return replace(self, tags=tuple(found.answer.tags or ())).read(clients) if found else None

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Query:
        """Text with places, parameters, schema, tags but the mark."""
        text, reads = rebuilding.name_places(state["query_text"])
        return replace(
            self,
            **self.rebuild_base(state, rebuilding),
            text=text,
            reads=reads,
            parameters=tuple(read_parameter(name, one) for name, one in state["parameters"].items()),
            schema=_find_schema(state, rebuilding),
            purpose=state["description"],
            tags=tuple(tag for tag in state["tags"] if tag not in _mark(rebuilding.target)),
            run_as=state["run_as_mode"],
        )

    @classmethod
    def list_found(cls, clients: Clients, title: str | None = None) -> Iterator[Found]:
        """List, and Get each candidate; one that has gone to the trash meanwhile is none."""
        api, mark = clients.workspace.queries, _mark(clients.target)
        for one in api.list(page_size=_PAGE):
            if one.display_name == title if title else mark <= set(one.tags or []):
                found = unless_missing(lambda identity=str(one.id): api.get(identity))  # type: ignore[misc]
                if found and not (found.lifecycle_state and found.lifecycle_state.value == "TRASHED"):
                    yield Found(str(found.id), f"{tree_path(found.parent_path)}/{found.display_name}", found)

    def read_settings(self, clients: Clients, found: Found, warehouses: Mapping[str, str]) -> dict[str, Any]:
        """Of the tags those that are declared, and marks: others put their own."""
        answer, tags = found.answer, {*self.tags, *_mark(clients.target)}
        parameters = [one.as_dict() for one in answer.parameters or []]
        return {
            "query_text": (answer.query_text or "").strip(),
            "parameters": {one.pop("name"): one for one in parameters},
            "catalog": answer.catalog or None,
            "schema": answer.schema or None,
            "description": answer.description or "",
            "tags": sorted(one for one in answer.tags or [] if one in tags or one.startswith(_MARKS)),
            "run_as_mode": answer.run_as_mode.value if answer.run_as_mode else None,
        }

    def make(self, clients: Clients, folder: str, desired: State) -> str:
        """Create; a name that is taken is refused, not numbered."""
        from databricks.sdk.service.sql import CreateQueryRequestQuery

        fields = {**self._as_fields(clients, desired, [*desired]), "display_name": self.title, "parent_path": folder}
        query = CreateQueryRequestQuery.from_dict(fields)
        return str(clients.workspace.queries.create(query=query, auto_resolve_display_name=False).id)

    def change(self, clients: Clients, found: Found, desired: State, names: list[str]) -> None:
        """Update the fields that differ; others' tags stay."""
        from databricks.sdk.service.sql import UpdateQueryRequestQuery

        fields = self._as_fields(clients, desired, names)
        if "tags" in fields:
            fields["tags"] = sorted({*(found.answer.tags or []), *fields["tags"]})
        query = UpdateQueryRequestQuery.from_dict(fields)
        clients.workspace.queries.update(found.identity, ",".join(fields), query=query)

    def trash(self, clients: Clients, identity: str) -> None:
        """Delete, which moves it to the trash."""
        clients.workspace.queries.delete(identity)

    def _as_fields(self, clients: Clients, desired: State, names: list[str]) -> dict[str, Any]:
        fields = {name: desired[name] for name in names if name not in ("warehouse", "permissions", "parameters")}
        if "warehouse" in names:
            fields["warehouse_id"] = self.warehouse_id(clients, desired)
        if "parameters" in names:
            fields["parameters"] = [{"name": name, **one} for name, one in desired["parameters"].items()]
        return fields


def _find_schema(state: State, rebuilding: Rebuilding) -> Schema | None:
    if not (state["catalog"] or state["schema"]):
        return None
    found = rebuilding.find("schema", f"{state['catalog']}.{state['schema']}")
    if not isinstance(found, Schema):
        raise NotExpressible(f"its schema {state['catalog']}.{state['schema']} is none of this estate's")
    return found


def _mark(target: Target) -> set[str]:
    return {f"{key}={value}" for key, value in mark_labels(target).items()}
