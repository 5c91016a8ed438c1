"""Statement execution API 2.0 and query history.

https://docs.databricks.com/api/workspace/statementexecution
"""

from __future__ import annotations

from concurrent.futures import Future
from functools import partial
from typing import Any

from starlette.responses import Response

from local_workspace.gateway.app import needs_no_token
from local_workspace.gateway.calls import Answer, Call, Route, Wait
from local_workspace.gateway.errors import bad_request, not_found
from local_workspace.gateway.store import Document
from local_workspace.services.statements import links, rendering
from local_workspace.services.statements.history import describe_queries
from local_workspace.services.statements.requests import parse_request
from local_workspace.services.statements.service import CANCEL_WAIT_S, KIND, StatementService, statements_of

API = "/api/2.0/sql/statements"
MEDIA_TYPES = {"JSON_ARRAY": "application/json", "CSV": "text/csv", "ARROW_STREAM": "application/octet-stream"}


def execute_statement(call: Call) -> Answer:
    """POST statements."""
    request = parse_request(call.body)
    statement_id, done = _service(call).submit(call.caller, request)
    if not request.wait_s:
        return _describe_own(call, statement_id)
    return Wait(done, request.wait_s, partial(_answer_after, call, statement_id, done, request.cancel_on_timeout))


def _answer_after(call: Call, statement_id: str, done: Future[None], cancels: bool) -> Answer:
    if done.done() or not cancels:
        return _describe_own(call, statement_id)
    _service(call).cancel(call.caller, statement_id)
    return Wait(done, CANCEL_WAIT_S, partial(_describe_own, call, statement_id))


def get_statement(call: Call) -> dict[str, Any]:
    """GET statements/{id}."""
    return _describe_own(call, call.params["statement_id"])


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
    page = call.page(describe_queries(_service(call).history(call.caller), call.query_lists), "res", 100)
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


def _describe_own(call: Call, statement_id: str) -> dict[str, Any]:
    return _describe(call, _service(call).get(call.caller, statement_id))


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
