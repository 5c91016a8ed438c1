"""The arrival sensor, evaluated here as the daemon evaluates it: its cursor is kept in the instance between ticks.

The daemon of `make dev` has a cursor of its own; both drain the same queue, each message goes to one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg

SENSOR_NAME_TAG, RUN_KEY_TAG = "dagster/sensor_name", "dagster/run_key"


@dataclass(frozen=True)
class Sensed:
    """What a tick asked for, or why it asked for nothing."""

    requests: Sequence[dg.RunRequest]
    said: str
    is_settled: bool  # no run that was wanted is still to be made


@dataclass(frozen=True)
class Sensing:
    """A sensor of a code location, on an instance."""

    instance: dg.DagsterInstance
    definitions: dg.Definitions
    sensor_name: str

    def tick(self) -> Sensed:
        """Evaluate the sensor once and keep its cursor, before any run that it asks for is created."""
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self._read_cursor(),
            definitions=self.definitions,
            sensor_name=self.sensor_name,
        )
        with context:
            found = self.definitions.resolve_sensor_def(self.sensor_name).evaluate_tick(context)
        self.instance.daemon_cursor_storage.set_cursor_values({self._key: found.cursor or ""})
        return Sensed(found.run_requests or [], found.skip_message or "", found.cursor in ("0", "", None))

    def tags_of(self, request: dg.RunRequest) -> dict[str, str]:
        """Return the tags that the daemon would put on the request's run."""
        run_key = {RUN_KEY_TAG: request.run_key} if request.run_key else {}
        return {**request.tags, SENSOR_NAME_TAG: self.sensor_name, **run_key}

    @property
    def _key(self) -> str:
        return f"lakehouse/demo/{self.sensor_name}"

    def _read_cursor(self) -> str | None:
        return self.instance.daemon_cursor_storage.get_cursor_values({self._key}).get(self._key)
