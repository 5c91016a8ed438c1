"""Carries out a plan: dependencies first, side by side where they allow, and what fails stops only what needs it.

May be killed anywhere and run again, or twice at once: the next plan sees what is really there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum
from graphlib import TopologicalSorter

from platform_assets.reconcile.diff import diff_states
from platform_assets.reconcile.plan import Action, Plan, Step, index_resources
from platform_assets.resource_types.model import Clients, Resource, State, is_duplicate


class Status(Enum):
    """How a step ended."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    UPDATED = "updated"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """What became of a step; `error` says why it failed or was skipped."""

    key: str
    status: Status
    error: str = ""


@dataclass(frozen=True)
class ApplyReport:
    """What became of all steps, in the order they ended."""

    results: tuple[Result, ...]

    def count(self, status: Status) -> int:
        """Return how many steps ended so."""
        return sum(result.status is status for result in self.results)

    @property
    def changed_nothing(self) -> bool:
        """Whether all was as declared."""
        return all(result.status is Status.UNCHANGED for result in self.results)

    @property
    def failures(self) -> tuple[Result, ...]:
        """What failed or was skipped."""
        return tuple(result for result in self.results if result.status in (Status.FAILED, Status.SKIPPED))


Tell = Callable[[Result], None]


def apply_plan(
    plan: Plan, resources: Sequence[Resource], clients: Clients, tell: Tell = lambda _result: None
) -> ApplyReport:
    """Do what the plan says, no more, and return what became of it."""
    return _Application(plan, index_resources(resources), clients, tell).run()


class _Application:
    def __init__(self, plan: Plan, resources: Mapping[str, Resource], clients: Clients, tell: Tell) -> None:
        self._steps = {step.key: step for step in plan.steps}
        self._resources = resources
        self._clients = clients
        self._tell = tell
        self._results: dict[str, Result] = {}

    def run(self) -> ApplyReport:
        graph = {key: set(self._resources[key].dependencies) & self._steps.keys() for key in self._steps}
        sorter = TopologicalSorter(graph)
        sorter.prepare()
        with ThreadPoolExecutor(self._clients.target.parallel_calls, "apply") as threads:
            running: set[Future[Result]] = set()
            while sorter.is_active():
                running |= {threads.submit(self._do, key) for key in sorter.get_ready()}
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for future in ended:
                    result = future.result()
                    self._results[result.key] = result
                    self._tell(result)
                    sorter.done(result.key)
        return ApplyReport(tuple(self._results.values()))

    def _do(self, key: str) -> Result:
        step, resource = self._steps[key], self._resources[key]
        broken = [name for name in resource.dependencies if name in self._results and self._is_broken(name)]
        if broken:
            return Result(key, Status.SKIPPED, f"{key}: not tried, since {', '.join(broken)} failed")
        if step.action is Action.NONE:
            return Result(key, Status.UNCHANGED)
        if step.action is Action.BLOCKED:
            return Result(key, Status.FAILED, f"{key}: {'; '.join(step.notes)}")
        try:
            return Result(key, self._change(step, resource))
        except Exception as error:  # noqa: BLE001 - kept in the report, which fails whoever asked for this
            name = resource.physical_name(self._clients.target)
            return Result(key, Status.FAILED, f"{key} ({name}): {type(error).__name__}: {error}")

    def _is_broken(self, key: str) -> bool:
        return self._results[key].status in (Status.FAILED, Status.SKIPPED)

    def _change(self, step: Step, resource: Resource) -> Status:
        desired = resource.desired(self._clients.target)
        if step.action is Action.UPDATE:
            resource.update(self._clients, desired, frozenset(change.field for change in step.changes))
            return Status.UPDATED
        try:
            resource.create(self._clients, desired)
        except Exception as error:
            if not is_duplicate(error):
                raise
            self._adopt(resource, desired, error)
        return Status.CREATED

    def _adopt(self, resource: Resource, desired: State, error: Exception) -> None:
        """Somebody created it meanwhile, or a lost answer of ours did: bring what is there to what is declared."""
        actual = resource.read(self._clients)
        if actual is None:
            raise error
        changed = frozenset(change.field for change in diff_states(desired, actual))
        if changed & resource.fixed.keys():
            raise error
        if changed:
            resource.update(self._clients, desired, changed)
