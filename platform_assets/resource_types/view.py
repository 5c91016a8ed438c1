"""Views: a query over tables and other views, which are named by their declarations.

By SQL, since the REST call does not create any. https://docs.databricks.com/api/workspace/tables
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lakehouse.identifiers import quote_full_name
from lakehouse.names import TableName
from lakehouse.targets import Target
from platform_assets.grammar.sql_lexer import normalize_sql
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import mark_labels, own_labels
from platform_assets.resource_types.rebuilding import Rebuilding
from platform_assets.resource_types.schema_object import SchemaObject
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.sql_places import SqlReader, fill_places, list_keys, require_places
from platform_assets.resource_types.sql_statements import (
    list_properties,
    query_rows,
    quote_name,
    quote_text,
    run_statement,
)

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import TableInfo


_SET_BY_SPARK = ("view.", "transient_")
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class View(SqlReader, SchemaObject):
    """A view. In `query`, `{name}` stands for what `reads` calls so: a declared resource, or a table of the data layer.

    What is read, it reads as its owner. Comments and blanks of the query are no difference.
    """

    query: str = ""
    reads: Mapping[str, Resource | TableName] = field(default_factory=dict, hash=False)
    purpose: str = ""

    type_name = "view"
    mark_field = "properties"
    references = {}
    fixed = {"type": "a table of that name is there, and is not dropped for a view"}

    def __post_init__(self) -> None:
        require_places(self.key, self.query, self.reads)

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name and query."""
        yield from super().find_problems(target)
        if not normalize_sql(self.query):
            yield "it has no query: write the SELECT that it shows"

    @property
    def identity(self) -> str:
        """That of a table: a schema has one of a name."""
        return f"table/{super().identity.removeprefix('view/')}"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The schema, and the declared resources that the query reads."""
        return (self.schema_key, *list_keys(self.reads), *self.after)

    def desired(self, target: Target) -> State:
        """Query with physical names, comment, mark."""
        return {
            "type": "VIEW",
            "query": normalize_sql(fill_places(target, self.query, self.reads)),
            "comment": self.purpose,
            "properties": mark_labels(target),
        }

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = self.find_answer(clients)
        return None if found is None else _as_state(found)

    def find_answer(self, clients: Clients) -> TableInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.tables.get(self.physical_name(clients.target)))

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List; tables are in the same list."""
        for found in clients.workspace.tables.list(*container.split("."), max_results=0, omit_columns=True):
            yield f"{container}.{found.name}", _as_state(found)

    def create(self, clients: Clients, desired: State) -> None:
        """CREATE VIEW."""
        run_statement(clients, _describe(self.physical_name(clients.target), "CREATE VIEW", desired))

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """CREATE OR REPLACE VIEW keeps grants; comments of columns and properties of others are said again."""
        found = self.find_answer(clients)
        given = found.properties or {} if found else {}
        others = {key: value for key, value in given.items() if not key.startswith(_SET_BY_SPARK)}
        kept = {**desired, "properties": {**others, **desired["properties"]}}
        comments = {one.name or "": one.comment for one in (found.columns if found else None) or [] if one.comment}
        columns = _list_columns(clients, desired["query"], comments) if comments else ""
        run_statement(clients, _describe(self.physical_name(clients.target), "CREATE OR REPLACE VIEW", kept, columns))

    def delete(self, clients: Clients) -> None:
        """Delete."""
        unless_missing(lambda: clients.workspace.tables.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> View:
        """What its query names, it reads."""
        query, reads = rebuilding.name_places(state["query"])
        return replace(self, query=query, reads=reads, purpose=state["comment"])

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[View]:
        """Those with our properties, in schemas of ours."""
        target = listing.clients.target
        own = mark_labels(target)
        return cls.find_in_schemas(listing, lambda state: state["type"] == "VIEW" and state["properties"] == own)


def _as_state(found: TableInfo) -> State:
    return {
        "type": found.table_type.value if found.table_type else None,
        "query": normalize_sql(found.view_definition or ""),
        "comment": found.comment or "",
        "properties": own_labels(found.properties),
    }


def _list_columns(clients: Clients, query: str, comments: Mapping[str, str]) -> str:
    """Return the columns of a query as a view's list, with the comments of those that have one."""
    names = [str(row[0]) for row in query_rows(clients, f"DESCRIBE QUERY {query}", _PATIENCE_S)]
    said = [f"{quote_full_name([name])}{_comment(comments.get(name))}" for name in names]
    return f" ({', '.join(said)})"


def _comment(text: str | None) -> str:
    return f" COMMENT {quote_text(text)}" if text else ""


def _describe(name: str, verb: str, desired: State, columns: str = "") -> str:
    comment = _comment(desired["comment"])
    properties = list_properties(desired["properties"])
    return f"{verb} {quote_name(name)}{columns}{comment} TBLPROPERTIES {properties} AS {desired['query']}"
