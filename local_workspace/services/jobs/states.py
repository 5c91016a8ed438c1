"""The state machine of tasks and runs, pure: phases, legal moves, outcomes, when a task may start, how a run ends.

No clock, store or thread in here. Words and codes are those of the service's run states.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """`life_cycle_state` of a task."""

    BLOCKED = "BLOCKED"
    QUEUED = "QUEUED"
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    SKIPPED = "SKIPPED"
    INTERNAL_ERROR = "INTERNAL_ERROR"


FINAL = frozenset({Phase.TERMINATED, Phase.SKIPPED, Phase.INTERNAL_ERROR})
STARTED = frozenset({Phase.PENDING, Phase.RUNNING, Phase.TERMINATING})
MOVES: Mapping[Phase, frozenset[Phase]] = {
    Phase.BLOCKED: FINAL | {Phase.QUEUED},
    Phase.QUEUED: FINAL | {Phase.PENDING},
    Phase.PENDING: FINAL | {Phase.RUNNING, Phase.TERMINATING},
    Phase.RUNNING: FINAL | {Phase.TERMINATING},
    Phase.TERMINATING: FINAL,
    **{phase: frozenset() for phase in FINAL},
}


class IllegalMove(Exception):
    """A move the state machine does not have."""


@dataclass(frozen=True)
class Outcome:
    """How a task or run ended: the final phase, the result, the termination code and who caused it."""

    phase: Phase
    result: str
    code: str
    type: str = "CLIENT_ERROR"
    message: str = ""

    def saying(self, message: str) -> Outcome:
        """Return the outcome with another message."""
        return replace(self, message=message)


SUCCESS = Outcome(Phase.TERMINATED, "SUCCESS", "SUCCESS", "SUCCESS")
SUCCESS_WITH_FAILURES = Outcome(Phase.TERMINATED, "SUCCESS_WITH_FAILURES", "SUCCESS_WITH_FAILURES", "SUCCESS")
FAILED = Outcome(
    Phase.TERMINATED, "FAILED", "RUN_EXECUTION_ERROR", message="Workload failed, see run output for details"
)
TIMED_OUT = Outcome(Phase.TERMINATED, "TIMEDOUT", "CANCELED", message="Run timed out")
CANCELED = Outcome(Phase.TERMINATED, "CANCELED", "USER_CANCELED", message="Run cancelled.")
UPSTREAM_FAILED = Outcome(Phase.TERMINATED, "UPSTREAM_FAILED", "SKIPPED", message="An upstream task failed.")
UPSTREAM_CANCELED = Outcome(Phase.TERMINATED, "UPSTREAM_CANCELED", "SKIPPED", message="An upstream task was canceled.")
EXCLUDED = Outcome(Phase.SKIPPED, "EXCLUDED", "SKIPPED", "SUCCESS", "The task's run_if condition was not met.")
LIBRARY_ERROR = Outcome(Phase.INTERNAL_ERROR, "FAILED", "LIBRARY_INSTALLATION_ERROR")
SOURCE_MISSING = Outcome(Phase.INTERNAL_ERROR, "FAILED", "RESOURCE_NOT_FOUND")
SOURCE_FORBIDDEN = Outcome(Phase.INTERNAL_ERROR, "FAILED", "UNAUTHORIZED_ERROR")
BROKEN = Outcome(Phase.INTERNAL_ERROR, "FAILED", "INTERNAL_ERROR", "INTERNAL_ERROR")
TOO_MANY_RUNS = Outcome(
    Phase.SKIPPED, "MAXIMUM_CONCURRENT_RUNS_REACHED", "MAX_CONCURRENT_RUNS_EXCEEDED",
    message="The maximum number of concurrent runs of the job has been reached.",
)  # fmt: skip

_FAILURES = frozenset({"FAILED", "TIMEDOUT", "UPSTREAM_FAILED"})
_CANCELS = frozenset({"CANCELED", "UPSTREAM_CANCELED"})
RUN_IFS = (
    "ALL_SUCCESS", "AT_LEAST_ONE_SUCCESS", "NONE_FAILED", "ALL_DONE", "AT_LEAST_ONE_FAILED", "ALL_FAILED",
)  # fmt: skip


@dataclass(frozen=True)
class TaskState:
    """Where a task is. Times are epoch milliseconds; 0 means not yet."""

    phase: Phase
    outcome: Outcome | None = None
    created_at: int = 0
    queued_at: int = 0
    setup_at: int = 0
    running_at: int = 0
    terminating_at: int = 0
    ended_at: int = 0

    @property
    def is_final(self) -> bool:
        """Say whether nothing more will happen."""
        return self.phase in FINAL

    @property
    def result(self) -> str:
        """The result state; empty until final."""
        return self.outcome.result if self.outcome else ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> TaskState:
        """Parse what `as_dict` made."""
        fields = dict(document)
        outcome = fields.pop("outcome")
        if outcome:
            outcome = Outcome(**{**outcome, "phase": Phase(outcome["phase"])})
        return cls(**{**fields, "phase": Phase(fields["phase"]), "outcome": outcome})


_STAMP = {
    Phase.QUEUED: "queued_at",
    Phase.PENDING: "setup_at",
    Phase.RUNNING: "running_at",
    Phase.TERMINATING: "terminating_at",
}


def move(state: TaskState, phase: Phase, at: int) -> TaskState:
    """Return the state after a move to a phase that is not final.

    Raises:
        IllegalMove: there is no such move.
    """
    if phase in FINAL or phase not in MOVES[state.phase]:
        raise IllegalMove(f"{state.phase} -> {phase}")
    return replace(state, phase=phase, **{_STAMP[phase]: at})  # type: ignore[arg-type]


def finish(state: TaskState, outcome: Outcome, at: int) -> TaskState:
    """Return the final state.

    Raises:
        IllegalMove: it was final already.
    """
    if state.is_final:
        raise IllegalMove(f"{state.phase} -> {outcome.phase}")
    return replace(state, phase=outcome.phase, outcome=outcome, ended_at=at)


def measure(state: TaskState) -> dict[str, int]:
    """Return the durations of the parts of a final state in milliseconds; of an active one, those that ended."""
    marks = [state.queued_at, state.setup_at, state.running_at, state.terminating_at]
    names = ["queue_duration", "setup_duration", "execution_duration", "cleanup_duration"]
    durations = {}
    for position, (name, start) in enumerate(zip(names, marks, strict=True)):
        end = next((mark for mark in [*marks[position + 1 :], state.ended_at] if mark), 0)
        durations[name] = max(0, end - start) if start and end else 0
    return durations


def decide_start(run_if: str, upstream: Sequence[TaskState]) -> bool | Outcome | None:
    """Say whether a blocked task starts: True, None (not yet), or the outcome with which it is skipped."""
    if not all(state.is_final for state in upstream):
        return None
    results = [state.result for state in upstream]
    failed = [result for result in results if result in _FAILURES]
    canceled = [result for result in results if result in _CANCELS]
    succeeded = [result for result in results if result == "SUCCESS"]
    may_start = {
        "ALL_SUCCESS": len(succeeded) == len(results),
        "AT_LEAST_ONE_SUCCESS": bool(succeeded) or not results,
        "NONE_FAILED": not failed and not canceled and (bool(succeeded) or not results),
        "ALL_DONE": True,
        "AT_LEAST_ONE_FAILED": bool(failed),
        "ALL_FAILED": bool(failed) and len(failed) == len(results),
    }[run_if]
    if may_start:
        return True
    if run_if in ("AT_LEAST_ONE_FAILED", "ALL_FAILED"):
        return EXCLUDED
    if failed:
        return UPSTREAM_FAILED
    return UPSTREAM_CANCELED if canceled else EXCLUDED


def run_phase(tasks: Iterable[TaskState], is_stopping: bool) -> Phase:
    """Return the phase of a run some of whose tasks are not final; one whose tasks wait for a worker is PENDING."""
    phases = {state.phase for state in tasks}
    if is_stopping:
        return Phase.TERMINATING
    if phases & {Phase.RUNNING, Phase.TERMINATING} or phases & FINAL:
        return Phase.RUNNING
    return Phase.PENDING


def run_outcome(tasks: Mapping[str, TaskState], leaves: Iterable[str], stop: Outcome | None) -> Outcome:
    """Return how a run ended all of whose tasks are final. `stop` is the cancellation or timeout of the run."""
    if stop is not None:
        return stop
    if all(state.phase is Phase.SKIPPED and state.result == TOO_MANY_RUNS.result for state in tasks.values()):
        return TOO_MANY_RUNS
    bad = {key: state for key, state in tasks.items() if state.result not in ("SUCCESS", "EXCLUDED")}
    if not bad:
        return SUCCESS
    if all(key not in bad for key in leaves):
        return SUCCESS_WITH_FAILURES
    own = {key: state for key, state in bad.items() if not state.result.startswith("UPSTREAM_")}
    key, state = next(iter((own or bad).items()))
    assert state.outcome is not None
    if state.result == "CANCELED":
        return CANCELED.saying(f"Task {key} was cancelled.")
    skipped = " This caused all downstream tasks to get skipped." if len(bad) > len(own) and own else ""
    message = f"Task {key} failed with message: {state.outcome.message.rstrip('.')}.{skipped}"
    return Outcome(Phase.INTERNAL_ERROR, "FAILED", state.outcome.code, state.outcome.type, message)
