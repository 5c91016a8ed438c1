"""Puts the audit log around the handlers of the calls that it records (audited_calls.py).

Recorded is what was carried out or refused, once it was, with or without an answer that arrived. Not recorded are
calls that no handler saw: without a valid token, or for a path nobody serves.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from local_workspace.gateway.calls import Answer, Call, Handler, Route, Wait
from local_workspace.gateway.errors import ApiError
from local_workspace.services.system_tables.audit_details import Event, Tell, as_text
from local_workspace.services.system_tables.audited_calls import AUDITED, UNITY_CATALOG, Audited

if TYPE_CHECKING:
    from starlette.responses import Response

_OK = 200


def audit(route: Route) -> Route:
    """Return the route with a handler that leaves its events in the audit log; the same route if it has none."""
    method, template, handler = route
    audited = AUDITED.get((method, template))
    return route if audited is None else (method, template, _watch(handler, audited))


def _watch(handler: Handler, audited: Any) -> Handler:
    @wraps(handler)
    def serve(call: Call) -> Answer:
        return _carry_out(call, audited, _prepare(call, audited), partial(handler, call))

    return serve


def _carry_out(call: Call, audited: Any, tell: Tell, work: Callable[[], Answer]) -> Answer:
    try:
        answer = work()
    except ApiError as error:
        _record(call, tell(), error.status, error.message, None)
        raise
    if isinstance(answer, Wait):  # it is not known yet how the call ends
        return replace(answer, answer=partial(_carry_out, call, audited, tell, answer.answer))
    _record(call, tell(), _OK, None, _select_result(audited, answer))
    return answer


def _prepare(call: Call, audited: Any) -> Tell:
    try:
        if not isinstance(audited, Audited):
            return audited(call)  # type: ignore[no-any-return]
    except ApiError:
        return tuple  # no such object, or bad input: the handler says so, and nothing is known to record
    event = Event(audited.service, audited.action, _select_parameters(call, audited.parameters))
    return lambda: (event,)


def _select_parameters(call: Call, names: str) -> dict[str, Any]:
    sources = (call.params, call.body, call.query)
    pairs = [(logged, name or logged) for logged, _, name in (one.partition("=") for one in names.split())]
    found = {logged: next((one[name] for one in sources if name in one), None) for logged, name in pairs}
    return {logged: value for logged, value in found.items() if value is not None}


def _select_result(audited: Any, answer: dict[str, Any] | Response) -> str | None:
    if isinstance(audited, Audited) and audited.result and isinstance(answer, dict):
        return json.dumps({audited.result: answer[audited.result]})
    return None


def _record(call: Call, events: Iterable[Event], status: int, error: str | None, result: str | None) -> None:
    for event in events:
        parameters = {name: as_text(value) for name, value in event.parameters.items() if value is not None}
        call.workspace.audit_log.append(
            {
                "event_id": str(uuid.uuid4()),
                "request_id": str(uuid.uuid4()),
                "event_time": time.time(),
                "email": call.caller.name,
                "user_agent": call.headers.get("user-agent"),  # none: SQL, which the gateway itself carries out
                "service_name": event.service,
                "action_name": event.action,
                "request_params": parameters,
                "is_account_level": event.service == UNITY_CATALOG,
                "response": {"status_code": status, "error_message": error, "result": result},
            }
        )
