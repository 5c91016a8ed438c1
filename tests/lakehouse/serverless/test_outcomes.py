"""Every life-cycle and result state of a run has one meaning."""

import itertools
import re
from pathlib import Path

import pytest
from databricks.sdk.service.jobs import Run, RunLifeCycleState, RunResultState, TerminationCodeCode

from lakehouse.serverless.outcomes import Verdict, judge_run


def run_of(life_cycle: str, result: str | None = None, code: str | None = None) -> Run:
    state = {"life_cycle_state": life_cycle, **({"result_state": result} if result else {})}
    details = {"termination_details": {"code": code, "message": "why"}} if code else {}
    return Run.from_dict({"run_id": 1, "state": state, "status": {"state": "TERMINATED", **details}})


@pytest.mark.parametrize("life_cycle", ["PENDING", "QUEUED", "BLOCKED", "RUNNING", "TERMINATING", "WAITING_FOR_RETRY"])
def test_an_unfinished_run_is_active(life_cycle: str) -> None:
    assert judge_run(run_of(life_cycle)).verdict is Verdict.ACTIVE


@pytest.mark.parametrize(
    ("result", "verdict", "retryable"),
    [
        ("SUCCESS", Verdict.SUCCEEDED, False),
        ("SUCCESS_WITH_FAILURES", Verdict.FAILED, True),
        ("FAILED", Verdict.FAILED, True),
        ("TIMEDOUT", Verdict.FAILED, False),
        ("CANCELED", Verdict.CANCELED, False),
        ("UPSTREAM_FAILED", Verdict.FAILED, True),
        ("UPSTREAM_CANCELED", Verdict.CANCELED, False),
        ("MAXIMUM_CONCURRENT_RUNS_REACHED", Verdict.FAILED, True),
        ("EXCLUDED", Verdict.FAILED, False),
        ("DISABLED", Verdict.FAILED, False),
    ],
)
def test_a_terminated_run_means_its_result(result: str, verdict: Verdict, retryable: bool) -> None:
    outcome = judge_run(run_of("TERMINATED", result))
    assert (outcome.verdict, outcome.retryable) == (verdict, retryable)


DOCUMENT = Path(__file__).parents[3] / "docs" / "explanation" / "serverless-runs.md"


def read_documented() -> tuple[dict[tuple[str, str], tuple[str, str]], set[str]]:
    """Return what the document says: the step and whether it is retryable, by state and result; codes never retried."""
    section = DOCUMENT.read_text().partition("## What a state means")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"]
    table = {
        (state, result): (row[2], row[3])
        for row in rows[2:]
        for state in row[0].split(", ")
        for result in (row[1] or "any").split(", ")
    }
    codes = section.partition("Never retried")[2].partition(":")[2]
    return table, set(re.findall(r"[A-Z_]{6,}", codes))


def test_each_state_result_and_code_means_what_the_document_says() -> None:
    table, never = read_documented()
    for life_cycle, result, code in itertools.product(RunLifeCycleState, RunResultState, TerminationCodeCode):
        outcome = judge_run(run_of(life_cycle.value, result.value, code.value))
        says = table.get((life_cycle.value, result.value)) or table.get((life_cycle.value, "any"))
        assert says is not None, f"{life_cycle.value} {result.value} is not in the document"
        said, retryable = says
        verdict = {"goes on waiting": "active", "succeeds": "succeeded", "fails": "failed"}.get(said, "canceled")
        assert outcome.verdict.value == verdict, (life_cycle, result)
        assert outcome.retryable is (retryable == "yes" and code.value not in never), (life_cycle, result, code)
    assert never <= {code.value for code in TerminationCodeCode}


def test_every_state_the_sdk_knows_has_a_meaning() -> None:
    for life_cycle in RunLifeCycleState:
        for result in RunResultState:
            assert "unknown state" not in judge_run(run_of(life_cycle.value, result.value)).reason


@pytest.mark.parametrize("life_cycle", ["INTERNAL_ERROR", "SKIPPED"])
def test_only_success_is_success(life_cycle: str) -> None:
    assert judge_run(run_of(life_cycle, "SUCCESS")).verdict is Verdict.FAILED


@pytest.mark.parametrize("code", [code.value for code in TerminationCodeCode])
def test_what_only_the_caller_can_mend_is_not_retried(code: str) -> None:
    hopeless = {"RESOURCE_NOT_FOUND", "UNAUTHORIZED_ERROR", "INVALID_RUN_CONFIGURATION", "INVALID_CLUSTER_REQUEST"}
    hopeless |= {"FEATURE_DISABLED", "BUDGET_POLICY_LIMIT_EXCEEDED", "DISABLED", "USER_CANCELED", "CANCELED"}
    assert judge_run(run_of("INTERNAL_ERROR", "FAILED", code)).retryable is (code not in hopeless)


def test_a_state_nobody_knows_fails_and_says_so() -> None:
    outcome = judge_run(Run(run_id=1))
    assert outcome.verdict is Verdict.FAILED and "unknown state" in outcome.reason
