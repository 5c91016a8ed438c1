"""Git folders over HTTP: cloned from a real Git server, switched, read as workspace objects, by whom the tree lets."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    InvalidParameterValue,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.sql import CreateQueryRequestQuery
from databricks.sdk.service.workspace import (
    ExportFormat,
    ImportFormat,
    RepoInfo,
    SparseCheckout,
    SparseCheckoutUpdate,
)

from tests.git_remote import GitRemote
from tests.local_workspace.services.repos.conftest import NOTEBOOK


def paths(client: WorkspaceClient, repo: RepoInfo) -> dict[str, str]:
    """What lies in the folder and those in it, with its type; the SDK leaves out the folders."""
    found = client.workspace.list(str(repo.path), recursive=True)
    root = f"{repo.path}/"
    return {str(one.path).removeprefix(root): one.object_type.value for one in found if one.object_type}


def text(client: WorkspaceClient, repo: RepoInfo, name: str) -> bytes:
    return client.workspace.download(f"{repo.path}/{name}", format=ExportFormat.SOURCE).read()


def write(client: WorkspaceClient, repo: RepoInfo, name: str, content: bytes) -> None:
    client.workspace.upload(f"{repo.path}/{name}", content, format=ImportFormat.RAW, overwrite=True)


def now(client: WorkspaceClient, repo: RepoInfo) -> RepoInfo:
    return RepoInfo.from_dict(client.repos.get(int(repo.id or 0)).as_dict())


def refused(code: str, call: Any, said: str = ".") -> None:
    with pytest.raises(DatabricksError, match=said) as caught:
        call()
    assert caught.value.error_code == code


def allow(client: WorkspaceClient, repo: RepoInfo, name: str, level: str) -> None:
    entry = AccessControlRequest(user_name=name, permission_level=PermissionLevel(level))
    client.permissions.update("repos", str(repo.id), access_control_list=[entry])


def test_a_clone_is_the_files_of_the_default_branch(ann: WorkspaceClient, repo: RepoInfo, remote: GitRemote) -> None:
    head = remote.repository.refs[b"refs/heads/main"].decode()
    assert (repo.branch, repo.head_commit_id, repo.provider, repo.url) == ("main", head, "gitHub", remote.url)
    assert now(ann, repo) == repo
    status = ann.workspace.get_status(str(repo.path))
    assert (status.object_type.value, status.object_id) == ("REPO", repo.id)  # type: ignore[union-attr]
    assert paths(ann, repo) == {
        "README.md": "FILE",
        "etl/load": "NOTEBOOK",
        "new.txt": "FILE",
        "sql/b.sql": "FILE",
    }
    assert (text(ann, repo, "README.md"), text(ann, repo, "etl/load")) == (b"two\n", NOTEBOOK)


def test_it_switches_between_branches_and_tags(ann: WorkspaceClient, repo: RepoInfo, remote: GitRemote) -> None:
    first = remote.repository.refs[b"refs/heads/dev"].decode()
    api, identity = ann.repos, int(repo.id or 0)
    api.update(identity, branch="dev")
    assert (now(ann, repo).branch, now(ann, repo).head_commit_id) == ("dev", first)
    assert text(ann, repo, "README.md") == b"one\n"
    assert {"etl/deep/a.txt", "new.txt"} & paths(ann, repo).keys() == {"etl/deep/a.txt"}
    api.update(identity, branch="main")
    assert [one.path for one in ann.workspace.list(f"{repo.path}/etl")] == [f"{repo.path}/etl/load"]
    api.update(identity, tag="v1")
    assert (now(ann, repo).branch, now(ann, repo).head_commit_id) == (None, first)
    later = remote.commit("main", {"later.txt": b"l"})
    api.update(identity, branch="main")
    assert now(ann, repo).head_commit_id == later
    assert text(ann, repo, "later.txt") == b"l"


def test_what_was_changed_here_is_not_lost(ann: WorkspaceClient, repo: RepoInfo, remote: GitRemote) -> None:
    before = now(ann, repo)
    write(ann, repo, "README.md", b"mine\n")
    write(ann, repo, "notes.txt", b"mine\n")
    refused("GIT_CONFLICT", lambda: ann.repos.update(int(repo.id or 0), branch="dev"), "README.md was changed")
    assert now(ann, repo) == before
    assert "new.txt" in paths(ann, repo), "all of it is undone"
    write(ann, repo, "README.md", b"two\n")
    ann.repos.update(int(repo.id or 0), branch="dev")
    assert text(ann, repo, "README.md") == b"one\n", "what was changed back was not changed"
    remote.commit("main", {"notes.txt": b"theirs"})
    refused("GIT_CONFLICT", lambda: ann.repos.update(int(repo.id or 0), branch="main"), "notes.txt is there")
    remote.commit("main", {"notes.txt": None, "other.txt": b"o"})
    ann.repos.update(int(repo.id or 0), branch="main")
    assert (text(ann, repo, "notes.txt"), text(ann, repo, "other.txt")) == (b"mine\n", b"o")


def test_a_sparse_one_has_the_folders_of_its_cone(ann: WorkspaceClient, folder: str, remote: GitRemote) -> None:
    head = remote.repository.refs[b"refs/heads/main"].decode()
    made = ann.repos.create(
        remote.url, "GITHUB", path=f"{folder}/sparse", sparse_checkout=SparseCheckout(patterns=["sql"])
    )
    repo = RepoInfo.from_dict(made.as_dict())
    assert {"README.md", "sql/b.sql"} <= paths(ann, repo).keys()
    assert "etl/load" not in paths(ann, repo)
    remote.commit("main", {"later.txt": b"l"})
    ann.repos.update(int(repo.id or 0), sparse_checkout=SparseCheckoutUpdate(patterns=["etl"]))
    assert paths(ann, repo).keys() == {"README.md", "new.txt", "etl/load"}
    found = now(ann, repo)
    assert (found.branch, found.head_commit_id) == ("main", head), "it pulls nothing"
    assert found.sparse_checkout == SparseCheckout(patterns=["etl"])


def test_notebooks_lose_their_extension_where_nothing_else_is_called_so(
    ann: WorkspaceClient, folder: str, remote: GitRemote
) -> None:
    remote.commit("main", {"etl.py": NOTEBOOK, "j.ipynb": b"{}", "say.py": NOTEBOOK})
    repo = RepoInfo.from_dict(ann.repos.create(remote.url, "gitHub", path=f"{folder}/two").as_dict())
    found = paths(ann, repo)
    assert (found["etl.py"], found["etl/load"], found["j.ipynb"]) == ("FILE", "NOTEBOOK", "FILE")
    assert found["say"] == "NOTEBOOK"
    remote.commit("main", {"say": b"text"})
    ann.repos.update(int(repo.id or 0), branch="main")
    assert (text(ann, repo, "say"), text(ann, repo, "say.py")) == (b"text", NOTEBOOK)


def test_a_folder_becomes_a_file_and_a_file_a_folder(ann: WorkspaceClient, repo: RepoInfo, remote: GitRemote) -> None:
    remote.commit("main", {"sql/b.sql": None, "new.txt": None})
    remote.commit("main", {"sql": b"file", "new.txt/deep/x": b"x"})
    for branch, there in (("main", "new.txt/deep/x"), ("dev", "sql/b.sql"), ("main", "sql")):
        ann.repos.update(int(repo.id or 0), branch=branch)
        assert there in paths(ann, repo)


def test_what_cannot_be_is_refused_and_leaves_nothing(
    ann: WorkspaceClient, folder: str, repo: RepoInfo, remote: GitRemote
) -> None:
    here, url, bad = f"{folder}/x", remote.url, InvalidParameterValue
    cases: list[tuple[str, str, str | None, type[Exception], str]] = [
        ("", "gitHub", here, bad, "Git repository URL missing"),
        ("flights", "gitHub", here, bad, "Invalid Git repository URL"),
        ("file:///etc", "gitHub", here, bad, "Invalid Git repository URL"),
        ("ssh://git@127.0.0.1/x.git", "gitHub", here, bad, "must hold no credentials"),
        (url.replace("http://", "http://me:s3cret@"), "gitHub", here, bad, "must hold no credentials"),
        (url, "svn", here, bad, "Unknown Git provider 'svn'"),
        (url, "", here, bad, "Missing required field: provider"),
        (url, "gitHub", "/Repos/x", bad, "must be /Repos/{folder}/{repo-name}"),
        (url, "gitHub", "/Repos/ann/a/b", bad, "must be /Repos/{folder}/{repo-name}"),
        (url, "gitHub", f"{folder}/no/x", NotFound, f"Parent directory {folder}/no does not exist"),
        (url, "gitHub", f"{repo.path}/sql/x", bad, "cannot hold another"),
        (url, "gitHub", repo.path, ResourceAlreadyExists, f"Repo {repo.path} already exists"),
        (url, "gitHub", folder, ResourceAlreadyExists, "already exists"),
        (url.replace("flights", "none"), "gitHub", here, NotFound, "Remote repo not found"),
        ("http://127.0.0.1:1/x.git", "gitHub", here, BadRequest, "cannot be cloned"),
    ]
    for given, provider, path, kind, said in cases:
        with pytest.raises(kind, match=said):
            ann.repos.create(given, provider, path=path)
    for pattern in ("*.py", "!etl", "../x", "/"):
        with pytest.raises(bad, match=r"sparse_checkout\.patterns"):
            ann.repos.create(url, "gitHub", path=here, sparse_checkout=SparseCheckout(patterns=[pattern]))
    assert [one.path for one in ann.workspace.list(folder)] == [repo.path]


def test_updates_that_cannot_be_are_refused(ann: WorkspaceClient, repo: RepoInfo) -> None:
    identity, before = int(repo.id or 0), now(ann, repo)
    refused("GIT_UNKNOWN_REF", lambda: ann.repos.update(identity, branch="none"), "Branch 'none' does not exist")
    refused("GIT_UNKNOWN_REF", lambda: ann.repos.update(identity, tag="main"), "Tag 'main' does not exist")
    refused("INVALID_PARAMETER_VALUE", lambda: ann.repos.update(identity, branch="main", tag="v1"), "Only one of")
    refused("INVALID_PARAMETER_VALUE", lambda: ann.repos.update(identity), "One of branch, tag")
    sparse = SparseCheckoutUpdate(patterns=["etl"])
    refused("INVALID_PARAMETER_VALUE", lambda: ann.repos.update(identity, sparse_checkout=sparse), "not enabled")
    refused("RESOURCE_DOES_NOT_EXIST", lambda: ann.repos.update(77, branch="main"), "Repo with object id 77")
    notebook = ann.workspace.get_status(f"{repo.path}/etl/load").object_id
    refused("RESOURCE_DOES_NOT_EXIST", lambda: ann.repos.get(int(notebook or 0)))
    assert now(ann, repo) == before


def test_they_are_listed_below_a_prefix_page_by_page(served, ann: WorkspaceClient, remote: GitRemote) -> None:
    folder = f"/Users/ann/{uuid.uuid4().hex}"
    ann.workspace.mkdirs(folder)
    made = [ann.repos.create(remote.url, "gitHub", path=f"{folder}/{number:02}").path for number in range(21)]
    first = ann.api_client.do("GET", "/api/2.0/repos", query={"path_prefix": folder})
    assert (len(first["repos"]), "next_page_token" in first) == (20, True)  # type: ignore[call-overload, index]
    assert [one.path for one in ann.repos.list(path_prefix=f"/Workspace{folder}")] == made
    own = ann.repos.create(remote.url, "gitHub")
    assert own.path == "/Repos/ann/flights"
    assert [one.path for one in ann.repos.list()] == [own.path]
    assert [one.path for one in ann.repos.list(path_prefix="/Workspace")] == [own.path]
    assert [*served.client("bob").repos.list(path_prefix=folder)] == []
    ann.repos.delete(int(own.id or 0))


def test_only_git_folders_lie_in_a_folder_of_repos(ann: WorkspaceClient) -> None:
    assert [one.path for one in ann.workspace.list("/Repos")] == ["/Repos/ann"]
    refused("DIRECTORY_PROTECTED", lambda: ann.workspace.mkdirs("/Repos/ann/x"), "can only contain repos")
    upload = lambda: ann.workspace.upload("/Repos/ann/x", b"x", format=ImportFormat.RAW)  # noqa: E731
    refused("DIRECTORY_PROTECTED", upload)
    refused("DIRECTORY_PROTECTED", lambda: ann.experiments.create_experiment("/Repos/ann/x"))
    query = CreateQueryRequestQuery(display_name="q", query_text="SELECT 1", parent_path="/Repos/ann")
    refused("DIRECTORY_PROTECTED", lambda: ann.queries.create(query=query))
    with pytest.raises(PermissionDenied, match="'ann' does not have CAN_MANAGE"):
        ann.workspace.mkdirs("/Repos/team")


CALLS = {
    "get": ("CAN_READ", lambda api, one: api.repos.get(one.id)),
    "read a file": ("CAN_READ", lambda api, one: text(api, one, "README.md")),
    "change a file": ("CAN_EDIT", lambda api, one: write(api, one, "sql/b.sql", b"x")),
    "switch": ("CAN_MANAGE", lambda api, one: api.repos.update(one.id, branch="dev")),
    "grant": ("CAN_MANAGE", lambda api, one: allow(api, one, "eve", "CAN_READ")),
    "delete": ("CAN_MANAGE", lambda api, one: api.repos.delete(one.id)),
}
LEVELS = ("CAN_READ", "CAN_RUN", "CAN_EDIT", "CAN_MANAGE")


def test_a_level_opens_what_it_says(served, ann: WorkspaceClient, repo: RepoInfo) -> None:
    bob = served.client("bob")
    for held in (None, *LEVELS):
        if held:
            allow(ann, repo, "bob", held)
        for needed, call in CALLS.values():
            if held and LEVELS.index(held) >= LEVELS.index(needed):
                call(bob, repo)
                continue
            with pytest.raises(PermissionDenied, match=f"'bob' does not have {needed} on Workspace object"):
                call(bob, repo)
        listed = [one.path for one in bob.repos.list(path_prefix=str(repo.path))]
        assert listed == [], "only who manages one has it listed; deleted at last"


def test_permissions_are_inherited_and_shown(served, ann: WorkspaceClient, repo: RepoInfo) -> None:
    with pytest.raises(InvalidParameterValue, match="CAN_USE"):
        allow(ann, repo, "bob", "CAN_USE")
    allow(ann, repo, "bob", "CAN_MANAGE")
    assert [one.path for one in served.client("bob").repos.list(path_prefix=str(repo.path))] == [repo.path]
    shown = served.client("bob").permissions.get("repos", str(repo.id))
    assert (shown.object_id, shown.object_type) == (f"/repos/{repo.id}", "repo")
    notebook = ann.workspace.get_status(f"{repo.path}/etl/load").object_id
    entries = ann.permissions.get("notebooks", str(notebook)).access_control_list or []
    held = next(one.all_permissions or [] for one in entries if one.user_name == "bob")
    assert [(one.inherited, one.inherited_from_object) for one in held] == [(True, [f"/repos/{repo.id}"])]
    with pytest.raises(PermissionDenied):
        served.client("eve").repos.create(str(repo.url), "gitHub", path=f"{repo.path}-eve")


def test_it_goes_as_a_whole(ann: WorkspaceClient, folder: str, repo: RepoInfo, remote: GitRemote) -> None:
    ann.repos.delete(int(repo.id or 0))
    assert [*ann.workspace.list(folder)] == []
    with pytest.raises(NotFound):
        ann.repos.delete(int(repo.id or 0))
    again = ann.repos.create(remote.url, "gitHub", path=str(repo.path))
    assert again.id != repo.id
    ann.workspace.delete(folder, recursive=True)
    with pytest.raises(NotFound):
        ann.repos.get(int(again.id or 0))
