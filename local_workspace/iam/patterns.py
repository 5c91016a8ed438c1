"""Values of policies: wildcards (* any text, ? one character) and variables such as ${aws:username}.

Where a context is given, variables stand for its values; where none is, as in a policy of the version 2008-10-17 and in
elements that take no variables, they are text.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from local_workspace.iam.request_keys import Context, UndecidableCondition, look_up

_VARIABLE = re.compile(r"(\$\{[^}]*\})")
_LITERALS = ("*", "?", "$")
_COLONS = 5  # of an ARN's parts but the last, which a wildcard does not reach beyond


def matches_pattern(pattern: str, value: str, context: Context | None = None, ignore_case: bool = False) -> bool:
    """Say whether a value fits; a variable stands for its plain text, one that the request lacks fits nothing.

    Raises:
        UndecidableCondition: a variable's value is not known.
    """
    return _fits(_translate(pattern, context, False), value, ignore_case)


def matches_arn(pattern: str, value: str, context: Context | None = None) -> bool:
    """Match two ARNs part by part: a wildcard does not reach over a colon, but in the last part."""
    if pattern == "*":
        return True
    return value.count(":") >= _COLONS and _fits(_translate(pattern, context, True), value, False)


def substitute_variables(text: str, context: Context | None) -> str | None:
    """Return the text with its variables replaced, None when the request lacks one of them."""
    if context is None or "${" not in text:
        return text
    found = [_value_of(piece, context) if piece.startswith("${") else piece for piece in _VARIABLE.split(text)]
    known = [piece for piece in found if piece is not None]
    return "".join(known) if len(known) == len(found) else None


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, anything else as a list of one."""
    return list(value) if isinstance(value, list | tuple) else [value]


def _fits(regex: str | None, value: str, ignore_case: bool) -> bool:
    return regex is not None and _compile(regex, ignore_case).fullmatch(value) is not None


def _translate(pattern: str, context: Context | None, is_arn: bool) -> str | None:
    if context is None or "${" not in pattern:
        return _translate_pieces((pattern,), (), is_arn)
    pieces = _VARIABLE.split(pattern)
    values = [_value_of(piece, context) for piece in pieces[1::2]]
    if None in values:
        return None
    return _translate_pieces(tuple(pieces[::2]), tuple(str(value) for value in values), is_arn)


@lru_cache(4096)
def _translate_pieces(texts: tuple[str, ...], values: tuple[str, ...], is_arn: bool) -> str | None:
    """Translate texts with the plain values between them; None when they are no ARN although one is asked for."""
    regex, colons = "", 0
    for text, value in zip(texts, (*values, ""), strict=True):
        for character in text:
            colons += character == ":"
            one = "[^:]" if is_arn and colons < _COLONS else "."
            regex += {"*": f"{one}*", "?": one}.get(character) or re.escape(character)
        regex, colons = regex + re.escape(value), colons + value.count(":")
    return None if is_arn and colons < _COLONS else regex


def _value_of(variable: str, context: Context) -> str | None:
    name = variable[2:-1]
    if name in _LITERALS:
        return name
    key, _, default = name.partition(",")
    value = look_up(key, context)
    if value is None:
        return default.strip().strip("'") if default else None
    if not isinstance(value, str):
        raise UndecidableCondition(f"{key.strip()} has several values, so no variable can stand for it")
    return value


@lru_cache(4096)
def _compile(regex: str, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(regex, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
