"""How a page is answered: for whom, in which frame, with which headers, and what an error looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, wraps
from importlib.resources import files
from string import Template
from typing import Any

from starlette.responses import Response

from local_workspace.gateway.app import needs_no_token
from local_workspace.gateway.calls import Call, Handler
from local_workspace.gateway.errors import ApiError
from local_workspace.services.pages import sessions
from local_workspace.services.pages.markup import Html, element, join, link, text

# Nothing but the two files here: no script of a page's content runs, and nothing is loaded from elsewhere.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_REFRESH_S = 3
_MENU = ((("jobs", "runs"), "Runs"), (("jobs",), "Jobs"), (("explore", "data"), "Data"))


@dataclass(frozen=True)
class Page:
    """A page's title, what it is (`kind`), its content, and whether it changes while one looks at it."""

    title: str
    content: Html
    kind: str = ""
    is_live: bool = False


Build = Callable[[Call], Page]


def page(build: Build) -> Handler:
    """Return the handler of a page, which needs a session: its content is asked for as who is logged in."""

    @needs_no_token  # it has a session instead
    @wraps(build)
    def serve(call: Call) -> Response:
        try:
            caller = sessions.find_caller(call)
        except sessions.NoSession:
            return show_login(call, call.path, "", 401)
        except ApiError as error:
            return show_login(call, call.path, error.message, error.status)
        asked = replace(call, caller=caller, headers={})
        try:
            return respond(asked, build(asked))
        except ApiError as error:
            told = element("section", element("pre", error.message, class_="error"))
            return respond(asked, Page(f"{error.status} {error.error_code}", told), error.status)

    return serve


def ask(call: Call, handler: Handler, **parameters: object) -> dict[str, Any]:
    """Return what a GET of the REST API answers to who looks at the page."""
    texts = {name: str(value) for name, value in parameters.items() if value is not None}
    answer = handler(replace(call, method="GET", params=texts, query=texts, body={}))
    assert isinstance(answer, dict)
    return answer


def ask_all(call: Call, handler: Handler, key: str, **parameters: object) -> list[dict[str, Any]]:
    """Return the items of all pages of a list."""
    items: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        answer = ask(call, handler, page_token=token, **parameters)
        items += answer.get(key) or []
        if not (token := answer.get("next_page_token")):
            return items


def respond(call: Call, shown: Page, status: int = 200) -> Response:
    """Return a page in the frame that all have."""
    is_known = call.caller is not None  # nobody, on the login page
    filled = _template("layout.html").substitute(
        refresh=element("meta", http_equiv="refresh", content=_REFRESH_S) if shown.is_live else "",
        title=text(shown.title),
        workspace=text(f"Workspace {call.workspace.name}"),
        navigation=join(link(path, label) for path, label in _MENU) if is_known else "",
        account=_show_account(call) if is_known else "",
        heading=join([shown.title, element("small", shown.kind) if shown.kind else ""]),
        content=shown.content,
    )
    return Response(filled, status, dict(_HEADERS), "text/html")


def show_login(call: Call, wanted: str, problem: str, status: int) -> Response:
    """Return the login page, which leads on to the path that was wanted."""
    form = element(
        "form",
        element("pre", problem, class_="error") if problem else "",
        element("label", "Paste the token that this command prints: ", element("code", "lakehouse local token")),
        element("input", type="password", name="token", required="", autocomplete="off", autofocus=""),
        element("input", type="hidden", name="next", value=wanted),
        element("button", "Log in", type="submit"),
        method="post",
        action="/login",
        class_="login",
    )
    hint = element("p", "Or open a link that is logged in already: ", element("code", "lakehouse local link"))
    return respond(replace(call, caller=None), Page("Log in", element("section", form, hint)), status)  # type: ignore[arg-type]


def show_file(name: str, media_type: str) -> Handler:
    """Return the handler of a file that holds no data of the workspace."""

    @needs_no_token
    def serve(call: Call) -> Response:
        return Response(_template(name).template, 200, dict(_HEADERS), media_type)

    return serve


def _show_account(call: Call) -> Html:
    button = element("button", "Log out", type="submit")
    return element("form", element("span", call.caller.display_name), button, method="post", action="/logout")


@cache
def _template(name: str) -> Template:
    return Template(files(__package__).joinpath(name).read_text())
