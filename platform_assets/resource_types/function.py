"""SQL functions of one value.

By SQL: the REST call that creates them is experimental, and none replaces them.
https://docs.databricks.com/api/workspace/functions
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from lakehouse.grammar.columns import column_problems, type_problems
from lakehouse.targets import Target
from platform_assets.grammar.sql_lexer import normalize_sql
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, State
from platform_assets.resource_types.ownership import is_own_comment, mark_comment, unmark_comment
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.schema_object import SchemaObject
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.sql_places import fill_places, list_keys, require_places
from platform_assets.resource_types.sql_statements import quote_name, quote_text, run_statement
from platform_assets.resource_types.table_columns import normalize_type

if TYPE_CHECKING:
    from databricks.sdk.service.catalog import FunctionInfo, FunctionParameterInfo


class Parameter(NamedTuple):
    """A parameter of a function; the type as in SQL."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class Function(SchemaObject):
    """A function: an expression over its parameters. In `body`, `{name}` stands for the function that `calls` names so.

    What it calls, it calls as its owner. Comments and blanks of the body are no difference.
    """

    parameters: tuple[Parameter, ...] = ()
    returns: str = "STRING"
    body: str = ""
    calls: Mapping[str, Function] = field(default_factory=dict, hash=False)
    purpose: str = ""

    type_name = "function"
    mark_field = "comment"
    references = {}
    fixed = {"language": "a function in another language is there, and is not replaced by one in SQL"}

    def __post_init__(self) -> None:
        require_places(self.key, self.body, self.calls)

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, parameters, types, body."""
        yield from super().find_problems(target)
        yield from column_problems(self.parameters, "parameter")
        yield from (f"returns: {problem}" for problem in type_problems(self.returns))
        if not normalize_sql(self.body):
            yield "it has no body: write the expression that it returns"

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The schema, and the functions that it calls."""
        return (self.schema_key, *list_keys(self.calls), *self.after)

    def desired(self, target: Target) -> State:
        """Parameters in their order, type, body with physical names, comment with the mark."""
        return {
            "language": "SQL",
            "parameters": [_describe_parameter(*one) for one in self.parameters],
            "returns": normalize_type(self.returns),
            "body": normalize_sql(fill_places(target, self.body, self.calls)),
            "comment": mark_comment(target, self.purpose),
        }

    def read(self, clients: Clients) -> State | None:
        """Get."""
        found = self.find_answer(clients)
        return None if found is None else _as_state(found)

    def find_answer(self, clients: Clients) -> FunctionInfo | None:
        """Get."""
        return unless_missing(lambda: clients.workspace.functions.get(self.physical_name(clients.target)))

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """List."""
        for found in clients.workspace.functions.list(*container.split("."), max_results=0):
            yield f"{container}.{found.name}", _as_state(found)

    def create(self, clients: Clients, desired: State) -> None:
        """CREATE FUNCTION."""
        run_statement(clients, _describe(self.physical_name(clients.target), "CREATE FUNCTION", desired))

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """CREATE OR REPLACE FUNCTION."""
        run_statement(clients, _describe(self.physical_name(clients.target), "CREATE OR REPLACE FUNCTION", desired))

    def delete(self, clients: Clients) -> None:
        """Delete."""
        unless_missing(lambda: clients.workspace.functions.delete(self.physical_name(clients.target)))

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Function:
        """What its body names, it calls."""
        body, named = rebuilding.name_places(state["body"])
        calls = {place: one for place, one in named.items() if isinstance(one, Function)}
        if len(calls) < len(named):
            raise NotExpressible("its body names what is no declared function")
        return replace(
            self,
            parameters=tuple(Parameter(**one) for one in state["parameters"]),
            returns=state["returns"],
            body=body,
            calls=calls,
            purpose=unmark_comment(rebuilding.target, state["comment"]),
        )

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[Function]:
        """Those with our comment, in schemas of ours."""
        target = listing.clients.target
        return cls.find_in_schemas(listing, lambda state: is_own_comment(state["comment"], target))


def _as_state(found: FunctionInfo) -> State:
    given = found.input_params.parameters or [] if found.input_params else []
    is_sql = found.routine_body is not None and found.routine_body.value == "SQL"
    return {
        "language": "SQL" if is_sql else found.external_language or "EXTERNAL",
        "parameters": [_read_parameter(one) for one in sorted(given, key=lambda one: one.position)],
        "returns": normalize_type(found.full_data_type or ""),
        "body": normalize_sql(found.routine_definition or ""),
        "comment": found.comment or "",
    }


def _describe_parameter(name: str, type_: str, comment: str = "") -> dict[str, Any]:
    return {"name": name, "type": normalize_type(type_), "comment": comment}


def _read_parameter(found: FunctionParameterInfo) -> dict[str, Any]:
    return _describe_parameter(found.name, found.type_text, found.comment or "")


def _describe(name: str, verb: str, desired: State) -> str:
    parameters = ", ".join(_define_parameter(one) for one in desired["parameters"])
    comment = quote_text(desired["comment"])
    start = f"{verb} {quote_name(name)} ({parameters}) RETURNS {desired['returns']} LANGUAGE SQL"
    return f"{start} COMMENT {comment} RETURN {desired['body']}"


def _define_parameter(parameter: Mapping[str, Any]) -> str:
    comment = f" COMMENT {quote_text(parameter['comment'])}" if parameter["comment"] else ""
    return f"{quote_name(parameter['name'])} {parameter['type']}{comment}"
