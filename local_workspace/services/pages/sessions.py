"""Who looks at a page: a browser's session, begun with a token or with a one-time code of `lakehouse local link`.

A session is not a token: it opens pages and no API, because a cookie goes to all servers on the same host.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from http.cookies import CookieError, SimpleCookie
from typing import Any

from local_workspace.gateway import principals, token_policy
from local_workspace.gateway.app import bearer_token
from local_workspace.gateway.calls import Call, Principal
from local_workspace.gateway.errors import permission_denied
from local_workspace.gateway.store import Document, Store

SESSION, CODE = "page_session", "page_code"
SESSION_S, CODE_S = 12 * 3600, 120


class NoSession(Exception):
    """Nobody is logged in; what a session was for may have ended."""


def make_code(call: Call) -> dict[str, Any]:
    """POST /local/page-codes: a code that begins one session of the caller, within two minutes."""
    token_id, _ = principals.find_token(call.workspace.store, call.token)
    return {"code": _keep(call.workspace.store, CODE, token_id, CODE_S), "expires_in_seconds": CODE_S}


def open_session(store: Store, token: str, code: str) -> str:
    """Return the secret of a new session, of a token or a code. A code works once.

    Raises:
        ApiError: 403 for a token or a code that opens nothing.
    """
    _forget_expired(store)
    if code:
        return _keep(store, SESSION, _redeem(store, code), SESSION_S)
    caller = principals.authenticate(store, token)
    token_policy.require_usable(store, caller, token)
    return _keep(store, SESSION, principals.find_token(store, token)[0], SESSION_S)


def close_session(call: Call) -> None:
    """End the browser's session, if it has one."""
    call.workspace.store.delete(SESSION, _digest(_read_cookie(call)))


def find_caller(call: Call) -> Principal:
    """Return who looks at a page. A session ends with the token it was begun with.

    Raises:
        NoSession: there is none, or it has ended.
        ApiError: 403 for a bearer token that opens nothing, and for a principal that is deactivated.
    """
    store = call.workspace.store
    if "authorization" in call.headers:
        token = bearer_token(call.headers["authorization"])
        caller = principals.authenticate(store, token)
        token_policy.require_usable(store, caller, token)
        return caller
    session = store.get(SESSION, _digest(_read_cookie(call)))
    token_document = session and store.get(principals.TOKEN, session["token_id"])
    if not session or not token_document or _has_expired(session) or _has_expired(token_document):
        raise NoSession
    caller = principals.load_active(store, token_document["principal"])
    if token_document.get("personal"):
        token_policy.require_use(store, caller)
    return caller


def format_cookie(call: Call, secret: str) -> str:
    """Return the Set-Cookie header of a session; an empty secret removes the cookie."""
    lasts = SESSION_S if secret else 0
    return f"{_cookie_name(call)}={secret}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Strict"


def _redeem(store: Store, code: str) -> str:
    with store.transaction():
        document = store.get(CODE, _digest(code))
        store.delete(CODE, _digest(code))
    if document is None or _has_expired(document):
        raise permission_denied("The link was used before, or is too old. Run `lakehouse local link` again.")
    return str(document["token_id"])


def _keep(store: Store, kind: str, token_id: str, lasts_s: int) -> str:
    secret = secrets.token_urlsafe(32)
    store.put(kind, _digest(secret), {"token_id": token_id, "expires_at": time.time() + lasts_s})
    return secret


def _forget_expired(store: Store) -> None:
    for kind in (SESSION, CODE):
        for key, document in store.scan(kind):
            if _has_expired(document):
                store.delete(kind, key)


def _has_expired(document: Document) -> bool:
    return document["expires_at"] is not None and document["expires_at"] < time.time()


def _cookie_name(call: Call) -> str:
    """Browsers keep one set of cookies for all ports of a host: each workspace has a name of its own."""
    return f"lakehouse_pages_{call.workspace.host.rpartition(':')[2]}"


def _read_cookie(call: Call) -> str:
    try:
        found = SimpleCookie(call.headers.get("cookie", "")).get(_cookie_name(call))
    except CookieError:  # of another server on this host
        return ""
    return found.value if found else ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
