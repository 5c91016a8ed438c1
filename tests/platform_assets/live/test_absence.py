"""A read that failed is never "not there": each call of each type's reads fails in turn, in two ways.

What must not come out of it: a step that creates, an empty state, a search for what is ours that finds less.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from lakehouse.targets import Target, local_target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate
from platform_assets.reconcile.reading import read_resource
from platform_assets.resource_types.alert import Alert
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.registry import TYPES
from platform_assets.resource_types.token_policy import TokenPolicy
from platform_assets.resource_types.volume import Volume
from platform_assets.resource_types.workspace_assignment import AccountPrincipal, WorkspaceAssignment
from platform_assets.resource_types.workspace_file import WorkspaceFile
from tests.platform_assets.live.conftest import NewTarget
from tests.platform_assets.live.test_twins import SERVED, TWINS

MOST_CALLS = 40
NO_JSON = "<html>maintenance</html>"
FAILURES = {
    "denied": (403, '{"error_code": "PERMISSION_DENIED", "message": "no"}', "AccessDenied"),
    "no JSON": (200, NO_JSON, "MalformedXML"),
}


class FailingCalls:
    """Counts the calls that read, and fails one of them."""

    def __init__(self, status: int, body: str, code: str) -> None:
        self.status, self.body, self.code, self.number, self.fails = status, body, code, 0, -1

    def take(self) -> bool:
        self.number += 1
        return self.number - 1 == self.fails

    def answer(self, request: requests.PreparedRequest) -> requests.Response:
        made = requests.Response()
        made.status_code, made.request, made.url, made.raw = self.status, request, str(request.url), BytesIO()
        made._content = self.body.encode()
        return made

    def reset(self, fails: int) -> None:
        self.number, self.fails = 0, fails


class FailingClients(Clients):
    """Clients whose AWS calls one of which fails."""

    def __init__(self, target: Target, calls: FailingCalls) -> None:
        super().__init__(target)
        self._calls = calls

    def aws(self, service: str) -> Any:
        from lakehouse.workspace import open_aws

        client = open_aws(self.target, "deployer").client(service)  # type: ignore[call-overload]
        client.meta.events.register("before-call", self._take)
        return client

    def _take(self, **_: Any) -> Any:
        if not self._calls.take():
            return None
        return SimpleNamespace(status_code=403), {"Error": {"Code": self._calls.code, "Message": "no"}}


@pytest.fixture
def calls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FailingCalls:
    made = FailingCalls(*FAILURES[request.param])
    plain = requests.Session.send

    def send(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        is_text = bool(options.get("stream")) and made.body == NO_JSON  # a file may well be such a text
        fails = request.method in ("GET", "HEAD") and not is_text and made.take()
        return made.answer(request) if fails else plain(self, request, **options)

    monkeypatch.setattr(requests.Session, "send", send)
    return made


OTHERS: tuple[Resource, ...] = (
    Directory("reports"),
    WorkspaceFile("ABOUT.md"),
    Alert("few", text="SELECT 1 AS n", column="n", condition="IS_NULL", schedule="0 0 6 * * ?"),
    TokenPolicy(),
    WorkspaceAssignment("analyst", AccountPrincipal("user", "analyst@lakehouse.example")),
)
WITHOUT = {
    "volume_file": "its source files are those of another test",
    "repo": "it takes a Git server, which its own tests have",
}
MADE = tuple(one for one in TWINS.values() if one.type_name not in {known.type_name for known in RESOURCES})
DECLARED = (*RESOURCES, SERVED, *MADE, *OTHERS)
LOCAL = local_target(Path("/nowhere"))
ONE_EACH = {one.type_name: one for one in DECLARED}


@pytest.fixture(scope="module")
def place(new_target: NewTarget) -> Iterator[Target]:
    made = new_target()
    report = apply_estate(made, resources=DECLARED)
    assert [one.error for one in report.failures] == []
    yield made
    for one in reversed((SERVED, *MADE, *OTHERS[:3])):
        one.delete(Clients(made))


def test_every_type_is_read_here() -> None:
    assert {one.type_name for one in TYPES} == ONE_EACH.keys() | WITHOUT.keys()
    assert any(isinstance(one, Volume) for one in DECLARED)


@pytest.mark.parametrize("calls", FAILURES, indirect=True)
@pytest.mark.parametrize("type_name", ONE_EACH)
def test_a_read_of_which_a_call_fails_raises_or_finds_the_same(
    place: Target, calls: FailingCalls, type_name: str
) -> None:
    resource = ONE_EACH[type_name]
    there = read_resource(resource, Listing(FailingClients(place, calls)), is_listed=False)
    assert there, "it is there"
    for number in range(MOST_CALLS):
        calls.reset(number)
        found = read_resource(resource, Listing(FailingClients(place, calls)), is_listed=False)
        if calls.number <= number:
            assert found == there
            return
        assert isinstance(found, str) or found == there, f"call {number} failed, and this was found: {found}"
    raise AssertionError(f"more than {MOST_CALLS} calls")


@pytest.mark.parametrize("calls", FAILURES, indirect=True)
@pytest.mark.parametrize("type_name", [one for one in ONE_EACH if ONE_EACH[one].container(LOCAL) is not None])
def test_a_list_of_which_a_call_fails_raises(place: Target, calls: FailingCalls, type_name: str) -> None:
    resource = ONE_EACH[type_name]
    for number in range(MOST_CALLS):
        calls.reset(number)
        found = read_resource(resource, Listing(FailingClients(place, calls)), is_listed=True)
        if calls.number <= number:
            assert found
            return
        assert isinstance(found, str), f"call {number} failed, and this was found: {found}"


@pytest.mark.parametrize("calls", FAILURES, indirect=True)
@pytest.mark.parametrize("resource_type", TYPES, ids=[one.type_name for one in TYPES])
def test_a_search_for_what_is_ours_of_which_a_call_fails_raises_or_finds_the_same(
    place: Target, calls: FailingCalls, resource_type: type[Resource]
) -> None:
    def find() -> set[str]:
        return {one.key for one in resource_type.find_owned(Listing(FailingClients(place, calls)))}

    ours = find()
    for number in range(MOST_CALLS):
        calls.reset(number)
        try:
            found = find()
        except Exception:  # noqa: BLE001 - whatever it says, it is said
            continue
        assert found == ours, f"call {number} failed"
        if calls.number <= number:
            return
