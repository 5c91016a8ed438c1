"""Estates of their own on the session's workspace: other prefixes, so that tests neither meet nor wait."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.sql import StatementState

from lakehouse.targets import Target, read_settings
from lakehouse.workspace import open_aws, open_workspace
from local_workspace import lifecycle
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate
from platform_assets.reconcile.apply import ApplyReport, apply_plan
from platform_assets.reconcile.plan import Plan, Prune, plan_changes
from platform_assets.reconcile.reading import read_world
from platform_assets.resource_types.model import Clients, Resource

NewTarget = Callable[[], Target]
_READING = ("Get", "List", "Head", "Describe")
_numbers = itertools.count(1)  # of targets


@dataclass(frozen=True)
class Gateway:
    """The workspace's request log and fault rules."""

    admin: WorkspaceClient

    def requests(self, since: int = 0, **criteria: str) -> list[dict[str, Any]]:
        return list(self._ask(since, **criteria)["requests"])

    def now(self) -> int:
        """The number of the last request."""
        return int(self._ask(sys.maxsize)["last"])

    def _ask(self, since: int, **criteria: str) -> dict[str, Any]:
        query = {"since": str(since), **criteria}
        return self.admin.api_client.do("GET", "/local/requests", query=query)  # type: ignore[return-value]

    def writes(self, since: int) -> list[str]:
        found = self.requests(since)
        return [f"{one['method']} {one['path']}" for one in found if one["method"] not in ("GET", "HEAD")]

    def writes_beside_the_audit_query(self, since: int) -> list[str]:
        """The audit log is read by a statement on the warehouse, which asks for a credential to the table."""
        asking = ("/api/2.0/sql/statements", "/api/2.1/unity-catalog/temporary-table-credentials")
        return [write for write in self.writes(since) if not write.partition(" ")[2].startswith(asking)]

    def add_fault(self, **rule: Any) -> None:
        self.admin.api_client.do("POST", "/local/faults", body=rule)

    def faults(self) -> list[dict[str, Any]]:
        return list(self.admin.api_client.do("GET", "/local/faults")["rules"])  # type: ignore[index, call-overload]

    def clear_faults(self) -> None:
        self.admin.api_client.do("DELETE", "/local/faults")


class HandledClients(Clients):
    """Clients whose AWS clients are nobody else's, so that handlers of their calls are not either."""

    def __init__(self, target: Target, role: str = "deployer") -> None:
        super().__init__(target, role)
        self._own: dict[str, Any] = {}
        self._making = threading.Lock()

    def aws(self, service: str) -> Any:
        with self._making:
            if service not in self._own:
                self._own[service] = open_aws(self.target, self._role).client(service)
                self.add_handler(self._own[service].meta.events)
            return self._own[service]

    def add_handler(self, events: Any) -> None:
        raise NotImplementedError


class RecordingClients(HandledClients):
    """Clients that note each AWS call by its name."""

    def __init__(self, target: Target, role: str = "deployer") -> None:
        super().__init__(target, role)
        self.calls: list[str] = []

    def add_handler(self, events: Any) -> None:
        events.register("before-call", self._note)

    @property
    def writes(self) -> list[str]:
        return [name for name in self.calls if not name.startswith(_READING)]

    def _note(self, model: Any, **_: Any) -> None:
        self.calls.append(model.name)


def plan_with(clients: Clients, resources: tuple[Resource, ...] = RESOURCES) -> Plan:
    """Plan with clients of one's own."""
    return plan_changes(resources, clients.target, read_world(clients, resources))


def apply_with(clients: Clients, resources: tuple[Resource, ...] = RESOURCES) -> ApplyReport:
    """Apply with clients of one's own."""
    return apply_plan(plan_with(clients, resources), clients)


def run_sql(target: Target, role: str, text: str) -> list[list[str]] | str:
    """The rows, or the error."""
    client = open_workspace(target, role)
    warehouse = next(one.id for one in client.warehouses.list() if one.name == target.warehouse)
    text = text.replace("flights.", f"{target.catalog('flights')}.")
    answer = client.statement_execution.execute_statement(text, str(warehouse), wait_timeout="50s")
    assert answer.status is not None
    if answer.status.state is StatementState.SUCCEEDED:
        return (answer.result.data_array if answer.result else None) or []
    return str(answer.status.error.message if answer.status.error else answer.status.state)


@pytest.fixture
def gateway(warm_target: Target) -> Iterator[Gateway]:
    gateway = Gateway(open_workspace(warm_target, "admin"))
    gateway.clear_faults()  # others share the workspace, and may have left some that no request met
    yield gateway
    gateway.clear_faults()


@pytest.fixture(scope="session")
def new_target(warm_target: Target) -> NewTarget:
    """Makes targets on which nothing is declared yet."""

    def make() -> Target:
        number = next(_numbers)
        return replace(warm_target, bucket_prefix=f"lakehouse-try{number}", catalog_prefix=f"try{number}_")

    return make


@contextmanager
def declare_alone(new_target: NewTarget, resources: Sequence[Resource], data: Sequence[str] = ()) -> Iterator[Target]:
    """A target on which these are all that is declared; pruned afterwards, those that hold data by their keys."""
    made = new_target()
    assert apply_estate(made, resources=resources).failures == ()
    yield made
    assert apply_estate(made, resources=(), prune=Prune(True, data)).failures == ()


@pytest.fixture(scope="session")
def recovery_target(warm_target: Target) -> Iterator[Target]:
    """The second workspace, in another region; nothing that is rebuilt here needs its Spark."""
    settings = read_settings()
    target, name = settings.find_target("dr"), settings.recovery_workspace
    lifecycle.up(name, settings.home, settings.cache_home, ("moto", "pool"), region=target.region)
    yield target
    lifecycle.down(name, settings.home)


@pytest.fixture(scope="session")
def applied(new_target: NewTarget) -> Target:
    """A target with the whole estate; tests leave it as declared."""
    target = new_target()
    assert apply_estate(target).failures == ()
    return target
