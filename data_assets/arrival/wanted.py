"""Runs that a tick wants, noted in the Dagster instance before the messages that led to them are deleted.

They are noted as keys of a set of dynamic partitions that no asset has: the one durable set of an instance's public
interface. Each key is added and removed by itself, so two ticks at once lose nothing of each other's. The sensor's
cursor cannot hold them: Dagster keeps it only after the tick, and once more with every tick.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import dagster as dg

from data_assets.arrival.plans import WantedRun

NAME = "landing_arrival_wanted_runs"
# Until then the tick that noted a run may still be about to ask for it, here or in another process.
PATIENCE_SECONDS = 60


class UnreadableNote(Exception):
    """A noted run is not one that this module wrote."""


@dataclass(frozen=True)
class Note:
    """A run that was wanted, the time in epoch seconds, and the key by which the instance knows the note."""

    run: WantedRun
    at: int
    key: str


class WantedRuns:
    """The runs that were wanted and may not exist yet."""

    def __init__(self, instance: dg.DagsterInstance, clock: Callable[[], float] = time.time) -> None:
        self._instance, self._clock = instance, clock

    def note(self, runs: Iterable[WantedRun]) -> None:
        """Note runs; when this returns, they will be asked for, whatever happens."""
        if keys := [_format(run, int(self._clock())) for run in runs]:
            self._instance.add_dynamic_partitions(NAME, keys)

    def read(self) -> list[Note]:
        """Return what is noted, oldest first.

        Raises:
            UnreadableNote: saying how to go on.
        """
        return [_parse(key) for key in self._instance.get_dynamic_partitions(NAME)]

    def settle(self, has_run: Callable[[str], bool]) -> list[WantedRun]:
        """Forget the runs that exist, by their run keys; return those that are to be asked for again."""
        now, again = self._clock(), []
        for note in self.read():
            if has_run(note.run.run_key):
                self._instance.delete_dynamic_partition(NAME, note.key)
            elif not note.at <= now < note.at + PATIENCE_SECONDS:  # also when the clock was set back meanwhile
                again.append(note.run)
        return list(dict.fromkeys(again))


def _format(run: WantedRun, at: int) -> str:
    return json.dumps([at, run.run_key, sorted(run.datasets), run.days], separators=(",", ":"))


def _parse(key: str) -> Note:
    try:
        at, run_key, datasets, days = json.loads(key)
        run = WantedRun(run_key, frozenset(datasets), (days[0], days[1]) if days else None)
        return Note(run, int(at), key)
    except (ValueError, TypeError, IndexError) as error:
        raise UnreadableNote(
            f"The arrival sensor has noted a run that cannot be read ({error}): {key!r}. Remove it with "
            f"`DagsterInstance.get().delete_dynamic_partition({NAME!r}, ...)`; `lost_events` finds what it stood for"
        ) from error
