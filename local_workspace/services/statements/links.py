"""External links of result chunks: signed URLs that expire and need no token."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from datetime import UTC, datetime
from urllib.parse import urlencode

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import permission_denied
from local_workspace.gateway.store import Store

LIFETIME_S = 15 * 60
PATH = "/local/statement-results"


def make_link(store: Store, host: str, statement_id: str, index: int) -> tuple[str, str]:
    """Return the URL of a chunk and when it expires."""
    expires = int(time.time()) + LIFETIME_S
    signature = _sign(store, statement_id, index, expires)
    query = urlencode({"expires": expires, "signature": signature})
    expiration = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return f"{host}{PATH}/{statement_id}/{index}?{query}", expiration


def check_link(call: Call) -> tuple[str, int]:
    """Return statement and chunk of a signed URL.

    Raises:
        ApiError: 403 when the signature is wrong or has expired.
    """
    statement_id, index = call.params["statement_id"], call.params["index"]
    expires, signature = call.query.get("expires", ""), call.query.get("signature", "")
    if not (index.isdecimal() and expires.isdecimal()):
        raise permission_denied("This result link is not valid.")
    expected = _sign(call.workspace.store, statement_id, int(index), int(expires))
    if not hmac.compare_digest(expected, signature):
        raise permission_denied("The signature of this result link is not valid.")
    if int(expires) < time.time():
        raise permission_denied("This result link has expired; ask for the chunk again to get a new one.")
    return statement_id, int(index)


def _sign(store: Store, statement_id: str, index: int, expires: int) -> str:
    message = f"{statement_id}/{index}/{expires}".encode()
    return hmac.new(_load_key(store), message, hashlib.sha256).hexdigest()


def _load_key(store: Store) -> bytes:
    document = store.get("statement_link_key", "key")
    if document is None:
        with store.transaction():
            document = store.get("statement_link_key", "key") or {"hex": secrets.token_hex(32)}
            store.put("statement_link_key", "key", document)
    return bytes.fromhex(document["hex"])
