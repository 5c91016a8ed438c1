"""One tick of the arrival sensor: drain the queue, note which runs should follow, delete the messages.

A message is deleted only when all runs it leads to are noted in the Dagster instance, and a note is forgotten only when
its run exists. After a crash anywhere the message comes back, and leads to the same run key or to an idempotent run.
Each message is read by itself: one that cannot be read, for whatever reason, is a dead letter that says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from data_assets.arrival.events import read_message
from data_assets.arrival.plans import WantedRun, plan_runs
from data_assets.arrival.queue import Deadline, LandingQueue, Message, Rejection
from data_assets.arrival.routes import Arrival, Layout, Refusal, route
from data_assets.arrival.wanted import WantedRuns

MESSAGES_PER_TICK = 2000
# Dagster gives a tick up after 60 s. Receiving and rejecting end by the first, all of it by the second; a call that
# hangs adds up to 24 s (queue.py). What is left over comes back by itself.
SECONDS_TO_RECEIVE, SECONDS_PER_TICK = 18.0, 32.0
_LONGEST_EXAMPLE = 300
_VARYING = re.compile(r"'[^']*'|\d+")  # what tells two refusals of the same kind apart


@dataclass(frozen=True)
class Tick:
    """What a tick found and wants. `reasons`: how many messages were rejected for what, with an example of each."""

    runs: tuple[WantedRun, ...]
    received: int
    rejected: int
    deleted: int
    reasons: tuple[tuple[int, str], ...] = ()
    left: int = 0  # messages that are dealt with, or could not be rejected, and come back


@dataclass
class _Drained:
    """Messages by what they mean: receipts of those to be deleted, and what arrived."""

    arrivals: set[Arrival] = field(default_factory=set)
    receipts: list[str] = field(default_factory=list)
    received: int = 0
    rejected: int = 0
    kept: int = 0
    reasons: dict[str, tuple[int, str]] = field(default_factory=dict)

    def tell(self, reasons: Iterable[str]) -> None:
        """Count the reasons, by kind."""
        for reason in reasons:
            kind = _VARYING.sub("", reason.rpartition(": ")[2])
            count, example = self.reasons.get(kind, (0, reason))
            self.reasons[kind] = (count + 1, example)


def evaluate(
    queue: LandingQueue,
    layout: Layout,
    wanted: WantedRuns,
    has_run: Callable[[str], bool],
    limit: int = MESSAGES_PER_TICK,
    patience: int = 0,
) -> Tick:
    """Do one tick. `has_run` says whether a run with that run key is in the instance.

    Where no run is to be asked for again, messages are waited for up to `patience` seconds.
    """
    deadline = Deadline(SECONDS_PER_TICK)
    again = wanted.settle(has_run)
    found = _drain(queue, layout, limit, 0 if again else patience)
    runs = list(plan_runs(found.arrivals, layout))
    wanted.note(runs)
    deleted = queue.delete(found.receipts, deadline)
    return Tick(
        runs=tuple(dict.fromkeys([*again, *runs])),
        received=found.received,
        rejected=found.rejected,
        deleted=deleted,
        reasons=tuple(sorted(found.reasons.values(), reverse=True)),
        left=found.kept + len(found.receipts) - deleted,
    )


def _drain(queue: LandingQueue, layout: Layout, limit: int, patience: int) -> _Drained:
    found = _Drained()
    for messages in queue.receive(limit, Deadline(SECONDS_TO_RECEIVE), patience):
        found.received += len(messages)
        _take(queue, found, [(message, *interpret(message, layout)) for message in messages])
    return found


def _take(
    queue: LandingQueue, found: _Drained, read: Sequence[tuple[Message, frozenset[Arrival], Sequence[str]]]
) -> None:
    """Reject what is to be rejected, and remember the rest; a message that could not be rejected is left for later."""
    rejections = [Rejection(message, tuple(problems)) for message, _, problems in read if problems]
    there = queue.reject(rejections)
    for message, arrivals, problems in read:
        if problems and message.receipt not in there:
            found.kept += 1
            continue
        found.arrivals |= arrivals
        found.receipts.append(message.receipt)
        found.rejected += bool(problems)
        found.tell(problems)


def interpret(message: Message, layout: Layout) -> tuple[frozenset[Arrival], list[str]]:
    """Return what arrived by a message, and why it belongs to the dead letters, if it does. Never raises."""
    try:
        reading = read_message(message.body)
        routes = [route(landed, layout) for landed in reading.objects]
        arrivals = frozenset(answer for answer in routes if isinstance(answer, Arrival))
        for arrival in arrivals:
            f"{arrival.key} {arrival.identity}".encode()  # what goes into the run key: half a character does not
    except Exception as error:  # noqa: BLE001 - a message that nobody thought of must not take others with it
        return frozenset(), [f"the message cannot be read: {type(error).__name__}: {error}"]
    return arrivals, [*reading.problems, *(answer.reason for answer in routes if isinstance(answer, Refusal))]


def describe(tick: Tick) -> str:
    """Return what a person should know of the tick, in one line of ASCII."""
    text = f"{tick.received} messages, {tick.rejected} of them to the dead letters; {tick.deleted} deleted"
    text += f"; {tick.left} left for a later tick" if tick.left else ""
    return "; ".join([text, *describe_reasons(tick)])


def describe_reasons(tick: Tick, most: int = 5) -> list[str]:
    """Return a line for each kind of reason, the most frequent first."""
    lines = [f"{count} x {_plain(example)}" for count, example in tick.reasons[:most]]
    more = len(tick.reasons) - most
    return [*lines, f"and {more} other reasons"] if more > 0 else lines


def _plain(text: str) -> str:
    """Return a text that any log takes: keys and bodies may hold what is no character."""
    return text[:_LONGEST_EXAMPLE].encode("ascii", "backslashreplace").decode()
