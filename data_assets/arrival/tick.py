"""One tick of the arrival sensor: delete what is safe, drain the queue, say which runs should follow.

A message is deleted only when all runs it led to exist in the Dagster instance: its receipt waits in the cursor until
the next tick. After a crash anywhere the message comes back, and leads to the same run key or to an idempotent run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from data_assets.arrival.cursor import Pending, format_cursor, parse_cursor
from data_assets.arrival.events import read_message
from data_assets.arrival.plans import WantedRun, plan_runs
from data_assets.arrival.queue import LandingQueue, Message
from data_assets.arrival.routes import Arrival, Layout, Refusal, route

MESSAGES_PER_TICK = 2000
SECONDS_PER_TICK = 20.0


@dataclass(frozen=True)
class Tick:
    """What a tick found and wants."""

    runs: tuple[WantedRun, ...]
    cursor: str
    received: int
    rejected: int
    deleted: int


@dataclass
class _Sorted:
    """Messages by what they mean."""

    arrivals: dict[str, frozenset[Arrival]] = field(default_factory=dict)  # by receipt
    rejected: dict[str, tuple[Message, list[str]]] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def evaluate(
    queue: LandingQueue,
    layout: Layout,
    cursor: str | None,
    has_run: Callable[[str], bool],
    limit: int = MESSAGES_PER_TICK,
    patience: int = 0,
) -> Tick:
    """Do one tick. `has_run` says whether a run with that run key is in the instance.

    Where nothing is pending, messages are waited for up to `patience` seconds.
    """
    pending = parse_cursor(cursor)
    settled = _settled(pending, has_run)
    queue.delete(settled)
    messages = list(queue.receive(limit, SECONDS_PER_TICK, 0 if pending else patience))
    found = _sort(messages, layout)
    for message, reasons in found.rejected.values():
        queue.reject(message, reasons)
    done = [*found.ignored, *(receipt for receipt in found.rejected if receipt not in found.arrivals)]
    queue.delete(done)
    wanted = plan_runs((arrival for arrivals in found.arrivals.values() for arrival in arrivals), layout)
    return Tick(
        runs=tuple(wanted),
        cursor=format_cursor(_pend(found.arrivals, wanted)),
        received=len(messages),
        rejected=len(found.rejected),
        deleted=len(settled) + len(done),
    )


def _settled(pending: Iterable[Pending], has_run: Callable[[str], bool]) -> list[str]:
    """Return the receipts whose runs all exist; the other messages will be delivered again."""
    return [receipt for entry in pending if all(has_run(key) for key in entry.run_keys) for receipt in entry.receipts]


def _sort(messages: Iterable[Message], layout: Layout) -> _Sorted:
    found = _Sorted()
    for message in messages:
        reading = read_message(message.body)
        routes = [route(landed, layout) for landed in reading.objects]
        problems = [*reading.problems, *(answer.reason for answer in routes if isinstance(answer, Refusal))]
        arrivals = frozenset(answer for answer in routes if isinstance(answer, Arrival))
        if arrivals:
            found.arrivals[message.receipt] = arrivals
        if problems:
            found.rejected[message.receipt] = (message, problems)
        if not arrivals and not problems:
            found.ignored.append(message.receipt)
    return found


def _pend(arrivals: Mapping[str, frozenset[Arrival]], wanted: Mapping[WantedRun, frozenset[Arrival]]) -> list[Pending]:
    run_key_of = {arrival: run.run_key for run, group in wanted.items() for arrival in group}
    receipts: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for receipt, group in arrivals.items():
        receipts[tuple(sorted({run_key_of[arrival] for arrival in group}))].append(receipt)
    return [Pending(run_keys, tuple(waiting)) for run_keys, waiting in receipts.items()]
