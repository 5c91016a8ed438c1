"""Names of objects in Unity Catalog: which are taken, and how they are kept. Pure.

The estate's side has the same rules in lakehouse/identifiers.py; tests/object_names.json is run against both.
https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
"""

from __future__ import annotations

import re

MAX_NAME_LENGTH = 255
_REFUSED = re.compile(r"[./ \x00-\x1f\x7f\ud800-\udfff]")


def find_name_problem(name: str) -> str | None:
    """Return why the name of an object (one part of a full name) is refused, None when it is taken."""
    if not name or len(name) > MAX_NAME_LENGTH:
        return f"name must be a text of 1 to {MAX_NAME_LENGTH} characters, got {name[:40]!r} of {len(name)}"
    if _REFUSED.search(name):
        shown = name if name.isprintable() else ascii(name)[1:-1]
        return f"name '{shown}' must not contain a period, a space, a slash or control characters"
    return None


def find_full_name_problem(full_name: str) -> str | None:
    """Return why one part of a dotted name is refused, None when all are taken."""
    return next((problem for part in full_name.split(".") if (problem := find_name_problem(part))), None)


def fold_name(full_name: str) -> str:
    """Return a dotted name as it is kept: each part in lower case by itself, whatever stands beside it.

    A sigma has another lower case at the end of a word, and a period does not end a word.
    """
    return ".".join(part.lower() for part in full_name.split("."))
