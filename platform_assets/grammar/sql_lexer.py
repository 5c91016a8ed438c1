"""SQL in pieces: code, texts and names in quotes, comments. What is in quotes or a comment is nothing to act on. Pure.

https://docs.databricks.com/aws/en/sql/language-manual/data-types/string-type
https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-syntax-comment
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a piece of SQL is; a hint, /*+ … */, is code."""

    CODE = "code"
    TEXT = "text"  # in ' or "
    NAME = "name"  # in `
    COMMENT = "comment"


class Piece(NamedTuple):
    """A piece of SQL and where it starts."""

    kind: Kind
    start: int
    text: str


_START = re.compile(r"--|/\*(?!\+)|(?<!\w)[rR](?=['\"])['\"]|['\"`]")
_ENDS = {
    "'": re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL),
    '"': re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL),
    "`": re.compile(r"(?:[^`]|``)*`", re.DOTALL),
}
_RAW_ENDS = {"'": re.compile(r"[^']*'", re.DOTALL), '"': re.compile(r'[^"]*"', re.DOTALL)}
_BRACKET = re.compile(r"/\*|\*/")


def split_sql(text: str) -> Iterator[Piece]:
    """Yield the pieces of SQL, which together are the text; what is never closed goes on to its end."""
    begin = 0
    while found := _START.search(text, begin):
        if found.start() > begin:
            yield Piece(Kind.CODE, begin, text[begin : found.start()])
        begin = _find_end(text, found)
        yield Piece(_kind_of(found[0]), found.start(), text[found.start() : begin])
    if begin < len(text):
        yield Piece(Kind.CODE, begin, text[begin:])


def normalize_sql(text: str) -> str:
    """Return a query in one line without comments, and without the semicolon at its end; what is quoted stays."""
    made: list[str] = []
    for piece in split_sql(text):
        plain = {Kind.CODE: re.sub(r"\s+", " ", piece.text), Kind.COMMENT: " "}.get(piece.kind, piece.text)
        # what is quoted ends in its sign, so a blank at an end is one that keeps words apart
        if made and made[-1].endswith(" ") and plain.startswith(" "):
            plain = plain[1:]
        made += [plain] if plain else []
    return "".join(made).strip().rstrip(";").strip()


def _kind_of(start: str) -> Kind:
    if start in ("--", "/*"):
        return Kind.COMMENT
    return Kind.NAME if start == "`" else Kind.TEXT


def _find_end(text: str, start: re.Match[str]) -> int:
    sign = start[0][-1]
    if start[0] == "--":
        end = text.find("\n", start.end())
        return len(text) if end < 0 else end
    if start[0] == "/*":
        return _close_brackets(text, start.end())
    closing = (_RAW_ENDS if len(start[0]) == 2 else _ENDS)[sign].match(text, start.end())
    return closing.end() if closing else len(text)


def _close_brackets(text: str, begin: int) -> int:
    """Comments in brackets lie in one another."""
    depth = 1
    while depth and (found := _BRACKET.search(text, begin)):
        depth += 1 if found[0] == "/*" else -1
        begin = found.end()
    return len(text) if depth else begin
