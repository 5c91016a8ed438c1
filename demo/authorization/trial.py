"""Tries cells of the matrix and compares what was seen with what the rules say. A denial counts only as such: refused
with the error of a denial, naming something that the role does lack."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from demo.authorization import creation_verbs, data_verbs, metadata_verbs, object_verbs
from demo.authorization.attempt import Attempt, Verbs
from demo.authorization.expectation import Expected, Need, expect, list_lacking
from demo.authorization.objects import KINDS
from demo.authorization.roles import ROLES, Role
from demo.authorization.rule import Rule
from demo.authorization.rules import RULES
from demo.authorization.run_verbs import WAYS, run_pieces
from demo.authorization.stage import SECURABLES, Stage

VERBS: Verbs = {**metadata_verbs.VERBS, **creation_verbs.VERBS, **data_verbs.VERBS, **object_verbs.VERBS}
ALLOWED, DENIED, FAILED = "allowed", "denied", "failed"
_THREADS = 4
_OF_JOBS = {
    "CAN_VIEW": r"View or Admin or Manage Run or Owner permissions on job \d+",
    "CAN_MANAGE_RUN": r"Admin or Manage Run or Owner permissions on job \d+",
    "CAN_MANAGE": r"(Admin or Owner permissions on job \d+|Manage permissions on Job with ID: ElasticJobId\(\d+\))",
}
_OF_STATEMENTS = ("[INSUFFICIENT_PERMISSIONS]", "PERMISSION_DENIED")
OnCell = Callable[["Cell"], None]


@dataclass(frozen=True)
class Seen:
    """How an attempt ended: allowed, denied, or failed in another way; with the message."""

    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Cell:
    """A role, a rule, what the rule says and what was seen."""

    role: Role
    rule: Rule
    expected: Expected
    seen: Seen

    @property
    def is_right(self) -> bool:
        """Whether both agree, and a denial names what is missing."""
        if self.expected.allowed or self.seen.outcome != DENIED:
            return self.expected.allowed == (self.seen.outcome == ALLOWED) and self.seen.outcome != FAILED
        named = [one for need in self.expected.missing for one in list_lacking(self.role, need)]
        return any(re.search(told(need), self.seen.message) for need in named)


def list_cells(roles: Iterable[Role] = ROLES, rules: Sequence[Rule] = RULES) -> list[tuple[Role, Rule]]:
    """Return all cells, a role at a time."""
    return [(role, rule) for role in roles for rule in rules]


def sample_cells(count: int, seed: int) -> list[tuple[Role, Rule]]:
    """Return that many cells by chance, and among them all that one role's run tries; the same for the same seed."""
    chance, cells = random.Random(seed), list_cells()
    runner = chance.choice(ROLES)
    in_run = [(role, rule) for role, rule in cells if rule.way in WAYS and role == runner]
    others = [(role, rule) for role, rule in cells if rule.way not in WAYS]
    return [*chance.sample(others, max(min(count, len(others)) - len(in_run), 0)), *in_run]


def try_cells(stage: Stage, cells: Sequence[tuple[Role, Rule]], on_cell: OnCell) -> list[Cell]:
    """Try them, several roles at a time; return them in the order given."""
    by_role: dict[Role, list[Rule]] = {}
    for role, rule in cells:
        by_role.setdefault(role, []).append(rule)
    with ThreadPoolExecutor(_THREADS, "matrix") as threads:
        tried = [threads.submit(_try_role, stage, role, rules, on_cell) for role, rules in by_role.items()]
        found = {(cell.role.name, cell.rule.name): cell for future in tried for cell in future.result()}
    return [found[role.name, rule.name] for role, rule in cells]


def _try_role(stage: Stage, role: Role, rules: Sequence[Rule], on_cell: OnCell) -> list[Cell]:
    in_run = [rule for rule in rules if rule.way in WAYS]
    cells = []
    for rule in rules:
        if rule not in in_run:
            cells.append(Cell(role, rule, expect(role, rule), _try(stage, role, rule)))
            on_cell(cells[-1])
    if in_run:
        ended = run_pieces(stage, role, in_run)
        for rule in in_run:
            cells.append(Cell(role, rule, expect(role, rule), read_ended(ended[rule.name])))
            on_cell(cells[-1])
    return cells


def _try(stage: Stage, role: Role, rule: Rule) -> Seen:
    from databricks.sdk.errors import PermissionDenied

    try:
        VERBS[rule.way, rule.verb](Attempt(stage, role, rule))
    except PermissionDenied as error:
        return Seen(DENIED, str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was seen
        message = f"{type(error).__name__}: {error}"
        return Seen(DENIED if _is_denial(str(error)) else FAILED, message)
    return Seen(ALLOWED)


def read_ended(text: str) -> Seen:
    """Return how a piece of a run ended."""
    if text in ("True", "None"):
        return Seen(ALLOWED)
    return Seen(DENIED if text.startswith("PermissionError: ") or _is_denial(text) else FAILED, text)


def _is_denial(message: str) -> bool:
    return any(mark in message for mark in _OF_STATEMENTS)


def told(need: Need) -> str:
    """Return the pattern of the message that says that the need is not met."""
    kind = need.target.removeprefix("spare ")
    if kind in KINDS:
        return KINDS[kind].told.format(level=need.privilege)
    if kind == "job":
        return f"does not have {_OF_JOBS[need.privilege]}"
    if kind == "warehouse":
        return rf"does not have {need.privilege} on SQL Warehouse"
    if (need.privilege, need.target) == ("ADMIN", "workspace"):
        return r"is not an admin of this workspace|does not have (CAN_READ|CAN_MANAGE) on Workspace object"
    if need.privilege == "MEMBER":
        return r"does not have permission to use tokens|does not have (CAN_READ|CAN_MANAGE) on Workspace object"
    label = SECURABLES.get(kind, kind).replace("_", " ").title()
    if kind == "model":
        label = "Routine or Model"
    privilege = "MANAGE" if need.privilege == "OWN" else need.privilege
    return rf"does not have {privilege} on {label}"
