"""A Git repository served on loopback, which Git folders are cloned from: a workspace on this machine reaches it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import make_server

if TYPE_CHECKING:
    from dulwich.repo import MemoryRepo

Application = Callable[..., Iterable[bytes]]
AUTHOR = b"Ann <ann@example.com>"


@contextmanager
def serve_files(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve a repository whose default branch has one commit of these files; yield its URL."""
    from dulwich.server import DictBackend
    from dulwich.web import make_wsgi_chain

    repository = make_repository()
    commit_files(repository, "main", files)
    repositories: dict[str, Any] = {"/matrix.git": repository}
    with serve(make_wsgi_chain(DictBackend(repositories))) as address:
        yield f"{address}/matrix.git"


def make_repository() -> MemoryRepo:
    """Return an empty repository whose default branch is main."""
    from dulwich.refs import Ref
    from dulwich.repo import MemoryRepo

    repository = MemoryRepo()
    repository.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(b"refs/heads/main"))
    return repository


def commit_files(repository: MemoryRepo, branch: str, files: Mapping[str, bytes | None]) -> str:
    """Commit files, None for those that go; return the commit's id."""
    from dulwich.object_store import commit_tree_changes
    from dulwich.objects import Blob, Commit, Tree

    ref: Any = f"refs/heads/{branch}".encode()
    parent = dict(repository.refs.as_dict()).get(ref)
    tree: Any = repository[repository[parent].tree] if parent else Tree()  # type: ignore[attr-defined]
    repository.object_store.add_object(tree)
    changes: list[Any] = []
    for path, content in files.items():
        blob = Blob.from_string(content) if content is not None else None
        if blob:
            repository.object_store.add_object(blob)
        changes.append((path.encode(), 0o100644 if blob else None, blob.id if blob else None))
    made = Commit()
    made.tree = commit_tree_changes(repository.object_store, tree.id, changes)
    made.parents = [parent] if parent else []
    made.author = made.committer = AUTHOR
    made.author_time = made.commit_time = 1_700_000_000
    made.author_timezone = made.commit_timezone = 0
    made.message = b"Change"
    repository.object_store.add_object(made)
    repository.refs[ref] = made.id
    return str(made.id.decode())


@contextmanager
def serve(application: Application) -> Iterator[str]:
    """Serve on loopback and give the address."""
    from dulwich.web import WSGIRequestHandlerLogger

    class QuietHandler(WSGIRequestHandlerLogger):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = make_server("127.0.0.1", 0, application, handler_class=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
