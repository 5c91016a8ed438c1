"""The remote end of a Git folder: one commit, fetched over HTTP, without its history where that is possible."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local_workspace.gateway.errors import ApiError, bad_request, not_found, permission_denied
from local_workspace.services.git_credentials.credentials import Login

if TYPE_CHECKING:
    from dulwich.objects import Commit, ObjectID, Tree
    from dulwich.repo import MemoryRepo

TIMEOUT_S = 60.0
_BRANCH, _TAG = "refs/heads/", "refs/tags/"
_SETTINGS = "Go to User Settings > Git Integration to add your personal access token."


@dataclass(frozen=True)
class Reference:
    """A branch, a tag, or neither, which is the remote's own choice. `commit`: where it was, not where it is."""

    branch: str | None = None
    tag: str | None = None
    commit: str | None = None

    @property
    def ref(self) -> str:
        """The full name."""
        if self.tag:
            return f"{_TAG}{self.tag}"
        return f"{_BRANCH}{self.branch}" if self.branch else "HEAD"


@dataclass(frozen=True)
class Fetched:
    """A commit: the branch that it was asked for by, None for a tag, and the files by path."""

    commit: str
    branch: str | None
    blobs: Mapping[str, str]
    _repository: MemoryRepo

    def read(self, path: str) -> bytes:
        """Return what is in a file."""
        return bytes(self._repository[self.blobs[path].encode()].as_raw_string())


def check_url(url: Any) -> str:
    """Return the URL of a repository.

    Raises:
        ApiError: 400 for what is none, and for one with a credential in it, which everybody would see.
    """
    if not url:
        raise bad_request("Git repository URL missing for project")
    try:
        parts = urlsplit(str(url))
        held = parts.username is not None or parts.password is not None
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and bool(parts.path.strip("/"))
        is_url = is_url and (parts.port or 1) > 0 and not (parts.query or parts.fragment or set(str(url)) & set(" \\"))
    except ValueError:
        held, is_url = False, False
    if held:
        raise bad_request("A Git repository URL must hold no credentials; store them with the Git credentials API")
    if not is_url:
        raise bad_request(f"Invalid Git repository URL {url!r}; one as https://host/owner/name.git is expected")
    return str(url)


def fetch(url: str, wanted: Reference, login: Login | None) -> Fetched:
    """Fetch one commit.

    Raises:
        ApiError: 403 where the remote wants another credential, 404 for no repository, 400 for a branch or tag that it
            has not (GIT_UNKNOWN_REF) and for a remote that does not answer as one (GIT_REMOTE_ERROR).
    """
    from dulwich.client import HTTPUnauthorized
    from dulwich.errors import NotGitRepository

    try:
        return _fetch(url, wanted, login)
    except ApiError:
        raise
    except HTTPUnauthorized:
        kind = "Missing" if login is None else "Invalid"
        raise permission_denied(f"{kind} Git provider credentials. {_SETTINGS}") from None
    except NotGitRepository:
        rule = "Please ensure that your remote Git repo URL is valid and your token has access to it."
        raise not_found(f"Remote repo not found: {url}. {rule}") from None
    except Exception as error:  # noqa: BLE001 - what a remote may send breaks in many ways, and has no class in common
        raise _remote_error(url, f"{type(error).__name__}: {error}") from None


def _fetch(url: str, wanted: Reference, login: Login | None) -> Fetched:
    from dulwich.client import HttpGitClient
    from dulwich.refs import Ref
    from dulwich.repo import MemoryRepo

    user, password = (login.username or "token", login.token) if login else (None, None)
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.netloc}"
    client = HttpGitClient(host, timeout=TIMEOUT_S, quiet=True, username=user, password=password)
    found: dict[str, Any] = {}

    def choose(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
        if wanted.commit:  # servers need not give a commit by its id, only what a name leads to
            return [tip for name, tip in refs.items() if name.startswith(b"refs/")]
        tip = refs.get(Ref(wanted.ref.encode()))
        if tip is None:
            raise _unknown(url, wanted)
        found.update(tip=tip, refs=dict(refs))
        return [tip]

    repository = MemoryRepo()
    answer = client.fetch(parts.path, repository, determine_wants=choose, depth=None if wanted.commit else 1)
    commit = _peel(repository, wanted.commit.encode() if wanted.commit else found["tip"])  # type: ignore[arg-type]
    head = answer.symrefs.get(b"HEAD")  # type: ignore[call-overload]
    branch = wanted.branch
    if wanted == Reference():
        branch = _name_branch(head, found["refs"], found["tip"])
    blobs = dict(_walk(url, repository, repository[commit.tree]))  # type: ignore[arg-type]
    return Fetched(commit.id.decode(), branch, blobs, repository)


def _peel(repository: MemoryRepo, tip: ObjectID) -> Commit:
    from dulwich.objects import Commit, Tag

    found = repository[tip]
    while isinstance(found, Tag):
        found = repository[found.object[1]]
    if not isinstance(found, Commit):
        raise ValueError("the reference leads to no commit")
    return found


def _name_branch(head: bytes | None, refs: Mapping[bytes, bytes], tip: bytes) -> str | None:
    """Return what HEAD stands for; an old server does not say it: then a branch of the same commit."""
    prefix = _BRANCH.encode()
    same = head or next((name for name, one in refs.items() if one == tip and name.startswith(prefix)), None)
    return same.decode().removeprefix(_BRANCH) if same else None


def _walk(url: str, repository: MemoryRepo, tree: Tree, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield paths and blobs. Submodules are left out, as Git folders do not have them."""
    for entry in tree.iteritems():
        name = (entry.path or b"").decode("utf-8", "replace")
        if name in ("", ".", "..") or "/" in name:
            raise _remote_error(url, f"its tree has the name {name!r}")
        below = repository[entry.sha] if stat.S_ISDIR(entry.mode or 0) else None
        if below is not None:
            yield from _walk(url, repository, below, f"{above}{name}/")  # type: ignore[arg-type]
        elif stat.S_IFMT(entry.mode or 0) != 0o160000:
            yield f"{above}{name}", (entry.sha or b"").decode()


def _unknown(url: str, wanted: Reference) -> ApiError:
    if wanted.ref == "HEAD":
        return _remote_error(url, "it has no commits")
    kind = "Tag" if wanted.tag else "Branch"
    return bad_request(f"{kind} '{wanted.tag or wanted.branch}' does not exist in {url}", "GIT_UNKNOWN_REF")


def _remote_error(url: str, said: str) -> ApiError:
    return bad_request(f"The remote repository {url} cannot be cloned: {said}", "GIT_REMOTE_ERROR")
