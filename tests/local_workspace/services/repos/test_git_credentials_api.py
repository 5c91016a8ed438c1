"""Git credentials: each principal's own, used where it clones, shown to nobody."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.workspace import RepoInfo

from local_workspace.gateway import principals
from local_workspace.services.scim.references import forget_principal
from tests.git_remote import GitRemote

TOKEN = "git-" + uuid.uuid4().hex


@pytest.fixture
def credential(ann: WorkspaceClient) -> Iterator[int]:
    made = ann.git_credentials.create("github", git_username="ann-at-git", personal_access_token=TOKEN)
    yield made.credential_id
    for one in ann.git_credentials.list():
        ann.git_credentials.delete(one.credential_id)


def test_a_private_repository_takes_the_callers_own(
    served, ann: WorkspaceClient, folder: str, remote: GitRemote, credential: int
) -> None:
    remote.password = TOKEN
    repo = ann.repos.create(remote.url, "gitHub", path=f"{folder}/private")
    assert set(remote.logins) == {f"ann-at-git:{TOKEN}"}
    with pytest.raises(PermissionDenied, match="Missing Git provider credentials"):
        ann.repos.create(remote.url, "gitLab", path=f"{folder}/other")
    bob = served.client("bob")
    with pytest.raises(PermissionDenied, match="Missing Git provider credentials"):
        bob.repos.create(remote.url, "gitHub")
    assert [one.path for one in ann.workspace.list(folder)] == [repo.path]
    ann.git_credentials.update(credential, "gitHub", personal_access_token="old")
    with pytest.raises(PermissionDenied, match="Invalid Git provider credentials"):
        ann.repos.update(int(repo.id or 0), branch="dev")
    ann.git_credentials.update(credential, "gitHub", personal_access_token=TOKEN)
    ann.repos.update(int(repo.id or 0), branch="dev")


def test_a_public_one_takes_none(ann: WorkspaceClient, repo: RepoInfo, remote: GitRemote) -> None:
    assert set(remote.logins) == {""}


def test_a_token_is_never_shown_nor_stored_as_it_is(served, ann: WorkspaceClient, credential: int) -> None:
    shown = [ann.git_credentials.get(credential).as_dict(), *(one.as_dict() for one in ann.git_credentials.list())]
    want = {"credential_id": credential, "git_provider": "gitHub", "git_username": "ann-at-git"}
    assert shown == [want, want]
    stored = [document for _, document in served.workspace.store.scan("git_credential")]
    assert TOKEN not in json.dumps(stored)
    for path in served.workspace.home.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def test_they_are_each_ones_own_and_one_for_a_provider(served, ann: WorkspaceClient, credential: int) -> None:
    bob = served.client("bob")
    assert [*bob.git_credentials.list()] == []
    for call in (
        lambda: bob.git_credentials.get(credential),
        lambda: bob.git_credentials.update(credential, "gitHub"),
        lambda: bob.git_credentials.delete(credential),
        lambda: ann.git_credentials.get(77),
    ):
        with pytest.raises(NotFound, match="does not exist"):
            call()
    with pytest.raises(ResourceAlreadyExists, match="already exists for provider gitHub"):
        ann.git_credentials.create("gitHub", personal_access_token="x")
    second = ann.git_credentials.create("gitLab", personal_access_token="x")
    with pytest.raises(ResourceAlreadyExists):
        ann.git_credentials.update(second.credential_id, "gitHub")
    with pytest.raises(InvalidParameterValue, match="personal_access_token"):
        ann.git_credentials.create("awsCodeCommit")
    with pytest.raises(InvalidParameterValue, match="Unknown Git provider 'svn'"):
        ann.git_credentials.create("svn", personal_access_token="x")


def test_they_go_with_who_had_them(served) -> None:
    principals.put_principal(served.workspace.store, "gone", "user", "Gone")
    made = served.client("gone").git_credentials.create("gitHub", personal_access_token="x")
    forget_principal(served.workspace.store, "gone")
    assert served.workspace.store.get("git_credential", str(made.credential_id)) is None
