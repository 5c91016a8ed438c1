"""The plan for people and for machines; walks the very steps that apply walks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from platform_assets.reconcile.plan import Action, Plan, Step

SIGNS = {
    Action.NONE: " ",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DELETE: "-",
    Action.BLOCKED: "!",
    Action.LATER: ">",
}
UNDECLARED_SIGN = "?"
_COUNTED = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.DELETE: "to delete",
    Action.LATER: "to be read later",
    Action.BLOCKED: "blocked",
}


def explain_plan(plan: Plan) -> str:
    """Return the plan as text: a line per change, a summary at the end."""
    lines = [line for step in plan.steps for line in explain_step(step)]
    lines += [f"{UNDECLARED_SIGN} {key} (ours, no longer declared: --prune deletes it)" for key in plan.undeclared]
    lines += [f"{UNDECLARED_SIGN} {line}" for line in plan.unknown]
    return "\n".join([*lines, summarize_plan(plan), *([f"({plan.remark})"] if plan.remark else [])])


def explain_step(step: Step) -> Iterator[str]:
    """Yield the step's lines; none where there is nothing to do or to tell."""
    if step.action is Action.NONE and not step.notes:
        return
    yield f"{SIGNS[step.action]} {step.key}"
    yield from (f"      {line}" for line in list_lines(step))
    yield from (f"      ({step.name_roles(note)})" for note in step.notes)
    if step.changed_by:
        yield f"      ({step.name_roles(str(step.changed_by))})"


def list_lines(step: Step) -> list[str]:
    """Return what the step changes, a line each, in the words of its type; roles of the target by their names."""
    return [step.name_roles(line) for change in step.changes for line in step.resource.explain_change(*change)]


def summarize_plan(plan: Plan) -> str:
    """Return how many steps of each kind there are."""
    counts = [f"{plan.count(action)} {what}" for action, what in _COUNTED.items() if plan.count(action)]
    todo = counts or ["nothing to do"]
    return ", ".join([*todo, f"{plan.count(Action.NONE)} as declared"])


def describe_plan(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON data."""
    return {
        "is_empty": plan.is_empty,
        "undeclared": list(plan.undeclared),
        "unknown": list(plan.unknown),
        "remark": plan.remark,
        "steps": [
            {
                "key": step.key,
                "action": step.action.value,
                "changes": [change._asdict() for change in step.changes],
                "lines": list_lines(step),
                "notes": list(step.notes),
                "changed_by": step.changed_by._asdict() if step.changed_by else None,
            }
            for step in plan.steps
        ],
    }


def takes_away(step: Step) -> bool:
    """Say whether the step deletes or revokes something."""
    return step.action is Action.DELETE or (
        step.action is Action.UPDATE and any(line.startswith("revoke ") for line in list_lines(step))
    )
