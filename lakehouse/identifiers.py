"""Identifiers of Unity Catalog: which names objects take, and how names stand in SQL.

The local workspace has the same rules in services/unity_catalog/securables.py; tests/object_names.json is run against
both. https://docs.databricks.com/aws/en/sql/language-manual/sql-ref-names
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_NAME_LENGTH = 255
_REFUSED = re.compile(r"[./ \x00-\x1f\x7f\ud800-\udfff]")


def find_name_problem(name: str) -> str | None:
    """Return why Unity Catalog refuses the name of an object (one part of a full name), None when it takes it."""
    if not name or len(name) > MAX_NAME_LENGTH:
        return f"a name has 1 to {MAX_NAME_LENGTH} characters, {name[:40]!r} has {len(name)}"
    if found := _REFUSED.search(name):
        return f"{name!r} holds {found[0]!r}; periods, spaces, slashes and control characters are not taken"
    return None


def fold_name(name: str) -> str:
    """Return a name as Unity Catalog keeps it: in lower case."""
    return name.lower()


def quote_identifier(name: str) -> str:
    """Return one name as it stands in SQL."""
    return f"`{name.replace('`', '``')}`"


def quote_full_name(parts: Iterable[str]) -> str:
    """Return the parts of a name as they stand in SQL: `catalog`.`schema`.`table`."""
    return ".".join(map(quote_identifier, parts))
