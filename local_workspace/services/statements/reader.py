"""Reads the tokens of one statement from left to right. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from local_workspace.services.statements.failures import StatementFailed, syntax_error
from local_workspace.services.unity_catalog.object_names import find_name_problem

_TOKEN = re.compile(r"\s*(?:(`(?:[^`]|``)*`)|('(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\")|([\w$-]+)|(.))", re.DOTALL)

_BARE = re.compile(r"\w+", re.ASCII)


class Reader:
    """Reads tokens of one statement from left to right."""

    def __init__(self, text: str, catalog: str | None, schema: str | None) -> None:
        self._text = text
        self._tokens = [match for match in _TOKEN.finditer(text) if match[0].strip()]
        self._next = 0
        self._defaults = (catalog, schema)

    def accept(self, *words: str) -> bool:
        """Take the words if they come next."""
        ahead = self._tokens[self._next : self._next + len(words)]
        if [(token[3] or token[4] or "").upper() for token in ahead] != list(words):
            return False
        self._next += len(words)
        return True

    def ahead(self, *words: str) -> bool:
        """Say whether one of the words comes next."""
        if self._next >= len(self._tokens):
            return False
        token = self._tokens[self._next]
        return (token[3] or token[4] or "").upper() in words

    def expect(self, *words: str) -> None:
        """Take the words or fail."""
        if not self.accept(*words):
            raise self.error()

    def word(self) -> str:
        """Take one bare word, in upper case."""
        return self._take(lambda token: token[3]).upper()

    def identifier(self) -> str:
        """Take one name, quoted with backticks or bare."""
        return self._take(lambda token: token[3] or (token[1] and token[1][1:-1].replace("``", "`")))

    def string(self) -> str:
        """Take one string literal."""
        return re.sub(r"\\(.)", r"\1", self._take(lambda token: token[2])[1:-1].replace("''", "'"))

    def name(self, parts: int) -> tuple[str, ...]:
        """Take the parts of a dotted name, filled up with the statement's default catalog and schema.

        Raises:
            StatementFailed: there are too many or few parts, or no object can have one of them for its name.
        """
        found = [self._part()]
        while self.accept("."):
            found.append(self._part())
        missing = parts - len(found)
        defaults = [part for part in self._defaults[: max(missing, 0)] if part]
        whole = (*defaults, *found)
        if problem := next((problem for part in whole if (problem := find_name_problem(part))), None):
            raise StatementFailed("INVALID_PARAMETER_VALUE", f"The {problem}.", "22023")
        if len(whole) != parts:
            raise StatementFailed("INVALID_NAME", f"'{'.'.join(found)}' needs {parts} parts: add the catalog.", "42602")
        return whole

    def rest(self) -> str:
        """Take all that is left, as it stands."""
        if self._next >= len(self._tokens):
            raise self.error()
        start, self._next = self._tokens[self._next].start(), len(self._tokens)
        return self._text[start:].strip()

    def until(self, *stops: str) -> str:
        """Take text up to one of the words outside of brackets, such as a type up to a comma."""
        start, depth = self._next, 0
        while self._next < len(self._tokens) and (depth > 0 or not self.ahead(*stops)):
            depth += self.ahead("(", "<", "[") - self.ahead(")", ">", "]")
            self._next += 1
        if start == self._next:
            raise self.error()
        return self._text[self._tokens[start].start() : self._tokens[self._next - 1].end()].strip()

    def end(self) -> None:
        """Fail unless the statement ends here."""
        if self._next < len(self._tokens):
            raise self.error()

    def error(self) -> StatementFailed:
        """Build the failure at the next token."""
        if self._next >= len(self._tokens):
            return syntax_error("Syntax error at or near end of input.")
        return syntax_error(f"Syntax error at or near '{self._tokens[self._next][0].strip()}'.")

    def _part(self) -> str:
        """Take one part of a name; as Spark's parser does, take other than ASCII words between backticks only."""
        found = self.identifier()
        if self._tokens[self._next - 1][3] and not _BARE.fullmatch(found):
            told = f"The unquoted identifier {found} is invalid and must be back quoted as: `{found}`."
            raise StatementFailed("INVALID_IDENTIFIER", told, "42602")
        return found

    def _take(self, pick: Callable[[re.Match[str]], str | None]) -> str:
        found = pick(self._tokens[self._next]) if self._next < len(self._tokens) else None
        if not found:
            raise self.error()
        self._next += 1
        return found
