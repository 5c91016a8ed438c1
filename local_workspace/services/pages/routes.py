"""The web pages' paths, which are those of a real workspace where it has such a page."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.responses import RedirectResponse, Response

from local_workspace.gateway.app import needs_no_token, takes_bytes
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import ApiError, permission_denied
from local_workspace.services.jobs import runs
from local_workspace.services.pages import data_pages, job_pages, run_pages, sessions
from local_workspace.services.pages.markup import facts, join, link, section
from local_workspace.services.pages.people import show_principal
from local_workspace.services.pages.serving import Page, ask, page, show_file, show_login

_LONGEST_FORM = 100_000  # bytes; a token and a path are far shorter


def show_index(call: Call) -> Page:
    """GET /home: who one is, where to go, the last runs."""
    account = facts(
        (
            ("Logged in as", show_principal(call, call.caller.name)),
            ("Groups", ", ".join(sorted(call.caller.groups))),
            ("Address", call.workspace.host),
        )
    )
    ways = facts(
        (
            ("Runs", link(("jobs", "runs"), "all runs")),
            ("Jobs", link(("jobs",), "persistent jobs")),
            ("Data", link(("explore", "data"), "catalogs, tables, volumes and their grants")),
        )
    )
    last = run_pages.list_runs(call, ask(call, runs.list_runs, limit=10)["runs"])
    return Page("Home", join([section("Account", account), section("Pages", ways), section("Last runs", last)]))


@needs_no_token
@takes_bytes  # a browser sends a form, which is no JSON
def log_in(call: Call) -> Response:
    """POST /login with a `token` or a `code`: begin a session and go on to `next`."""
    sent = call.content.read(_LONGEST_FORM) if call.content else b""
    form = {name: values[-1] for name, values in parse_qs(sent.decode(errors="replace")).items()}
    wanted = _path_in_here(form.get("next", ""))
    try:
        _require_own_page(call)
        secret = sessions.open_session(call.workspace.store, form.get("token", "").strip(), form.get("code", ""))
    except ApiError as error:
        return show_login(call, wanted, error.message, error.status)
    return _go_to(wanted, sessions.format_cookie(call, secret))


@needs_no_token
def log_out(call: Call) -> Response:
    """POST /logout: end the session."""
    _require_own_page(call)
    sessions.close_session(call)
    return _go_to("/home", sessions.format_cookie(call, ""))


@needs_no_token
def show_login_page(call: Call) -> Response:
    """GET /login."""
    return show_login(call, "/home", "", 200)


def _go_to(path: str, cookie: str) -> Response:
    return RedirectResponse(path, 303, {"Set-Cookie": cookie, "Cache-Control": "no-store"})


def _path_in_here(path: str) -> str:
    """A login leads nowhere else: neither to another host nor to a path that a browser reads as one."""
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_own else "/home"


def _require_own_page(call: Call) -> None:
    """Refuse a form that another site's page sent; clients that are no browser do not say."""
    if call.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise permission_denied("A login must come from a page of this workspace.")


_JOB = "/jobs/{job_id}"
_DATA = "/explore/data"

ROUTES: list[Route] = [
    ("GET", "/", show_file("entry.html", "text/html")),
    ("GET", "/assets/entry.js", show_file("entry.js", "text/javascript")),
    ("GET", "/assets/pages.css", show_file("pages.css", "text/css")),
    ("GET", "/login", show_login_page),
    ("POST", "/login", log_in),
    ("POST", "/logout", log_out),
    ("POST", "/local/page-codes", sessions.make_code),
    ("GET", "/home", page(show_index)),
    ("GET", "/jobs", page(job_pages.show_jobs)),
    ("GET", "/jobs/runs", page(run_pages.show_runs)),
    ("GET", _JOB, page(job_pages.show_job)),
    ("GET", f"{_JOB}/runs/{{run_id}}", page(run_pages.show_run)),
    ("GET", _DATA, page(data_pages.show_home)),
    ("GET", f"{_DATA}/volumes/{{catalog}}/{{schema}}/{{name}}", page(data_pages.build_page("volume"))),
    ("GET", f"{_DATA}/functions/{{catalog}}/{{schema}}/{{name}}", page(data_pages.build_page("function"))),
    ("GET", f"{_DATA}/models/{{catalog}}/{{schema}}/{{name}}", page(data_pages.build_page("registered_model"))),
    ("GET", f"{_DATA}/{{catalog}}", page(data_pages.build_page("catalog"))),
    ("GET", f"{_DATA}/{{catalog}}/{{schema}}", page(data_pages.build_page("schema"))),
    ("GET", f"{_DATA}/{{catalog}}/{{schema}}/{{name}}", page(data_pages.build_page("table"))),
    ("GET", "/explore/location/{name}", page(data_pages.build_page("external_location"))),
    ("GET", "/explore/credentials/{name}", page(data_pages.build_page("storage_credential"))),
]
