"""Places in declared SQL: `{name}` stands for what the declaration calls so, and is filled in for each target. Pure.

Braces in quotes and in comments are text. Elsewhere two braces stand for one: `{{` is `{`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from lakehouse.names import TableName
from lakehouse.targets import Target
from platform_assets.grammar.sql_lexer import Kind, split_sql
from platform_assets.resource_types.model import Resource, refuse
from platform_assets.resource_types.sql_statements import quote_name

_NAME = r"`[^`]+`(?:\.`[^`]+`)*"
_BRACES = re.compile(r"\{\{|\}\}|\{([A-Za-z_]\w*)\}", re.ASCII)
# Stand around a place's name in a text that has been marked: private characters, which no SQL has.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKED = re.compile(f"{_OPEN}(.*?){_CLOSE}")


class SqlReader:
    """What has declared SQL; `reads`: what stands for each of its places."""

    reads: Mapping[str, Resource | TableName]

    @property
    def tables_read(self) -> tuple[TableName, ...]:
        """The tables of the data layer that it reads."""
        return tuple(one for one in self.reads.values() if isinstance(one, TableName))


class _Braces(NamedTuple):
    """Where a place or a pair of braces is; `place` is None for the pair."""

    start: int
    end: int
    place: str | None
    sign: str  # what a pair stands for


def require_places(key: str, text: str, names: Mapping[str, Resource | TableName]) -> None:
    """Refuse SQL whose places are not just the names.

    Raises:
        InvalidDeclaration: naming the resource and the place.
    """
    places = {one.place for one in _find_braces(text) if one.place}
    if unused := sorted(names.keys() - places):
        raise refuse(key, f"its SQL has no place {{{unused[0]}}} for {names[unused[0]]}")
    if unknown := sorted(places - names.keys()):
        place = unknown[0]
        raise refuse(
            key,
            f"nothing is declared for the place {{{place}}} of its SQL: name it in the mapping beside the SQL, "
            f"or write {{{{{place}}}}} if braces are meant",
        )


def fill_places(target: Target, text: str, names: Mapping[str, Resource | TableName]) -> str:
    """Return SQL with the physical names in its places."""
    return fill_lines(target, [text], names)[0]


def fill_lines(target: Target, lines: Sequence[str], names: Mapping[str, Resource | TableName]) -> list[str]:
    """Return the same of SQL in lines that are one text, as many lines."""
    return _replace(lines, lambda place: quote_name(_name_on(target, names[place])))


def mark_lines(lines: Sequence[str]) -> list[str]:
    """Return SQL in lines with its places marked, for `match_marked`."""
    return _replace(lines, lambda place: f"{_OPEN}{place}{_CLOSE}")


def match_places(text: str) -> re.Pattern[str]:
    """Return what fits SQL that was made of a text: a group for each place, whose content is a name in backticks."""
    return match_marked(mark_lines([text])[0])


def match_marked(text: str) -> re.Pattern[str]:
    """Return the same of a text in which places are marked."""
    parts, known = [], set()
    for number, part in enumerate(_MARKED.split(text)):  # every other one is a place
        if number % 2:
            parts.append(f"(?P={part})" if part in known else f"(?P<{part}>{_NAME})")
            known.add(part)
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts))


def list_keys(names: Mapping[str, Resource | TableName]) -> tuple[str, ...]:
    """Return the keys of the declared resources among the names; tables of the data layer are not the estate's."""
    return tuple(one.key for one in names.values() if isinstance(one, Resource))


def _find_braces(text: str) -> Iterator[_Braces]:
    for piece in split_sql(text):
        if piece.kind is Kind.CODE:
            for found in _BRACES.finditer(piece.text):
                yield _Braces(piece.start + found.start(), piece.start + found.end(), found[1], found[0][0])


def _replace(lines: Sequence[str], name_place: Callable[[str], str]) -> list[str]:
    """Return the lines with what stands for their places, and one brace for two; no place goes over two lines."""
    ends = list(itertools.accumulate(map(len, lines)))
    made = list(lines)
    for one in reversed(list(_find_braces("".join(lines)))):
        number = next(number for number, end in enumerate(ends) if one.start < end)
        before = ends[number] - len(lines[number])
        line = made[number]
        written = one.sign if one.place is None else name_place(one.place)
        made[number] = line[: one.start - before] + written + line[one.end - before :]
    return made


def _name_on(target: Target, named: Resource | TableName) -> str:
    return named.on(target) if isinstance(named, TableName) else named.physical_name(target)
