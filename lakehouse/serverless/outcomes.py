"""What a remote run's state means for the step: the one table, and nothing else decides.

States: https://docs.databricks.com/api/workspace/jobs/getrun
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from databricks.sdk.service.jobs import BaseRun, Run, RunTask

    AnyRun = BaseRun | Run | RunTask


class Verdict(Enum):
    """How it stands with a run."""

    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True)
class Outcome:
    """`retryable`: another try may end otherwise, the asset's own retry policy decides whether there is one."""

    verdict: Verdict
    retryable: bool
    reason: str

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen."""
        return self.verdict is not Verdict.ACTIVE


_ACTIVE = frozenset({"PENDING", "QUEUED", "BLOCKED", "RUNNING", "TERMINATING", "WAITING_FOR_RETRY", "WAITING"})

# result state -> (verdict, retryable)
_RESULTS = {
    "SUCCESS": (Verdict.SUCCEEDED, False),
    "FAILED": (Verdict.FAILED, True),
    "SUCCESS_WITH_FAILURES": (Verdict.FAILED, True),
    "TIMEDOUT": (Verdict.FAILED, False),
    "CANCELED": (Verdict.CANCELED, False),
    "UPSTREAM_FAILED": (Verdict.FAILED, True),
    "UPSTREAM_CANCELED": (Verdict.CANCELED, False),
    "MAXIMUM_CONCURRENT_RUNS_REACHED": (Verdict.FAILED, True),
    "EXCLUDED": (Verdict.FAILED, False),
    "DISABLED": (Verdict.FAILED, False),
}

# Where the caller must change something, a retry would only fail again.
_NEVER_RETRY = frozenset(
    {
        *("RESOURCE_NOT_FOUND", "UNAUTHORIZED_ERROR", "INVALID_RUN_CONFIGURATION", "INVALID_CLUSTER_REQUEST"),
        *("FEATURE_DISABLED", "BUDGET_POLICY_LIMIT_EXCEEDED", "DISABLED", "USER_CANCELED", "CANCELED"),
    }
)


def judge_run(run: AnyRun) -> Outcome:
    """Return how it stands with the run (or task run); a state that is not in the table is an error of its own."""
    life_cycle, result, code, message = _read(run)
    if life_cycle in _ACTIVE:
        return Outcome(Verdict.ACTIVE, False, life_cycle)
    said = ": ".join(part for part in (code or result or life_cycle, message) if part)
    if life_cycle in ("INTERNAL_ERROR", "SKIPPED"):
        return Outcome(Verdict.FAILED, code not in _NEVER_RETRY, f"{life_cycle} {said}".strip())
    if life_cycle != "TERMINATED" or result not in _RESULTS:
        return Outcome(Verdict.FAILED, False, f"unknown state {life_cycle}/{result}: {message}")
    verdict, retryable = _RESULTS[result]
    return Outcome(verdict, retryable and code not in _NEVER_RETRY, said)


def _read(run: AnyRun) -> tuple[str, str, str, str]:
    state, status = run.state, run.status
    details = status.termination_details if status else None
    life_cycle = state.life_cycle_state.value if state and state.life_cycle_state else ""
    if not life_cycle and status and status.state:
        life_cycle = status.state.value
    return (
        life_cycle,
        state.result_state.value if state and state.result_state else "",
        details.code.value if details and details.code else "",
        (details and details.message) or (state and state.state_message) or "",
    )
