"""Grants: what is added and revoked is the difference that the plan showed, for any grants that are there."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from databricks.sdk.errors import NotFound
from databricks.sdk.service.catalog import (
    GetPermissionsResponse,
    PermissionsChange,
    Privilege,
    PrivilegeAssignment,
)
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.targets import local_target
from platform_assets.reconcile.diff import diff_states
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients

TARGET = local_target(Path("/nowhere"))
PRIVILEGES = ("ALL_PRIVILEGES", "CREATE_TABLE", "MODIFY", "SELECT", "USE_SCHEMA")
SETS = st.sets(st.sampled_from(PRIVILEGES), max_size=4)
PRINCIPALS = (TARGET.principals["pipeline"], "analysts", "eve@lakehouse.example", "zoe@lakehouse.example")


class GrantsApi:
    """Keeps grants of one securable, a principal per page; refuses to revoke what is not held."""

    def __init__(self, held: dict[str, set[str]]) -> None:
        self.held = held
        self.updates = 0

    def get(self, securable_type: str, full_name: str, *, page_token: str | None = None) -> GetPermissionsResponse:
        assert (securable_type, full_name) == ("schema", "flights.gold")
        names, start = sorted(self.held), int(page_token or 0)
        page = [
            PrivilegeAssignment(principal=name, privileges=[Privilege(one) for one in self.held[name]])
            for name in names[start : start + 1]
        ]
        more = str(start + 1) if start + 1 < len(names) else None
        return GetPermissionsResponse(privilege_assignments=page, next_page_token=more)

    def update(self, securable_type: str, full_name: str, *, changes: list[PermissionsChange]) -> None:
        self.updates += 1
        for change in changes:
            assert change.principal
            held = self.held.setdefault(change.principal, set())
            removed = {one.value for one in change.remove or []}
            assert removed <= held
            held |= {one.value for one in change.add or []}
            held -= removed


def open_api(held: dict[str, set[str]]) -> tuple[GrantsApi, Clients]:
    api = GrantsApi({name: set(privileges) for name, privileges in held.items() if privileges})
    return api, cast(Clients, SimpleNamespace(target=TARGET, workspace=SimpleNamespace(grants=api)))


def apply(grants: Grants, clients: Clients) -> list[str]:
    """Apply the difference and return the lines of the plan."""
    desired, actual = grants.desired(TARGET), grants.read(clients)
    assert actual is not None
    changes = diff_states(desired, actual)
    if changes:
        grants.update(clients, desired, {change.field: change.before for change in changes})
    return [line for change in changes for line in grants.explain_change(*change)]


@given(SETS, SETS, st.fixed_dictionaries(dict.fromkeys(PRINCIPALS, SETS)), st.sampled_from(["report", "keep"]))
def test_declared_principals_get_what_is_declared_and_others_keep_theirs(
    pipeline: set[str], analysts: set[str], held: dict[str, set[str]], foreign: Any
) -> None:
    api, clients = open_api(held)
    grants = Grants("schema.flights.gold", {"pipeline": tuple(pipeline), "analysts": tuple(analysts)}, foreign=foreign)
    lines = apply(grants, clients)
    assert api.held.get(PRINCIPALS[0], set()) == pipeline
    assert api.held.get("analysts", set()) == analysts
    for name in PRINCIPALS[2:]:
        assert api.held.get(name, set()) == held[name]
    revoked = {line for line in lines if line.startswith("revoke")}
    assert len(revoked) == bool(held[PRINCIPALS[0]] - pipeline) + bool(held["analysts"] - analysts)
    assert apply(grants, clients) == []


@given(SETS, st.fixed_dictionaries(dict.fromkeys(PRINCIPALS, SETS)))
def test_every_revoke_of_a_foreign_grant_is_a_line(analysts: set[str], held: dict[str, set[str]]) -> None:
    api, clients = open_api(held)
    grants = Grants("schema.flights.gold", {"analysts": tuple(analysts)}, foreign="revoke")
    lines = apply(grants, clients)
    assert {name: one for name, one in api.held.items() if one} == ({"analysts": analysts} if analysts else {})
    for name in set(PRINCIPALS) - {"analysts"}:
        expected = f"revoke {', '.join(sorted(held[name]))} from {name}"
        assert (expected in lines) == bool(held[name])
    assert apply(grants, clients) == []


def test_a_plan_changes_everything_in_one_call() -> None:
    api, clients = open_api({"analysts": {"MODIFY"}})
    apply(Grants("schema.flights.gold", {"pipeline": ("SELECT",), "analysts": ("SELECT",)}), clients)
    assert api.updates == 1


def test_what_was_granted_after_the_plan_is_not_revoked_unseen() -> None:
    api, clients = open_api({"analysts": {"MODIFY"}})
    grants = Grants("schema.flights.gold", {"analysts": ("SELECT",)})
    desired, actual = grants.desired(TARGET), grants.read(clients)
    assert actual is not None
    api.held["analysts"].add("CREATE_TABLE")
    grants.update(clients, desired, {change.field: change.before for change in diff_states(desired, actual)})
    assert api.held["analysts"] == {"SELECT", "CREATE_TABLE"}


def test_foreign_grants_are_shown() -> None:
    _, clients = open_api({"eve@lakehouse.example": {"SELECT"}})
    state = Grants("schema.flights.gold", {"analysts": ("SELECT",)}).read(clients)
    assert state == {"analysts": [], "foreign": {"eve@lakehouse.example": ["SELECT"]}}
    assert Grants("schema.flights.gold", {"analysts": ()}, foreign="keep").read(clients) == {"analysts": []}


def test_no_securable_no_grants() -> None:
    api, clients = open_api({})

    def get(*_: Any, **__: Any) -> GetPermissionsResponse:
        raise NotFound("no such schema")

    api.get = get  # type: ignore[method-assign]
    assert Grants("schema.flights.gold", {"analysts": ("SELECT",)}).read(clients) is None


def test_delete_revokes_what_is_declared_and_no_more() -> None:
    api, clients = open_api({"analysts": {"SELECT", "MODIFY"}, "eve@lakehouse.example": {"SELECT"}})
    Grants("schema.flights.gold", {"analysts": ("SELECT", "MODIFY")}).delete(clients)
    assert {name: held for name, held in api.held.items() if held} == {"eve@lakehouse.example": {"SELECT"}}
