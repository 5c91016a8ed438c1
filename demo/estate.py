"""What a run of the estate's job did, as its materializations tell it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import dagster as dg

_AS_DECLARED = "unchanged"


@dataclass(frozen=True)
class EstateChanges:
    """How many resources there are, and those that were not as declared: key -> what was done."""

    resources: int
    changed: dict[str, str]

    def __str__(self) -> str:
        if not self.changed:
            return f"all {self.resources} resources are as declared"
        counts = Counter(self.changed.values())
        return f"{self.resources} resources: " + ", ".join(f"{count} {action}" for action, count in counts.items())


def read_changes(instance: dg.DagsterInstance, run: dg.DagsterRun) -> EstateChanges:
    """Return what the run did."""
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    materializations = [found for record in records if (found := record.asset_materialization) is not None]
    actions = {found.asset_key.to_user_string(): str(found.metadata["action"].value) for found in materializations}
    return EstateChanges(len(actions), {key: action for key, action in actions.items() if action != _AS_DECLARED})
