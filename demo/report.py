"""What a main job found and did, as the file build/run-report.json keeps it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo.arrivals import Arrivals
from demo.checks import CheckResult
from demo.estate import EstateChanges
from demo.landing import Landing
from demo.phases import Phases
from demo.warehouse import Answer

PATH = Path(__file__).parent.parent / "build" / "run-report.json"


@dataclass(frozen=True)
class Report:
    """Everything there is to say about one main job."""

    target: str
    phases: Phases
    estate: EstateChanges
    landing: Landing
    arrivals: Arrivals
    checks: Sequence[CheckResult]
    rows: dict[str, int]
    gold: Mapping[str, Answer]  # the gold tables in full
    highlights: Mapping[str, Answer]  # question -> answer, as printed

    @property
    def has_changed_nothing(self) -> bool:
        """Whether estate, landing and tables were as they should be already."""
        return not (self.estate.changed or self.landing.written or self.arrivals.runs)

    @property
    def failed_checks(self) -> list[CheckResult]:
        """The checks that say that something is wrong."""
        return [check for check in self.checks if check.is_error]

    def as_json(self) -> dict[str, Any]:
        """Return the whole report."""
        return {
            "target": self.target,
            "changed_nothing": self.has_changed_nothing,
            "seconds": round(sum(seconds for _, seconds in self.phases.finished), 1),
            "phases": [{"phase": name, "seconds": round(seconds, 2)} for name, seconds in self.phases.finished],
            "estate": asdict(self.estate),
            "landing": self.landing.as_json(),
            "arrivals": self.arrivals.as_json(),
            "checks": [asdict(check) for check in self.checks],
            "rows": self.rows,
            "gold": {table: answer.as_json() for table, answer in self.gold.items()},
            "highlights": {question: answer.as_json() for question, answer in self.highlights.items()},
        }

    def write(self, path: Path) -> None:
        """Write the report, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(self.as_json(), indent=1) + "\n")
        partial.replace(path)
