"""SQL types as text: what a column may have, and one form for each, in which fields of structs keep their case. Pure.

https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-datatypes
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Unity Catalog answers with the second name, SQL takes both.
_SIMPLE = {
    **{name: name for name in ("string", "boolean", "binary", "date", "timestamp", "timestamp_ntz", "variant")},
    **{name: name for name in ("tinyint", "smallint", "int", "bigint", "float", "double")},
    "integer": "int",
    "long": "bigint",
    "short": "smallint",
    "byte": "tinyint",
    "real": "float",
    "timestamp_ltz": "timestamp",
}
_DECIMALS = ("decimal", "dec", "numeric")
_MOST_DIGITS, _MOST_LETTERS = 38, 65_535
_TOKEN = re.compile(r"\s*(?:`((?:[^`]|``)+)`|(\w+)|(.))", re.DOTALL)
_ADDITIONS = {
    "not": "say nullable=False of the column",
    "null": "leave it out: columns are nullable unless they say nullable=False",
    "comment": "say it as the column's comment",
    "default": "let the step that writes the table fill the value in",
    "generated": "let the step that writes the table compute the value",
    "primary": "add the constraint by hand: constraints are not declared",
    "references": "add the constraint by hand: constraints are not declared",
    "constraint": "add the constraint by hand: constraints are not declared",
    "collate": "leave it out: collations are not declared",
    "mask": "set the mask by hand: masks are not declared",
}
_NO_FIELD = re.compile(r"[\x00-\x20\x7f,;:{}()<>=.`]")

QuoteField = Callable[[str], str]


class InvalidType(Exception):
    """A text is no type of a column; the message is a sentence that names the remedy."""


def normalize_type(text: str) -> str:
    """Return a type as Unity Catalog writes it: INTEGER is int, DECIMAL decimal(10,0); no blanks, fields unquoted.

    Raises:
        InvalidType: it is none.
    """
    return _Parser(text, lambda field: field).read()


def write_type(text: str) -> str:
    """Return a type as it stands in a statement: the same, with each field in backticks.

    Raises:
        InvalidType: it is none.
    """
    return _Parser(text, lambda field: f"`{field}`").read()


class _Parser:
    def __init__(self, text: str, quote: QuoteField) -> None:
        self._text, self._quote = text, quote
        stripped = text.strip()
        self._tokens = [(match[1], match[2], match[3]) for match in _TOKEN.finditer(stripped)]
        self._next = 0

    def read(self) -> str:
        made = self._type(0)
        if self._next < len(self._tokens):
            self._refuse_addition()
        return made

    def _type(self, depth: int) -> str:
        if depth > 100:
            raise InvalidType(f"the type {self._text[:40]!r}… is nested more than 100 times")
        name = self._word().lower()
        if name in _DECIMALS:
            return self._decimal()
        if name in ("char", "character", "varchar"):
            raise InvalidType(f"the type {name} has a length that Delta keeps beside the type: declare STRING")
        if name == "array":
            return f"array<{self._inside(lambda: self._type(depth + 1))}>"
        if name == "map":
            return f"map<{self._inside(lambda: self._entry(depth + 1))}>"
        if name == "struct":
            return f"struct<{self._inside(lambda: self._fields(depth + 1))}>"
        if name in _SIMPLE:
            return _SIMPLE[name]
        known = ", ".join(sorted({*_SIMPLE.values(), "decimal(p,s)", "array<…>", "map<…,…>", "struct<name:…>"}))
        raise InvalidType(f"{name!r} is no type of a column: there are {known}")

    def _decimal(self) -> str:
        if not self._take("("):
            return "decimal(10,0)"
        digits = self._number()
        scale = self._number() if self._take(",") else 0
        self._expect(")")
        if not (1 <= digits <= _MOST_DIGITS and scale <= digits):
            raise InvalidType(
                f"DECIMAL({digits}, {scale}) has 1 to {_MOST_DIGITS} digits, and a scale of at most as many"
            )
        return f"decimal({digits},{scale})"

    def _entry(self, depth: int) -> str:
        key = self._type(depth)
        if "map<" in key or "variant" in key:
            raise InvalidType(f"the key of a MAP cannot be {key}: take another type")
        self._expect(",")
        return f"{key},{self._type(depth)}"

    def _fields(self, depth: int) -> str:
        made: dict[str, str] = {}
        while True:
            quoted, word, _ = self._token()
            field = (quoted or "").replace("``", "`") or word
            if not field or _NO_FIELD.search(field):
                raise InvalidType(f"a field of a STRUCT is letters, digits and _, not {field or self._text[:80]!r}")
            if field.lower() in made:
                raise InvalidType(f"the STRUCT has the field {field} twice: case does not tell fields apart")
            self._take(":")
            made[field.lower()] = f"{self._quote(field)}:{self._type(depth)}"
            if not self._take(","):
                break
        if self._peek() not in (">", ""):
            self._refuse_addition()
        return ",".join(made.values())

    def _inside(self, read: Callable[[], str]) -> str:
        self._expect("<")
        made = read()
        self._expect(">")
        return made

    def _word(self) -> str:
        quoted, word, other = self._token()
        if word is None:
            raise InvalidType(
                f"{self._text[:80]!r} is no type: a name such as BIGINT stands where {quoted or other!r} is"
            )
        return word

    def _number(self) -> int:
        word = self._word()
        if not re.fullmatch(r"\d{1,9}", word, re.ASCII):
            raise InvalidType(f"{self._text[:80]!r} is no type: a number stands where {word!r} is")
        return int(word)

    def _token(self) -> tuple[str | None, str | None, str | None]:
        if self._next >= len(self._tokens):
            raise InvalidType(f"{self._text[:80]!r} is no type: it ends too early")
        self._next += 1
        return self._tokens[self._next - 1]

    def _peek(self) -> str:
        return next((one for one in self._tokens[self._next] if one), "") if self._next < len(self._tokens) else ""

    def _take(self, sign: str) -> bool:
        found = self._next < len(self._tokens) and self._tokens[self._next][2] == sign
        self._next += found
        return found

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise InvalidType(f"{self._text[:80]!r} is no type: {sign} is missing before {self._peek() or 'its end'!r}")

    def _refuse_addition(self) -> None:
        word = self._peek()
        remedy = _ADDITIONS.get(word.lower(), "leave it out")
        raise InvalidType(f"the type {self._text[:80]!r} says more than a type, {word!r}: {remedy}")
