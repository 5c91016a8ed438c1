"""Statement execution API 2.0 and query history.

https://docs.databricks.com/api/workspace/statementexecution
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from local_workspace.gateway.app import needs_no_token
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, not_found
from local_workspace.gateway.store import Document
from local_workspace.services.statements import links, rendering
from local_workspace.services.statements.requests import parse_request
from local_workspace.services.statements.service import KIND, StatementService, statements_of

API = "/api/2.0/sql/statements"
MEDIA_TYPES = {"JSON_ARRAY": "application/json", "CSV": "text/csv", "ARROW_STREAM": "application/octet-stream"}
HISTORY_STATES = {"PENDING": "QUEUED", "SUCCEEDED": "FINISHED", "CLOSED": "FINISHED"}
STATEMENT_TYPES = frozenset(
    (
        *("ALTER", "ANALYZE", "COPY", "CREATE", "DELETE", "DESCRIBE", "DROP"),
        *("EXPLAIN", "GRANT", "INSERT", "MERGE", "OPTIMIZE", "REFRESH", "REPLACE"),
        *("REVOKE", "SELECT", "SET", "SHOW", "TRUNCATE", "UPDATE", "USE"),
    )
)


def execute_statement(call: Call) -> dict[str, Any]:
    """POST statements."""
    return _describe(call, _service(call).submit(call.caller, parse_request(call.body)))


def get_statement(call: Call) -> dict[str, Any]:
    """GET statements/{id}."""
    return _describe(call, _service(call).get(call.caller, call.params["statement_id"]))


def cancel_statement(call: Call) -> dict[str, Any]:
    """POST statements/{id}/cancel."""
    _service(call).cancel(call.caller, call.params["statement_id"])
    return {}


def get_result_chunk(call: Call) -> dict[str, Any]:
    """GET statements/{id}/result/chunks/{index}."""
    document = _service(call).get(call.caller, call.params["statement_id"])
    if document["state"] != "SUCCEEDED":
        raise not_found(f"Statement {document['statement_id']} is {document['state']}: it has no result.")
    index, count = call.params["index"], document["manifest"]["total_chunk_count"]
    if not index.isdecimal() or int(index) >= count:
        raise bad_request(f"Chunk index {index} is out of range: the result has {count} chunks.")
    return _describe_chunk(call, document, int(index))


@needs_no_token
def download_chunk(call: Call) -> Response:
    """GET a chunk by its signed link."""
    statement_id, index = links.check_link(call)
    document = call.workspace.store.get(KIND, statement_id)
    try:
        content = _service(call).results.read(statement_id, index)
    except FileNotFoundError:
        document = None
    if document is None:
        raise not_found(f"The result of statement {statement_id} is gone.")
    result_format = document["format"]
    if result_format == "JSON_ARRAY":
        content = rendering.to_json(content)
    elif result_format == "CSV":
        content = rendering.to_csv(content, header=index == 0)
    return Response(content, media_type=MEDIA_TYPES[result_format])


def list_history(call: Call) -> dict[str, Any]:
    """GET sql/history/queries: own statements, for admins all."""
    documents = _service(call).history(call.caller)
    page = call.page([_describe_query(document) for document in documents], "res", 100)
    return {**page, "has_next_page": "next_page_token" in page}


ROUTES: list[Route] = [
    ("POST", f"{API}/", execute_statement),
    ("POST", API, execute_statement),
    ("GET", f"{API}/{{statement_id}}", get_statement),
    ("POST", f"{API}/{{statement_id}}/cancel", cancel_statement),
    ("GET", f"{API}/{{statement_id}}/result/chunks/{{index}}", get_result_chunk),
    ("GET", f"{links.PATH}/{{statement_id}}/{{index}}", download_chunk),
    ("GET", "/api/2.0/sql/history/queries", list_history),
]


def _service(call: Call) -> StatementService:
    return statements_of(call.workspace)


def _describe(call: Call, document: Document) -> dict[str, Any]:
    status = {"state": document["state"]}
    if "error" in document:
        status["error"] = document["error"]
    described: dict[str, Any] = {"statement_id": document["statement_id"], "status": status}
    if document["state"] == "SUCCEEDED":
        described["manifest"] = document["manifest"]
        described["result"] = _describe_chunk(call, document, 0)
    return described


def _describe_chunk(call: Call, document: Document, index: int) -> dict[str, Any]:
    chunks, statement_id = document["manifest"]["chunks"], document["statement_id"]
    described = dict(chunks[index])
    if index + 1 < len(chunks):
        described["next_chunk_index"] = index + 1
        described["next_chunk_internal_link"] = f"{API}/{statement_id}/result/chunks/{index + 1}"
    if document["disposition"] == "EXTERNAL_LINKS":
        url, expiration = links.make_link(call.workspace.store, call.workspace.host, statement_id, index)
        return {"external_links": [{**described, "external_link": url, "expiration": expiration}]}
    rows = rendering.read_rows(_service(call).results.read(statement_id, index))
    return {**described, "data_array": rows} if rows else described


def _describe_query(document: Document) -> dict[str, Any]:
    started, ended = document["submitted_at"], document.get("ended_at")
    first_word = (document["text"].split() or [""])[0].upper()
    query = {
        "query_id": document["statement_id"],
        "query_text": document["text"],
        "status": HISTORY_STATES.get(document["state"], document["state"]),
        "statement_type": first_word if first_word in STATEMENT_TYPES else "OTHER",
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
