"""Shells of tables: columns and layout. What is in a table is the steps' business.

By SQL, since the REST call creates external Delta tables only. https://docs.databricks.com/api/workspace/tables
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from lakehouse.grammar.columns import column_problems, layout_problems
from lakehouse.grammar.texts import choice_problems
from lakehouse.identifiers import quote_identifier
from lakehouse.targets import Target
from platform_assets.grammar.aws import place_problems
from platform_assets.grammar.unity_catalog import property_problems
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, State
from platform_assets.resource_types.ownership import mark_labels, own_labels
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.schema_object import SchemaObject
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.sql_statements import (
    StatementFailed,
    list_properties,
    quote_name,
    quote_text,
    run_statement,
)
from platform_assets.resource_types.storage_places import require_folder
from platform_assets.resource_types.table_columns import (
    Column,
    alter_columns,
    define_column,
    describe_columns,
    match_spelling,
    normalize_type,
    read_columns,
    read_partitions,
    rebuild_columns,
    refuse_columns,
)

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import TableInfo

_CLUSTERING = "clusteringColumns"  # the property in which Unity Catalog says what a table is clustered by
_SET_BY_DELTA = (
    "table_type",
    "delta.feature.",
    "delta.lastCommit",
    "delta.lastUpdate",
    "delta.minReader",
    "delta.minWriter",
)
_TRIES, _PAUSE_S = 4, 0.5  # of an update that another one may have overtaken: Unity Catalog shows it a little later


@dataclass(frozen=True)
class Table(SchemaObject):
    """A Delta table's shell: managed, or with `bucket` and `folder` external.

    `other_columns` says what becomes of columns that are not declared, such as those a step adds: they block the table,
    or are reported and left. Properties that are not declared are others'.
    """

    columns: tuple[Column, ...] = ()
    bucket: str | None = None
    folder: str = ""
    partitioned_by: tuple[str, ...] = ()
    clustered_by: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict, hash=False)
    other_columns: Literal["block", "report"] = "block"
    purpose: str = ""

    type_name = "table"
    mark_field = "properties"
    references = {"bucket": "s3_bucket"}
    holds_data = True
    fixed = {
        "type": "a table is managed or external for life, and never becomes a view",
        "storage_location": "an external table stays where it was put",
        "partitioned_by": "other partitions need the data written anew",
    }
    reported = {"undeclared_columns": "are not declared: shown, not dropped"}

    def __post_init__(self) -> None:
        require_folder(self.key, self.folder)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The schema, and the location that covers an external table."""
        location = (f"external_location/{self.bucket}",) if self.bucket else ()
        return (self.schema_key, *location, *self.after)

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, folder, columns, layout, properties."""
        yield from super().find_problems(target)
        yield from place_problems(self.bucket, self.folder)
        yield from column_problems([column[:3] for column in self.columns])
        types = {column.name: normalize_type(column.type) for column in self.columns}
        yield from layout_problems(types, self.partitioned_by, self.clustered_by)
        yield from property_problems(self.properties)
        yield from choice_problems("other_columns", self.other_columns, ("block", "report"))

    def desired(self, target: Target) -> State:
        """Type, place, columns, layout, comment, properties with the mark."""
        spelled = {column.name.lower(): column.name for column in self.columns}
        place = {"storage_location": f"s3://{target.bucket(self.bucket)}/{self.folder}"} if self.bucket else {}
        return {
            "type": "EXTERNAL" if self.bucket else "MANAGED",
            **place,
            "columns": describe_columns(self.columns),
            "partitioned_by": [spelled.get(name.lower(), name) for name in self.partitioned_by],
            "clustered_by": [spelled.get(name.lower(), name) for name in self.clustered_by],
            "comment": self.purpose,
            "properties": {**self.properties, **mark_labels(target)},
        }

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = self.find_answer(clients)
        return None if found is None else self.select_declared(_as_state(found))

    def find_answer(self, clients: Clients) -> TableInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.tables.get(self.physical_name(clients.target)))

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List, with columns and properties."""
        for found in clients.workspace.tables.list(*container.split("."), max_results=0):
            yield f"{container}.{found.name}", _as_state(found)

    def select_declared(self, state: State) -> State:
        """Leave out others' properties, and columns that are only reported; spell names as they are declared."""
        state = self._spell(state)
        properties, mark = state["properties"], own_labels(state["properties"])
        kept = {**state, "properties": {key: properties[key] for key in properties if key in {*self.properties, *mark}}}
        declared = {column.name for column in self.columns}
        others = [name for name in state["columns"] if name not in declared]
        if self.other_columns == "block" or not others:
            return kept
        columns = {name: column for name, column in state["columns"].items() if name in declared}
        return {**kept, "columns": columns, "undeclared_columns": others}

    def _spell(self, state: State) -> State:
        spelled = match_spelling(state["columns"], [column.name for column in self.columns])
        columns = {spelled[name]: column for name, column in state["columns"].items()}
        keys = {what: [spelled.get(one, one) for one in state[what]] for what in ("partitioned_by", "clustered_by")}
        return {**state, "columns": columns, **keys}

    def refuse_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Refuse what would lose data."""
        if name == "columns":
            return tuple(refuse_columns(before or {}, after))
        return super().refuse_change(name, before, after)

    def create(self, clients: Clients, desired: State) -> None:
        """CREATE TABLE."""
        run_statement(clients, _describe_creation(self.physical_name(clients.target), desired))

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """ALTER TABLE, a statement for each thing; what another update was faster with is not done again."""
        name = self.physical_name(clients.target)
        for left in range(_TRIES, 0, -1):
            try:
                for statement in _describe_changes(name, desired, before):
                    run_statement(clients, statement)
                return
            except StatementFailed:
                if left == 1:
                    raise
                time.sleep(_PAUSE_S)
                found = self.read(clients)
                if found is None:
                    raise
                before = {one: found.get(one) for one in before if found.get(one) != desired[one]}

    def delete(self, clients: Clients) -> None:
        """Delete; a managed table's data goes with it."""
        unless_missing(lambda: clients.workspace.tables.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Table:
        """All its columns, and the properties that neither the mark nor Delta has set."""
        mark, properties = own_labels(state["properties"]), state["properties"]
        bucket, folder = rebuilding.split_url(state["storage_location"]) if state["type"] == "EXTERNAL" else (None, "")
        return replace(
            self,
            columns=rebuild_columns(state["columns"]),
            bucket=bucket,
            folder=folder,
            partitioned_by=tuple(state["partitioned_by"]),
            clustered_by=tuple(state["clustered_by"]),
            properties={key: properties[key] for key in sorted(properties) if key not in mark and not _is_deltas(key)},
            purpose=state["comment"],
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Table]:
        """Those with our properties, in schemas of ours."""
        target = listing.clients.target
        own = mark_labels(target)
        return cls.find_in_schemas(
            listing, lambda state: state["type"] != "VIEW" and own_labels(state["properties"]) == own
        )


def _is_deltas(name: str) -> bool:
    return name.startswith(_SET_BY_DELTA)


def _as_state(found: TableInfo) -> State:
    state: dict[str, Any] = {"type": found.table_type.value if found.table_type else None}
    if state["type"] == "EXTERNAL":
        state["storage_location"] = (found.storage_location or "").rstrip("/")
    properties = dict(found.properties or {})
    clustered = json.loads(properties.pop(_CLUSTERING, "[]"))
    return {
        **state,
        "columns": read_columns(found.columns),
        "partitioned_by": read_partitions(found.columns),
        "clustered_by": [".".join(path) for path in clustered],
        "comment": found.comment or "",
        "properties": properties,
    }


def _describe_creation(name: str, desired: State) -> str:
    columns = ", ".join(define_column(*one) for one in desired["columns"].items())
    parts = [f"CREATE TABLE {quote_name(name)}{f' ({columns})' if columns else ''} USING DELTA"]
    if desired["partitioned_by"]:
        parts.append(f"PARTITIONED BY {_list_names(desired['partitioned_by'])}")
    if desired["clustered_by"]:
        parts.append(f"CLUSTER BY {_list_names(desired['clustered_by'])}")
    if "storage_location" in desired:
        parts.append(f"LOCATION {quote_text(desired['storage_location'])}")
    if desired["comment"]:
        parts.append(f"COMMENT {quote_text(desired['comment'])}")
    return " ".join([*parts, f"TBLPROPERTIES {list_properties(desired['properties'])}"])


def _describe_changes(name: str, desired: State, before: State) -> Iterator[str]:
    alter = f"ALTER TABLE {quote_name(name)}"
    if "columns" in before:
        yield from (f"{alter} {what}" for what in alter_columns(before["columns"], desired["columns"]))
    if "clustered_by" in before:
        keys = desired["clustered_by"]
        yield f"{alter} CLUSTER BY {_list_names(keys) if keys else 'NONE'}"
    if "comment" in before:
        yield f"COMMENT ON TABLE {quote_name(name)} IS {quote_text(desired['comment'])}"
    if "properties" in before:
        yield f"{alter} SET TBLPROPERTIES {list_properties(desired['properties'])}"


def _list_names(names: list[str]) -> str:
    return f"({', '.join(map(quote_identifier, names))})"
