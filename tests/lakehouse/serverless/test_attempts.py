"""Tokens and names: the same work is the same token, another try is another mark."""

import dataclasses

import dagster as dg
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.serverless.attempts import NAME_LENGTH, TOKEN_LENGTH, Attempt, find_root

FIRST = Attempt("root", "flights__silver__flights", "2013-01-01...2013-01-31", "11111111-aaaa", 0)


def test_another_try_of_the_same_work_has_the_same_token() -> None:
    retried = dataclasses.replace(FIRST, run_id="22222222-bbbb", retry=1)
    assert retried.token(0) == FIRST.token(0)
    assert not retried.began(FIRST.run_name)
    assert FIRST.began(FIRST.run_name)


@given(st.sampled_from(["root_run_id", "step", "partitions"]), st.text(min_size=1))
def test_other_work_has_another_token(field: str, value: str) -> None:
    other = dataclasses.replace(FIRST, **{field: value})  # type: ignore[arg-type]
    assert (other.token(0) == FIRST.token(0)) is (other == FIRST)


@given(st.integers(0, 99), st.integers(0, 99))
def test_numbers_tell_remote_runs_apart(one: int, other: int) -> None:
    assert (FIRST.token(one) == FIRST.token(other)) is (one == other)
    assert len(FIRST.token(one)) == TOKEN_LENGTH


@given(st.text(max_size=500))
def test_a_long_title_never_hides_the_mark(step: str) -> None:
    attempt = dataclasses.replace(FIRST, step=step)
    assert len(attempt.run_name) <= NAME_LENGTH and attempt.began(attempt.run_name)


def run_with(tags: dict[str, str]) -> dg.DagsterRun:
    return dg.DagsterRun(job_name="j", run_id="new", root_run_id="old", parent_run_id="old", tags=tags)


def test_only_from_failure_goes_on_with_the_old_work() -> None:
    assert find_root(run_with({"dagster/is_resume_retry": "true"})) == "old"
    assert find_root(run_with({})) == "new"
