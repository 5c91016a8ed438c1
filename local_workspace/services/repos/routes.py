"""Repos API 2.0: Git folders. https://docs.databricks.com/api/workspace/repos

Who may do what with one, the tree says: CAN_READ sees it, all else takes CAN_MANAGE, as does being listed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import already_exists, bad_request, not_found
from local_workspace.gateway.moments import now_ms
from local_workspace.gateway.store import Document
from local_workspace.services.git_credentials.credentials import find_login, read_provider
from local_workspace.services.repos.checkout import check_out, read_patterns
from local_workspace.services.repos.remote import Fetched, Reference, check_url, fetch
from local_workspace.services.workspace import tree
from local_workspace.services.workspace.access import check_level, has_level
from local_workspace.services.workspace.objects import WorkspaceObjects

TYPE = "REPO"
PAGE = 20


def create_repo(call: Call) -> dict[str, Any]:
    """POST repos: clone into a new folder; needs CAN_MANAGE on the one above. What fails leaves nothing behind."""
    url, provider = check_url(call.body.get("url")), read_provider(call.require("provider"))
    patterns, path = read_patterns(call.body.get("sparse_checkout")), _read_path(call, url)
    _require_place(call, path)
    fetched = fetch(url, Reference(), find_login(call, provider))
    git = {"url": url, "provider": provider, "sparse_patterns": patterns, **_describe_head(fetched)}

    def add() -> Document:
        _require_place(call, path)
        return _objects(call).add(path, TYPE, {"git": git})

    return _describe(check_out(call.workspace.store, _objects(call), fetched, add))


def get_repo(call: Call) -> dict[str, Any]:
    """GET repos/{repo_id}."""
    return _describe(_load(call, "CAN_READ"))


def list_repos(call: Call) -> dict[str, Any]:
    """GET repos: those that the caller manages under a path, /Repos if none is named."""
    store, given = call.workspace.store, call.query.get("path_prefix") or ""
    prefix = given.removeprefix("/Workspace") if given.startswith("/Workspace/") else given
    if prefix.rstrip("/") in ("", "/Workspace"):
        prefix = "/Repos/"
    found = [one for _, one in store.scan(tree.KIND, prefix) if one["object_type"] == TYPE]
    managed = [_describe(one) for one in found if has_level(store, call.caller, one["path"], "CAN_MANAGE")]
    return replace(call, query={"page_token": call.query.get("next_page_token", "")}).page(managed, "repos", PAGE)


def update_repo(call: Call) -> dict[str, Any]:
    """PATCH repos/{repo_id}: to the latest commit of a branch, or to a tag; without either only the sparse folders."""
    wanted, patterns = _read_reference(call.body), read_patterns(call.body.get("sparse_checkout"))
    repo = _load(call, "CAN_MANAGE")
    git = repo["git"]
    if patterns is not None and git["sparse_patterns"] is None:
        raise bad_request("Sparse checkout is not enabled for this repo; it can only be when the repo is created")
    fetched = fetch(git["url"], wanted or _current(git), find_login(call, git["provider"]))

    def find() -> Document:
        current = _load(call, "CAN_MANAGE")
        asked = {} if patterns is None else {"sparse_patterns": patterns}
        changed = {**current["git"], **asked, **_describe_head(fetched)}
        return {**current, "git": changed, "modified_at": now_ms()}

    check_out(call.workspace.store, _objects(call), fetched, find)
    return {}


def delete_repo(call: Call) -> dict[str, Any]:
    """DELETE repos/{repo_id}: with all that lies in it."""
    _objects(call).delete(_load(call, "CAN_MANAGE")["path"], recursive=True)
    return {}


_API = "/api/2.0/repos"
ROUTES: list[Route] = [
    ("POST", _API, create_repo),
    ("GET", _API, list_repos),
    ("GET", f"{_API}/{{repo_id}}", get_repo),
    ("PATCH", f"{_API}/{{repo_id}}", update_repo),
    ("DELETE", f"{_API}/{{repo_id}}", delete_repo),
]


def _objects(call: Call) -> WorkspaceObjects:
    return WorkspaceObjects(call.workspace, call.caller)


def _load(call: Call, level: str) -> Document:
    identity = call.params["repo_id"]
    if not identity.isdecimal():
        raise bad_request(f"{identity} is not a valid repo id.")
    return _objects(call).get_by_id(TYPE, identity, level)


def _read_path(call: Call, url: str) -> str:
    name = url.rstrip("/").rpartition("/")[2].removesuffix(".git")
    given = call.body.get("path") or f"/Repos/{call.caller.name}/{name}"
    if not isinstance(given, str):
        raise bad_request(f"path must be a text, got {given!r}")
    path = tree.normalize_path(given)
    if path.startswith("/Repos/") and path.count("/") != 3:
        raise bad_request(f"Invalid path {path}: in /Repos it must be /Repos/{{folder}}/{{repo-name}}")
    return path


def _require_place(call: Call, path: str) -> None:
    """Refuse before anything is cloned what cannot be stored afterwards."""
    store, above = call.workspace.store, tree.list_folders_above(path)
    check_level(store, call.caller, path, "CAN_MANAGE")
    if not _objects(call).is_folder(tree.parent_of(path)):
        raise not_found(f"Parent directory {tree.parent_of(path)} does not exist.")
    for folder in above:
        if (store.get(tree.KIND, folder) or {}).get("object_type") == TYPE:
            raise bad_request(f"{path} lies in the Git folder {folder}; a Git folder cannot hold another")
    if store.get(tree.KIND, path) is not None or tree.is_standard(store, path):
        rule = "If you would like to create two repos from the same remote Git repo, rename the first repo before"
        raise already_exists(f"Repo {path} already exists. {rule} creating the second one.")


def _read_reference(body: Mapping[str, Any]) -> Reference | None:
    branch, tag = body.get("branch"), body.get("tag")
    for name, value in (("branch", branch), ("tag", tag)):
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise bad_request(f"{name} must be a name, got {value!r}")
    if branch and tag:
        raise bad_request("Only one of branch and tag may be given")
    if not branch and not tag:
        if body.get("sparse_checkout") is None:
            raise bad_request("One of branch, tag and sparse_checkout is expected")
        return None
    return Reference(branch, tag)


def _current(git: Mapping[str, Any]) -> Reference:
    return Reference(git["branch"], commit=git["head_commit_id"])


def _describe_head(fetched: Fetched) -> dict[str, Any]:
    return {"branch": fetched.branch, "head_commit_id": fetched.commit}


def _describe(document: Document) -> dict[str, Any]:
    git = document["git"]
    shown = {
        "id": document["object_id"],
        "path": document["path"],
        "url": git["url"],
        "provider": git["provider"],
        "branch": git["branch"],
        "head_commit_id": git["head_commit_id"],
        "sparse_checkout": None if git["sparse_patterns"] is None else {"patterns": git["sparse_patterns"]},
    }
    return {name: value for name, value in shown.items() if value is not None}
