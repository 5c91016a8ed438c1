"""One poller for many runs: it asks seldom, tells the end of each, and gives an error to those who wait."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from databricks.sdk.errors import NotFound
from databricks.sdk.service.jobs import BaseRun, Run, RunLifeCycleState, RunResultState, RunState, RunTask

from lakehouse.serverless.pace import QUESTIONS, keep_below
from lakehouse.serverless.watching import FEW, RunWatcher

RUNNING = RunState(life_cycle_state=RunLifeCycleState.RUNNING)
DONE = RunState(life_cycle_state=RunLifeCycleState.TERMINATED, result_state=RunResultState.SUCCESS)


class Jobs:
    """The jobs of a workspace: which runs are active, and how often it was asked."""

    def __init__(self, active: set[int]) -> None:
        self.active, self.all = active, set(active)
        self.tasks: list[str] = []
        self.wide: set[int] = set()  # those with more tasks than a listing shows
        self.calls: Counter[str] = Counter()
        self.asked = threading.Event()

    @property
    def jobs(self) -> Any:
        return self

    def get_run(self, run_id: int) -> Run:
        self.calls["get"] += 1
        self.asked.set()
        if run_id < 0:
            raise NotFound(f"Run {run_id} does not exist.")
        state = RUNNING if run_id in self.active else DONE
        tasks = [RunTask(key, run_id=9, state=state) for key in self.tasks]
        return Run(run_id=run_id, state=state, tasks=tasks or None)

    def list_runs(self, active_only: bool, expand_tasks: bool, limit: int) -> Iterator[BaseRun]:
        assert expand_tasks is not active_only
        self.asked.set()
        for place, run_id in enumerate(sorted(self.active if active_only else self.all, reverse=True)):  # newest first
            self.calls["list"] += place % limit == 0
            state = RUNNING if run_id in self.active else DONE
            yield BaseRun(run_id=run_id, state=state, has_more=run_id in self.wide)


def test_the_end_of_a_run_is_told_with_the_run() -> None:
    workspace: Any = Jobs({1})
    with RunWatcher(workspace, 1, keep_below(QUESTIONS)).watch(1) as watched:
        assert not watched.ended.wait(0.3)
        workspace.active.clear()
        watched.hurry()
        assert watched.ended.wait(5)
        assert watched.latest() == Run(run_id=1, state=DONE)


def test_many_runs_cost_a_listing_not_a_question_each() -> None:
    workspace: Any = Jobs(set(range(1, 51)))
    watcher = RunWatcher(workspace, 1, keep_below(QUESTIONS))
    with ExitStack() as stack:
        watched = [stack.enter_context(watcher.watch(run_id)) for run_id in range(1, 51)]
        threading.Event().wait(1.5)
        assert workspace.calls["get"] <= FEW + 1  # before the others had come
        assert 1 <= workspace.calls["list"] <= 12
        workspace.active.clear()
        for run in watched:
            run.hurry()
        assert all(run.ended.wait(5) for run in watched)
    assert all(run.latest().state == DONE for run in watched)


def test_many_that_end_together_cost_a_listing_not_a_question_each() -> None:
    workspace: Any = Jobs(set(range(1, 51)))
    watcher = RunWatcher(workspace, 1, keep_below(QUESTIONS))
    with ExitStack() as stack:
        watched = [stack.enter_context(watcher.watch(run_id, announced=True)) for run_id in range(1, 51)]
        assert all(run.seen.wait(5) for run in watched)
        workspace.calls.clear()
        workspace.active -= (ended := set(range(1, 9)))
        workspace.wide.add(8)
        for run in watched[:8]:
            run.hurry()
        assert all(run.ended.wait(5) for run in watched[:8])
        assert workspace.calls["get"] == 1  # the listing shows only some of its tasks
        assert workspace.calls["list"] <= 3
        assert [run.run_id in ended for run in watched] == [run.ended.is_set() for run in watched]
    assert all(run.latest().state == DONE for run in watched[:8])


def test_many_new_runs_are_first_seen_in_one_listing() -> None:
    workspace: Any = Jobs(set(range(1, 51)))
    watcher = RunWatcher(workspace, 1, keep_below(QUESTIONS))
    with ExitStack() as stack:
        watched = [stack.enter_context(watcher.watch(run_id)) for run_id in (49, 50, *range(1, 20))]
        assert all(run.seen.wait(5) for run in watched)
        assert [run.latest().run_id for run in watched] == [run.run_id for run in watched]
        assert workspace.calls["get"] <= FEW + 1
        alone = stack.enter_context(watcher.watch(21, listed=False))
        workspace.calls.clear()
        assert alone.seen.wait(5)
        assert workspace.calls["get"] >= 1


def test_what_is_announced_is_asked_for_seldom_until_it_is_about_to_end() -> None:
    workspace: Any = Jobs({1, 2})
    watcher = RunWatcher(workspace, 1, keep_below(QUESTIONS))
    with watcher.watch(1, announced=True) as watched:
        assert not watched.ended.wait(2)
        assert workspace.calls["get"] <= 2
        workspace.active.remove(1)
        watched.hurry()
        assert watched.ended.wait(0.5)


def test_the_steps_of_a_run_share_its_answers() -> None:
    """Fifty that come one after the other, and end one after the other within a second, cost a few questions."""
    workspace: Any = Jobs({1})
    workspace.tasks = [f"step_{number}" for number in range(50)]
    watcher = RunWatcher(workspace, 1, keep_below(QUESTIONS))
    with ExitStack() as stack:
        watched = []
        for key in workspace.tasks:
            watched.append(stack.enter_context(watcher.watch(1, key, announced=True)))
            threading.Event().wait(0.01)
        assert all(run.seen.wait(5) for run in watched)
        assert workspace.calls["get"] <= 3
        workspace.active.clear()
        workspace.calls.clear()
        for run in watched:
            run.hurry()
            threading.Event().wait(0.01)
        assert all(run.ended.wait(5) for run in watched)
        assert workspace.calls == {"get": 1}
    assert [run.latest().tasks[0].task_key for run in watched] == workspace.tasks  # type: ignore[index]


def test_other_peoples_runs_are_not_listed_without_end() -> None:
    workspace: Any = Jobs(set(range(1, 5000)))
    watcher = RunWatcher(workspace, 1, keep_below(QUESTIONS))
    ids = range(10, 10 + FEW + 1)  # the oldest but ten
    with ExitStack() as stack:
        watched = [stack.enter_context(watcher.watch(run_id)) for run_id in ids]
        workspace.active -= set(ids)
        assert all(run.ended.wait(5) for run in watched)


def test_an_error_is_raised_by_who_waits_and_by_nobody_else() -> None:
    workspace: Any = Jobs({1})
    watcher = RunWatcher(workspace, 0, keep_below(QUESTIONS))
    with watcher.watch(-1) as lost, watcher.watch(1) as other:
        assert lost.ended.wait(5)
        with pytest.raises(NotFound, match="Run -1"):
            lost.latest()
        assert not other.ended.is_set()


def test_it_rests_when_nobody_waits_and_starts_again() -> None:
    workspace: Any = Jobs(set())
    watcher = RunWatcher(workspace, 1, keep_below(QUESTIONS))
    for run_id in (1, 2):
        with watcher.watch(run_id) as watched:
            assert watched.ended.wait(5)
