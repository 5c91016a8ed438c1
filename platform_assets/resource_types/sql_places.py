"""Places in declared SQL: `{name}` stands for what the declaration calls so, and is filled in for each target. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lakehouse.names import TableName
from lakehouse.targets import Target
from platform_assets.resource_types.model import InvalidDeclaration, Resource
from platform_assets.resource_types.sql_statements import quote_name

_NAME = r"`[^`]+`(?:\.`[^`]+`)*"
_PLACE = re.compile(r"\{([A-Za-z_]\w*)\}")


class SqlReader:
    """What has declared SQL; `reads`: what stands for each of its places."""

    reads: Mapping[str, Resource | TableName]

    @property
    def tables_read(self) -> tuple[TableName, ...]:
        """The tables of the data layer that it reads."""
        return tuple(one for one in self.reads.values() if isinstance(one, TableName))


def require_places(key: str, text: str, names: Mapping[str, Resource | TableName]) -> None:
    """Refuse SQL whose places are not just the names.

    Raises:
        InvalidDeclaration: naming the resource and the place.
    """
    places = set(_PLACE.findall(text))
    if unused := sorted(names.keys() - places):
        raise InvalidDeclaration(f"{key}: its SQL has no place {{{unused[0]}}} for {names[unused[0]]}")
    if unknown := sorted(places - names.keys()):
        raise InvalidDeclaration(f"{key}: nothing is declared for the place {{{unknown[0]}}} of its SQL")


def fill_places(target: Target, text: str, names: Mapping[str, Resource | TableName]) -> str:
    """Return SQL with the physical names in its places."""
    return _PLACE.sub(lambda match: quote_name(_name_on(target, names[match[1]])), text)


def match_places(text: str) -> re.Pattern[str]:
    """Return what fits SQL that was made of a text: a group for each place, whose content is a name in backticks."""
    parts, known = [], set()
    for number, part in enumerate(_PLACE.split(text)):  # every other one is a place
        if number % 2:
            parts.append(f"(?P={part})" if part in known else f"(?P<{part}>{_NAME})")
            known.add(part)
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts))


def list_keys(names: Mapping[str, Resource | TableName]) -> tuple[str, ...]:
    """Return the keys of the declared resources among the names; tables of the data layer are not the estate's."""
    return tuple(one.key for one in names.values() if isinstance(one, Resource))


def _name_on(target: Target, named: Resource | TableName) -> str:
    return named.on(target) if isinstance(named, TableName) else named.physical_name(target)
