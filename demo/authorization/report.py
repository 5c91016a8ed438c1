"""The matrix as read afterwards: JSON for machines, and one HTML page with filters that needs nothing else."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.authorization.expectation import Expected
from demo.authorization.roles import Role
from demo.authorization.rule import Rule
from demo.authorization.stage import Stage
from demo.authorization.trial import ALLOWED, DENIED, Cell, try_cells
from demo.phases import Say

HTML = Path(__file__).parent.parent.parent / "build" / "authorization.html"
_TEMPLATE = Path(__file__).parent / "report.html"


@dataclass(frozen=True)
class Matrix:
    """The cells that were tried, on which target, in how many seconds."""

    target: str
    seconds: float
    cells: Sequence[Cell]

    @property
    def wrong(self) -> list[Cell]:
        """The cells in which the workspace answered otherwise than the rules say."""
        return [cell for cell in self.cells if not cell.is_right]

    def as_json(self) -> dict[str, Any]:
        """Return the whole matrix."""
        return {
            "target": self.target,
            "seconds": round(self.seconds, 1),
            "cells": len(self.cells),
            "allowed": sum(cell.seen.outcome == ALLOWED for cell in self.cells),
            "denied": sum(cell.seen.outcome == DENIED for cell in self.cells),
            "mismatches": len(self.wrong),
            "by_way": dict(Counter(cell.rule.way for cell in self.cells)),
            "results": [_describe(cell) for cell in self.cells],
        }

    def write_html(self, path: Path) -> None:
        """Write the page, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps(self.as_json()).replace("</", "<\\/")  # a message may hold what ends a script
        partial = path.with_suffix(".partial")
        partial.write_text(_TEMPLATE.read_text().replace("{{MATRIX}}", data))
        partial.replace(path)


def try_matrix(stage: Stage, cells: Sequence[tuple[Role, Rule]], say: Say) -> Matrix:
    """Try the cells, saying how far it is."""
    began, ended = time.monotonic(), itertools.count(1)

    def tell(cell: Cell) -> None:
        if (number := next(ended)) % 100 == 0 or not cell.is_right:
            say(f"{number:,} of {len(cells):,} cells{'' if cell.is_right else f'; mismatch: {cell.rule.name}'}")

    tried = try_cells(stage, cells, tell)
    return Matrix(stage.target.name, time.monotonic() - began, tried)


def say_expected(expected: Expected) -> str:
    """Return what should be seen, for people."""
    return ALLOWED if expected.allowed else f"{DENIED}: lacks {' or '.join(map(str, expected.missing))}"


def _describe(cell: Cell) -> dict[str, Any]:
    return {
        "role": cell.role.name,
        "title": cell.role.title,
        "way": cell.rule.way,
        "verb": cell.rule.verb,
        "object": cell.rule.target,
        "needs": cell.rule.needs,
        "expected": say_expected(cell.expected),
        "seen": cell.seen.outcome,
        "message": cell.seen.message.partition(". Config: ")[0],
        "right": cell.is_right,
    }
