"""A Git server on loopback with one repository: what a provider is to a Git folder."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dulwich.objects import Commit, Tag
from dulwich.repo import MemoryRepo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

from demo.git_remote import AUTHOR, Application, commit_files, make_repository, serve


@dataclass
class GitRemote:
    """The repository and what its server saw: `logins` are the Authorization headers, decoded.

    `damage`: which byte of a pack is not sent as it is.
    """

    repository: MemoryRepo
    url: str = ""
    password: str | None = None
    logins: list[str] = field(default_factory=list)
    damage: int | None = None

    def commit(self, branch: str, files: Mapping[str, bytes | None]) -> str:
        """Commit files, None for those that go; return the commit's id."""
        return commit_files(self.repository, branch, files)

    def branch(self, name: str, source: str) -> None:
        """Make a branch where another is."""
        self.repository.refs[f"refs/heads/{name}".encode()] = self.repository.refs[f"refs/heads/{source}".encode()]

    def tag(self, name: str, commit: str) -> None:
        """Put an annotated tag onto a commit, or move it there."""
        made = Tag()
        made.name, made.tagger, made.message = name.encode(), AUTHOR, b"Release"
        made.tag_time, made.tag_timezone = 1_700_000_000, 0
        made.object = (Commit, commit.encode())
        self.repository.object_store.add_object(made)
        self.repository.refs[f"refs/tags/{name}".encode()] = made.id

    def close(self, application: Application) -> Application:
        """Let nobody through without the password, if there is one."""

        def guard(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
            header = environment.get("HTTP_AUTHORIZATION", "")
            login = base64.b64decode(header.partition(" ")[2]).decode()
            self.logins.append(login)
            if self.password is not None and login.partition(":")[2] != self.password:
                start("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
                return [b"no"]
            if self.damage is None or environment["REQUEST_METHOD"] != "POST":
                return application(environment, start)
            written: list[bytes] = []

            def begin(*arguments: Any) -> Callable[[bytes], None]:
                start(*arguments)
                return written.append

            rest = [*application(environment, begin)]
            return [self._spoil(b"".join([*written, *rest]))]

        return guard

    def _spoil(self, body: bytes) -> bytes:
        spoilt, at = bytearray(body), len(body) - 4 + (self.damage or 0)  # after it comes the last packet, "0000"
        spoilt[at] ^= 0xFF
        return bytes(spoilt)


@contextmanager
def serve_remote() -> Iterator[GitRemote]:
    """Serve an empty repository whose default branch is main."""
    remote = GitRemote(make_repository())
    application = remote.close(make_wsgi_chain(DictBackend({"/data/flights.git": remote.repository})))
    with serve(application) as address:
        remote.url = f"{address}/data/flights.git"
        yield remote
