"""Carries out a plan: dependencies first, side by side where they allow, and what fails stops only what needs it.

May be killed anywhere and run again, or twice at once: the next plan sees what is really there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import Enum
from graphlib import TopologicalSorter

from platform_assets.reconcile.diff import Change, diff_states
from platform_assets.reconcile.plan import Action, Plan, Step, World, plan_step
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import NotOurs, NotVisible, why_not_ours
from platform_assets.resource_types.sdk_errors import may_be_duplicate, name_error, says_taken
from platform_assets.resource_types.settling import call_when_settled


class Status(Enum):
    """How a step ended."""

    UNCHANGED = "unchanged"
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """What became of a step; `error` says why it failed or was skipped."""

    step: Step
    status: Status
    error: str = ""

    @property
    def key(self) -> str:
        """The resource's key."""
        return self.step.key


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


class NotThere(Exception):
    """What was to be changed was deleted meanwhile; the message names it and says what to do."""


_ANEW = "plan and apply again, which makes it anew"
OnProgress = Callable[[Result], None]


def tell_nobody(_result: Result) -> None:
    """Take a result and say nothing."""


def apply_plan(plan: Plan, clients: Clients, on_progress: OnProgress = tell_nobody) -> ApplyReport:
    """Do what the plan says, no more, and return what became of it."""
    return _Application(plan, clients, on_progress).run()


class _Application:
    def __init__(self, plan: Plan, clients: Clients, on_progress: OnProgress) -> None:
        self._deletes = [step for step in plan.steps if step.action is Action.DELETE]
        self._steps = {step.key: step for step in plan.steps if step.action is not Action.DELETE}
        self._clients = clients
        self._on_progress = on_progress
        self._results: dict[str, Result] = {}

    def run(self) -> ApplyReport:
        """Creates and updates along the graph; then deletes in the plan's order, one by one."""
        with ThreadPoolExecutor(self._clients.target.parallel_calls, "apply") as threads:
            for result in self._walk(threads):
                self._note(result)
        for step in self._deletes:
            self._note(self._do(step))
        return ApplyReport(tuple(self._results.values()))

    def _walk(self, threads: ThreadPoolExecutor) -> Iterator[Result]:
        keys = self._steps.keys()
        sorter = TopologicalSorter({key: keys & step.resource.dependencies for key, step in self._steps.items()})
        sorter.prepare()
        running: set[Future[Result]] = set()
        while sorter.is_active():
            running |= {threads.submit(self._do, self._steps[key]) for key in sorter.get_ready()}
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield (result := future.result())  # noted before what waits for it may start
                sorter.done(result.key)

    def _note(self, result: Result) -> None:
        self._results[result.key] = result
        self._on_progress(result)

    def _do(self, step: Step) -> Result:
        broken = [key for key in step.resource.dependencies if self._is_broken(key)]
        if broken:
            return Result(step, Status.SKIPPED, f"{step.key}: not tried, since {', '.join(broken)} failed")
        try:
            known = self._look_again(step.resource) if step.action is Action.LATER else step
            if known.action is Action.BLOCKED:
                return Result(known, Status.FAILED, f"{known.key}: {'; '.join(known.notes)}")
            return Result(known, self._change(known))
        except Exception as error:  # noqa: BLE001 - kept in the report, which fails whoever asked for this
            return Result(step, Status.FAILED, name_error(step.resource, self._clients.target, error))

    def _look_again(self, resource: Resource) -> Step:
        """Read what could not be read before its dependencies were mended, and plan it.

        Raises:
            Exception: it still cannot be read.
        """
        target = self._clients.target
        state = call_when_settled(lambda: resource.read(self._clients), target, "")  # whatever the error says
        return plan_step(resource, target, World({resource.key: state}))

    def _is_broken(self, key: str) -> bool:
        return key in self._results and self._results[key].status in (Status.FAILED, Status.SKIPPED)

    def _change(self, step: Step) -> Status:
        resource = step.resource
        match step.action:
            case Action.CREATE:
                self._create(resource, resource.desired(self._clients.target))
                return Status.CREATED
            case Action.UPDATE:
                if not self._is_ours_still(resource):
                    raise NotThere(f"{resource.physical_name(self._clients.target)} is gone since the plan: {_ANEW}")
                resource.update(self._clients, resource.desired(self._clients.target), _before(step.changes))
                return Status.UPDATED
            case Action.DELETE:
                self._delete(resource)
                return Status.DELETED
        return Status.UNCHANGED

    def _create(self, resource: Resource, desired: State) -> None:
        try:
            resource.create(self._clients, desired)
        except Exception as error:
            if not may_be_duplicate(error):
                raise
            self._adopt(resource, desired, error)

    def _adopt(self, resource: Resource, desired: State, error: Exception) -> None:
        """Somebody created it meanwhile, or a lost answer of ours did: bring what is there to what is declared."""
        target = self._clients.target
        actual = resource.read(self._clients)
        if actual is None and not says_taken(error):
            raise error
        if actual is None:
            raise NotVisible(
                f"it exists and is not visible to {target.principals.get('deployer', 'who applies this')}: "
                "bind it to this workspace if it is isolated, grant BROWSE (of workspace objects CAN_VIEW) on it, "
                f"or declare another name. The service said: {error}"
            ) from error
        if not_ours := why_not_ours(resource, actual, target):
            raise NotOurs(not_ours) from error
        changes = diff_states(desired, actual)
        if any(resource.refuse_change(*change) for change in changes):
            raise error
        if changes:
            resource.update(self._clients, desired, _before(changes))

    def _delete(self, resource: Resource) -> None:
        if self._is_ours_still(resource):
            resource.delete(self._clients)

    def _is_ours_still(self, resource: Resource) -> bool:
        """Look again before it is changed or gone: somebody may have put something of theirs in its place.

        Returns whether it is there; what has no mark is not looked at.

        Raises:
            NotOurs: naming it.
        """
        if resource.mark_field is None:
            return True
        state = resource.read(self._clients)
        if state is not None and (not_ours := why_not_ours(resource, state, self._clients.target)):
            raise NotOurs(not_ours)
        return state is not None


def _before(changes: tuple[Change, ...]) -> State:
    return {change.field: change.before for change in changes}
