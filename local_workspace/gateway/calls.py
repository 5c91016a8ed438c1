"""One REST call as a service sees it: who calls, with which parameters, on which workspace.

No HTTP library types leak into the services except the optional Response a handler may return.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias

from local_workspace.gateway.errors import bad_request

if TYPE_CHECKING:
    from starlette.responses import Response

    from local_workspace.gateway.workspace import Workspace


@dataclass(frozen=True)
class Principal:
    """A user or service principal with the groups it belongs to (transitively)."""

    name: str
    kind: Literal["user", "service_principal"]
    display_name: str
    id: int
    groups: frozenset[str] = frozenset()
    is_admin: bool = False
    is_active: bool = True


@dataclass(frozen=True)
class Call:
    """An authenticated request: `params` of the path, `body` from JSON, `raw` the body's bytes.

    `query` has the last value of each name, `query_lists` all of them.
    A binary upload is not held in `raw` but spooled: `content` is then a seekable binary file, at its start.
    """

    method: str
    path: str
    caller: Principal
    token: str
    workspace: Workspace
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    query_lists: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    raw: bytes = b""
    content: BinaryIO | None = None

    def require(self, name: str) -> Any:
        """Return the body's, path's or query's `name`.

        Raises:
            ApiError: 400 naming the field when it is absent or empty.
        """
        for source in (self.body, self.params, self.query):
            if source.get(name) not in (None, ""):
                return source[name]
        raise bad_request(f"Missing required field: {name} ({self.method} {self.path})")

    def whole(self, name: str, default: int | None = None, least: int = 0) -> int:
        """Return a whole number of the body, the path or the query; `default` None means that it must be there.

        Raises:
            ApiError: 400 naming the field when it is absent, no such number, or less than `least`.
        """
        if default is not None and all(one.get(name) in (None, "") for one in (self.body, self.params, self.query)):
            return default
        value = self.require(name)
        is_whole = re.fullmatch(r"-?[0-9]{1,18}", value) if isinstance(value, str) else type(value) is int
        if not is_whole or int(value) < least:
            raise bad_request(f"{name} must be a whole number of at least {least}, got {value!r}")
        return int(value)

    def page(self, items: Sequence[Any], key: str, max_default: int = 1000) -> dict[str, Any]:
        """Cut one page out of `items`: {key: [...], "next_page_token": ...} (token absent on the last page)."""
        start = _decode_page_token(self.query.get("page_token") or self.body.get("page_token"))
        size = self._page_size(max_default)
        page: dict[str, Any] = {key: list(items[start : start + size])}
        if start + size < len(items):
            page["next_page_token"] = _encode_page_token(start + size)
        return page

    def _page_size(self, max_default: int) -> int:
        for name in ("max_results", "page_size", "limit"):
            value = self.query.get(name) or self.body.get(name)
            if value is not None:
                return _parse_page_size(name, value, max_default)
        return max_default


@dataclass(frozen=True)
class Wait:
    """What a handler returns when others do the work: ask `answer` when `done`, or when `seconds` are over.

    The gateway waits on its event loop: a handler that waited itself would keep a thread from its principal's calls.
    """

    done: Future[None]
    seconds: float
    answer: Callable[[], Answer]


Answer: TypeAlias = "dict[str, Any] | Response | Wait"
Handler = Callable[[Call], Answer]
Route = tuple[str, str, Handler]


def _parse_page_size(name: str, value: Any, max_default: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", str(value)):
        raise bad_request(f"{name} must be a whole number, got {value!r}")
    size = int(value)
    if size < 0:
        raise bad_request(f"{name} must not be negative, got {size}")
    return min(size, max_default) if size else max_default


def _encode_page_token(start: int) -> str:
    return base64.urlsafe_b64encode(f"from:{start}".encode()).decode().rstrip("=")


def _decode_page_token(token: str | None) -> int:
    if not token:
        return 0
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except ValueError:  # of base64, of characters that are not its own, and of what it holds
        text = ""
    if not (found := re.fullmatch(r"from:([0-9]{1,18})", text)):
        raise bad_request(f"Invalid page_token: {token!r}; pass the next_page_token of the answer before")
    return int(found[1])
