"""Whether messages about landed objects wait among the dead letters: an asset check on that queue.

The arrival sensor reports it as soon as it rejects a message; running the check counts again.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from data_assets.arrival.queue import LandingQueue, open_queue
from lakehouse.names import resource_key
from lakehouse.targets import current_target

QUEUE = "landing-events-dead-letters"
KEY = dg.AssetCheckKey(resource_key("sqs_queue", QUEUE), "no_dead_letters")
REMEDY = "docs/explanation/arrival.md tells how to read the reasons and how to send the messages once more"


@dg.asset_check(asset=KEY.asset_key, name=KEY.name, description="No message about a landed object waits for a person")
def no_dead_letters() -> dg.AssetCheckResult:
    """Count the dead letters."""
    count = open_queue(current_target()).count_dead_letters()
    return dg.AssetCheckResult(
        passed=count == 0, severity=dg.AssetCheckSeverity.WARN, metadata={"dead_letters": count, "remedy": REMEDY}
    )


def report_dead_letters(instance: dg.DagsterInstance, queue: LandingQueue, reasons: Sequence[str]) -> None:
    """Report that there are new ones, and why."""
    evaluation = dg.AssetCheckEvaluation(
        KEY.asset_key,
        KEY.name,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"dead_letters": queue.count_dead_letters(), "newest": "\n".join(reasons), "remedy": REMEDY},
    )
    instance.report_runless_asset_event(evaluation)
