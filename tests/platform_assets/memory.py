"""An estate in memory: resources whose world is a dictionary that counts writes and fails on request."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from lakehouse.targets import Target, local_target
from platform_assets.estate import KEEP_ALL
from platform_assets.reconcile.apply import ApplyReport, apply_plan
from platform_assets.reconcile.plan import Plan, Prune, World, plan_changes
from platform_assets.resource_types.model import Clients, Resource, State


class Broken(Exception):
    """What a call of a broken resource ends with."""


@dataclass
class Memory:
    """The world: states by key. `broken` keys cannot be written."""

    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    writes: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, key: str, state: Mapping[str, Any] | None) -> None:
        with self.lock:
            if key in self.broken:
                raise Broken("out of order")
            self.writes.append(key)
            if state is None:
                self.states.pop(key, None)
            else:
                self.states[key] = {**self.states.get(key, {}), **state}


@dataclass(frozen=True)
class Thing(Resource):
    """A resource in memory."""

    fields: Mapping[str, Any] = field(default_factory=dict, hash=False)

    type_name = "thing"

    def physical_name(self, target: Target) -> str:
        return f"{target.bucket_prefix}-{self.name}"

    def desired(self, target: Target) -> State:
        return dict(self.fields)

    def read(self, clients: Clients) -> State | None:
        return memory_of(clients).states.get(self.key)

    def create(self, clients: Clients, desired: State) -> None:
        memory_of(clients).write(self.key, desired)

    def update(self, clients: Clients, desired: State, before: State) -> None:
        memory_of(clients).write(self.key, {name: desired[name] for name in before})

    def delete(self, clients: Clients) -> None:
        memory_of(clients).write(self.key, None)


class MemoryClients(Clients):
    """Clients that lead to a world in memory."""

    def __init__(self, target: Target, memory: Memory) -> None:
        super().__init__(target)
        self.memory = memory

    @property
    def workspace(self) -> Any:
        return SimpleNamespace(config=SimpleNamespace(host="http://memory"))


def memory_of(clients: Clients) -> Memory:
    return cast(MemoryClients, clients).memory


def open_memory() -> tuple[Target, Memory, MemoryClients]:
    """Return a target, an empty world, and clients of it."""
    target, memory = local_target(Path("/nowhere")), Memory()
    return target, memory, MemoryClients(target, memory)


def plan(
    resources: list[Resource], clients: MemoryClients, undeclared: Iterable[Resource] = (), prune: Prune = KEEP_ALL
) -> Plan:
    states = {resource.key: resource.read(clients) for resource in resources}
    return plan_changes(resources, clients.target, World(states, {}, tuple(undeclared)), prune)


def apply(resources: list[Resource], clients: MemoryClients) -> ApplyReport:
    return apply_plan(plan(resources, clients), clients)
