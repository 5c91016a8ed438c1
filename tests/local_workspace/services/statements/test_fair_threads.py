"""Threads for several owners: what runs, what waits, and whose turn it is, for any order of work begun and ended."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local_workspace.services.statements.fair_threads import FairThreads, TooMuchWaiting
from tests.waiting import wait_until

AT_ONCE, MOST_WAITING = 3, 2


class Held:
    """Work that runs until it is let go."""

    def __init__(self, owner: str) -> None:
        self.owner, self.began, self.go = owner, threading.Event(), threading.Event()

    def __call__(self) -> None:
        self.began.set()
        assert self.go.wait(60)


class Trial:
    def __init__(self) -> None:
        self.threads = FairThreads(AT_ONCE, MOST_WAITING, "test")
        self.works: list[Held] = []

    def submit(self, owner: str) -> Held:
        work = Held(owner)
        self.threads.submit(owner, work)
        self.works.append(work)
        return work

    def running(self) -> list[Held]:
        return [work for work in self.works if work.began.is_set()]

    def waiting(self, owner: str) -> list[Held]:
        return [work for work in self.works if work.owner == owner and not work.began.is_set()]

    def end(self, work: Held) -> None:
        self.works.remove(work)
        work.go.set()

    def settle(self, running: int) -> None:
        wait_until(lambda: len(self.running()) == running, f"{running} run", 10)


def test_one_owner_may_have_all_threads_and_others_still_begin_at_once() -> None:
    trial = Trial()
    busy = [trial.submit("ann") for _ in range(AT_ONCE + MOST_WAITING)]
    trial.settle(AT_ONCE)
    others = [trial.submit(owner) for owner in ("bob", "cy", "admin")]
    assert all(work.began.wait(10) for work in others), "they have nothing running"
    second = trial.submit("bob")
    with pytest.raises(TooMuchWaiting):
        trial.submit("ann")
    for work in (*busy[:AT_ONCE], *others[1:]):
        trial.end(work)
    assert second.began.wait(10) and len(trial.waiting("ann")) == 1, "bob's turn comes before ann's second"
    for work in trial.works:
        work.go.set()
    wait_until(lambda: all(work.began.is_set() for work in trial.works), "all ran", 10)


def test_what_is_withdrawn_never_begins_and_what_runs_cannot_be_withdrawn() -> None:
    trial = Trial()
    busy = [trial.submit("ann") for _ in range(AT_ONCE)]
    trial.settle(AT_ONCE)
    waits = trial.submit("ann")
    assert trial.threads.withdraw("ann", waits) and not trial.threads.withdraw("ann", waits)
    assert not trial.threads.withdraw("ann", busy[0]) and not trial.threads.withdraw("bob", waits)
    for work in busy:
        trial.end(work)
    assert trial.submit("ann").began.wait(10) and not waits.began.is_set()
    trial.works[-1].go.set()


def test_work_that_raises_gives_its_thread_back() -> None:
    threads, began = FairThreads(1, MOST_WAITING, "test"), threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    threads.submit("ann", fail)
    threads.submit("ann", began.set)
    assert began.wait(10)


@settings(max_examples=40)
@given(steps=st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(("submit", "submit", "end"))), max_size=30))
def test_whatever_the_order_the_rules_hold(steps: list[tuple[str, str]]) -> None:
    trial = Trial()
    expected: dict[str, list[int]] = {}  # owner: [running, waiting]
    try:
        for owner, step in steps:
            _take(trial, expected, owner, step)
            trial.settle(sum(running for running, _ in expected.values()))
            for name, (running, waiting) in expected.items():
                assert sum(work.owner == name for work in trial.running()) == running
                assert len(trial.waiting(name)) == waiting
                assert running or not waiting, "who has something waiting has something running"
    finally:
        for work in trial.works:
            work.go.set()


def _take(trial: Trial, expected: dict[str, list[int]], owner: str, step: str) -> None:
    """Do the step, and say by the rules, not by the code, how many then run and wait."""
    counts = expected.setdefault(owner, [0, 0])

    def total() -> int:
        return sum(running for running, _ in expected.values())

    if step == "submit":
        begins = total() < AT_ONCE or counts[0] == 0
        if not begins and counts[1] == MOST_WAITING:
            with pytest.raises(TooMuchWaiting):
                trial.submit(owner)
            return
        trial.submit(owner)
        counts[0 if begins else 1] += 1
    elif mine := [work for work in trial.running() if work.owner == owner]:
        before = {name: len(trial.waiting(name)) for name in expected}
        trial.end(mine[0])
        counts[0] -= 1
        wants = [name for name, (_, waiting) in expected.items() if waiting]
        if wants and (total() < AT_ONCE or (counts[0] == 0 and counts[1])):
            least = min(expected[name][0] for name in wants)
            wait_until(lambda: any(len(trial.waiting(name)) < before[name] for name in wants), "one began", 10)
            (begun,) = [name for name in wants if len(trial.waiting(name)) < before[name]]
            assert expected[begun][0] == least, "the one with the least running goes first"
            expected[begun][0] += 1
            expected[begun][1] -= 1
