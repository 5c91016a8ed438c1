"""Query history: which statements a filter selects, and how one is told.

https://docs.databricks.com/api/workspace/queryhistory
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.store import Document
from local_workspace.services.statements.grammar import strip_comments

MOST_RANGE_MS = 30 * 24 * 3600 * 1000
_FILTER = "filter_by."
_START, _END = (f"{_FILTER}query_start_time_range.{end}_time_ms" for end in ("start", "end"))
_LISTS = {
    f"{_FILTER}statement_ids": "query_id",
    f"{_FILTER}statuses": "status",
    f"{_FILTER}user_ids": "user_id",
    f"{_FILTER}warehouse_ids": "warehouse_id",
}
_STATES = {"PENDING": "QUEUED", "SUCCEEDED": "FINISHED", "CLOSED": "FINISHED"}
_TYPES = frozenset(
    (
        *("ALTER", "ANALYZE", "COPY", "CREATE", "DELETE", "DESCRIBE", "DROP"),
        *("EXPLAIN", "GRANT", "INSERT", "MERGE", "OPTIMIZE", "REFRESH", "REPLACE"),
        *("REVOKE", "SELECT", "SET", "SHOW", "TRUNCATE", "UPDATE", "USE"),
    )
)


def describe_queries(documents: Iterable[Document], query: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return the statements that the query parameters select.

    Raises:
        ApiError: 400 for a filter that is not known, a time that is no number, a range of more than 30 days.
    """
    for name in query:
        if name.startswith(_FILTER) and name not in (*_LISTS, _START, _END):
            raise bad_request(f"Unknown filter: {name}")
    start, end = (_parse_time(name, query) for name in (_START, _END))
    if start is not None and end is not None and end - start > MOST_RANGE_MS:
        raise bad_request(f"{_FILTER}query_start_time_range must be at most 30 days")
    return [
        found
        for found in map(_describe, documents)
        if all(str(found[field]) in query[name] for name, field in _LISTS.items() if name in query)
        and (start is None or found["query_start_time_ms"] >= start)
        and (end is None or found["query_start_time_ms"] <= end)
    ]


def _parse_time(name: str, query: Mapping[str, Sequence[str]]) -> int | None:
    if name not in query:
        return None
    text = query[name][-1]
    if not text.isdecimal():
        raise bad_request(f"{name} must be milliseconds since 1970, got {text!r}")
    return int(text)


def _describe(document: Document) -> dict[str, Any]:
    started, ended = document["submitted_at"], document.get("ended_at")
    first_word = (strip_comments(document["text"]).split() or [""])[0].upper()
    query = {
        "query_id": document["statement_id"],
        "query_text": document["text"],
        "status": _STATES.get(document["state"], document["state"]),
        "statement_type": first_word if first_word in _TYPES else "OTHER",
        "user_name": document["owner"],
        "user_id": document["owner_id"],
        "warehouse_id": document["warehouse_id"],
        "endpoint_id": document["warehouse_id"],
        "query_start_time_ms": int(started * 1000),
        "is_final": ended is not None,
        "rows_produced": document.get("manifest", {}).get("total_row_count", 0),
    }
    if ended is not None:
        query.update(query_end_time_ms=int(ended * 1000), duration=int((ended - started) * 1000))
    if "error" in document:
        query["error_message"] = document["error"]["message"]
    return query
