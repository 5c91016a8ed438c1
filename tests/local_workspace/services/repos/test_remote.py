"""The remote end: what answers as no Git server does is refused in words, and a token goes nowhere but to its host."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from demo.git_remote import Application, serve
from local_workspace.gateway.errors import ApiError
from local_workspace.services.git_credentials.credentials import Login
from local_workspace.services.repos.remote import Reference, fetch
from tests.git_remote import GitRemote

ADVERTISEMENT = "application/x-git-upload-pack-advertisement"


def answer(body: bytes, status: str = "200 OK", **headers: str) -> Application:
    def application(_: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start(status, [(name.replace("_", "-"), value) for name, value in headers.items()])
        return [body]

    return application


@pytest.mark.parametrize(
    "application",
    [
        answer(b"<html>Hello</html>", Content_Type="text/html"),
        answer(b"garbage" * 20, Content_Type=ADVERTISEMENT),
        answer(b"", Content_Type=ADVERTISEMENT),
        answer(b"no", "500 Broken", Content_Type="text/plain"),
        answer(b"", "302 Found", Location="/data/flights.git/info/refs?service=git-upload-pack"),
    ],
    ids=["a page", "garbage", "nothing", "broken", "going round"],
)
def test_what_is_no_git_server_is_refused(application: Application) -> None:
    with serve(application) as url, pytest.raises(ApiError, match=f"{url}/data/flights.git cannot be cloned") as caught:
        fetch(f"{url}/data/flights.git", Reference(), None)
    assert (caught.value.status, caught.value.error_code) == (400, "GIT_REMOTE_ERROR")


@pytest.mark.parametrize("where", [-1, -30, -100])
def test_a_damaged_pack_is_refused(remote: GitRemote, where: int) -> None:
    remote.damage = where
    with pytest.raises(ApiError, match="cannot be cloned"):
        fetch(remote.url, Reference(), None)


def test_a_token_does_not_follow_to_another_host(remote: GitRemote) -> None:
    elsewhere = remote.url.replace("127.0.0.1", "localhost") + "/info/refs?service=git-upload-pack"
    with serve(answer(b"", "302 Found", Location=elsewhere)) as url:
        assert fetch(f"{url}/data/flights.git", Reference(), Login("ann", "s3cret")).branch == "main"
    assert set(remote.logins) == {""}
    fetch(remote.url, Reference(), Login("ann", "s3cret"))
    assert remote.logins[-1] == "ann:s3cret"
