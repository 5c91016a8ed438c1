"""The plan for people and for machines; walks the very steps that apply walks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from platform_assets.reconcile.plan import Action, Plan, Step

_SIGNS = {Action.NONE: " ", Action.CREATE: "+", Action.UPDATE: "~", Action.BLOCKED: "!"}
_LONGEST = 160


def explain_plan(plan: Plan) -> str:
    """Return the plan as text: a line per change, a summary at the end."""
    lines = [line for step in plan.steps if step.action is not Action.NONE or step.notes for line in _explain(step)]
    counts = ", ".join(f"{plan.count(action)} to {action.value}" for action in (Action.CREATE, Action.UPDATE))
    blocked = f", {plan.count(Action.BLOCKED)} blocked" if plan.count(Action.BLOCKED) else ""
    unchanged = f"{plan.count(Action.NONE)} as declared"
    return "\n".join([*lines, f"{counts}{blocked}, {unchanged}"])


def describe_plan(plan: Plan) -> dict[str, Any]:
    """Return the plan as JSON data."""
    return {
        "is_empty": plan.is_empty,
        "steps": [
            {
                "key": step.key,
                "action": step.action.value,
                "changes": [change._asdict() for change in step.changes],
                "notes": list(step.notes),
            }
            for step in plan.steps
        ],
    }


def _explain(step: Step) -> Iterator[str]:
    yield f"{_SIGNS[step.action]} {step.key}"
    for change in step.changes:
        before = "" if change.before is None else f"{_shorten(change.before)} -> "
        yield f"      {change.field}: {before}{_shorten(change.after)}"
    for note in step.notes:
        yield f"      ({note})"


def _shorten(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
