"""What types need to rebuild declarations from the states they read: physical names back to logical ones. Pure."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lakehouse.names import InvalidName, TableName, parse_table_name
from lakehouse.targets import Target
from platform_assets.grammar.sql_lexer import Kind, split_sql
from platform_assets.resource_types.sql_statements import quote_name

if TYPE_CHECKING:
    from platform_assets.resource_types.model import Resource

# What SQL names by its full name.
_NAMED_IN_SQL = ("catalog", "schema", "volume", "table", "view", "function", "registered_model")
_QUOTED_NAME = re.compile(r"`[^`]+`\.`[^`]+`\.`[^`]+`")
_NAME_OR_BRACE = re.compile(rf"{_QUOTED_NAME.pattern}|`(?:[^`]|``)*`|[{{}}]")


class NotExpressible(Exception):
    """What is there has no declaration; the message says why."""


@dataclass(frozen=True)
class Rebuilding:
    """The target, and what of the estate was found on it: of declarations no more than their names."""

    target: Target
    found: tuple[Resource, ...] = ()

    def find(self, type_name: str, physical: str) -> Resource | None:
        """Return what of a type is called so on the target."""
        return self._by_name.get((type_name, physical))

    def name_role(self, principal: str) -> str | None:
        """Return the role of the target that a principal has, or the key of a group that was found."""
        roles = {name: role for role, name in self.target.principals.items()}
        group = self.find("group", principal)
        return roles.get(principal) or (group.key if group else None)

    def split_url(self, url: str) -> tuple[str, str]:
        """Return the logical bucket of an s3:// URL, and the path in it.

        Raises:
            NotExpressible: it is not one of the target's buckets.
        """
        bucket, _, path = url.removeprefix("s3://").rstrip("/").partition("/")
        return strip_prefix(bucket, self.target.bucket(""), "the bucket of its storage"), path

    def strip_catalog(self, physical: str) -> str:
        """Return the logical form of a catalog's name, or of a name in one."""
        return strip_prefix(physical, self.target.catalog_prefix, "its catalog")

    def name_places(self, text: str) -> tuple[str, dict[str, Resource | TableName]]:
        """Return SQL with places for what it names in backticks, and what they stand for.

        Names of nothing that was found stay as they are, but those of tables in its catalogs: the data layer's. A brace
        that stands in the code is written twice.
        """
        places: dict[str, Resource | TableName] = {}

        def name_place(match: re.Match[str]) -> str:
            if match[0] in "{}":
                return match[0] * 2
            named = self.find_named(match[0]) if _QUOTED_NAME.fullmatch(match[0]) else None
            return match[0] if named is None else f"{{{_add_place(places, named)}}}"

        made = []
        for is_code, pieces in itertools.groupby(split_sql(text), lambda one: one.kind in (Kind.CODE, Kind.NAME)):
            part = "".join(one.text for one in pieces)
            made.append(_NAME_OR_BRACE.sub(name_place, part) if is_code else part)
        return "".join(made), places

    def find_named(self, quoted: str) -> Resource | TableName | None:
        """Return what a name in backticks stands for in SQL, None if it is nothing of the estate."""
        physical = quoted.replace("`", "")
        if quote_name(physical) != quoted:
            return None
        if found := next((one for kind in _NAMED_IN_SQL if (one := self.find(kind, physical))), None):
            return found
        if self.find("catalog", physical.partition(".")[0]) is None:
            return None
        try:
            return parse_table_name(self.strip_catalog(physical))
        except InvalidName:
            return None

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], Resource]:
        return {(one.type_name, one.physical_name(self.target)): one for one in self.found}


def strip_prefix(name: str, prefix: str, what: str) -> str:
    """Return the logical name in a physical one.

    Raises:
        NotExpressible: it does not start as the target's names do.
    """
    if not name.startswith(prefix) or name == prefix:
        raise NotExpressible(f"{what}, {name}, is not called as this target calls its own ({prefix}…)")
    return name.removeprefix(prefix)


def _add_place(places: dict[str, Resource | TableName], named: Resource | TableName) -> str:
    """Return the place of what is named: the last part of its name, numbered if another has it."""
    wanted = named.table if isinstance(named, TableName) else named.name.rpartition(".")[2]
    start = re.sub(r"\W", "_", wanted)
    start = start if start[0].isalpha() or start[0] == "_" else f"_{start}"
    place, number = start, 2
    while place in places and places[place] != named:
        place, number = f"{start}_{number}", number + 1
    places[place] = named
    return place
