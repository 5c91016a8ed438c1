"""A step of a plan as Dagster shows it: a table of the fields that are not as declared, and the plan's own text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dagster as dg

from platform_assets.reconcile.explain import explain_step
from platform_assets.reconcile.plan import Action, Step
from platform_assets.resource_types.value_diff import find_leaves, shorten_value

_COLUMNS = ("resource", "field", "found", "declared")
_SCHEMA = dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in _COLUMNS])


def show_step(step: Step) -> dict[str, Any]:
    """Return the metadata: the drift as a table, the plan as text; who changed it by hand, and when, if it is known.

    What is empty is left out: Dagster stores the metadata of each resource, a thousand of which are as declared.
    """
    shown: dict[str, Any] = {"planned_action": step.action.value, **_show_changer(step)}
    if text := "\n".join(explain_step(step)):
        shown["plan"] = dg.MetadataValue.md(f"```\n{text}\n```")
    if records := [dg.TableRecord(row) for row in tabulate_drift(step)]:
        shown["drift"] = dg.MetadataValue.table(records, _SCHEMA)
    return shown


def _show_changer(step: Step) -> dict[str, Any]:
    changer = step.changed_by
    if changer is None:
        return {}
    moment = dg.MetadataValue.timestamp(datetime.fromisoformat(changer.time))
    return {"changed_by": step.name_roles(changer.principal), "changed_at": moment, "changed_how": changer.action}


def tabulate_drift(step: Step) -> list[dict[str, str]]:
    """Return a row per field, or leaf of a field, that is not as declared."""
    leaves = (leaf for change in step.changes for leaf in find_leaves(*change))
    rows = ((step.key, path, shorten_value(found), shorten_value(declared)) for path, found, declared in leaves)
    return [dict(zip(_COLUMNS, map(step.name_roles, row), strict=True)) for row in rows]


def describe_drift(step: Step) -> list[str]:
    """Return a sentence per row; for what cannot be read or is not there, the reason; then who changed it."""
    changer = [step.name_roles(f"{step.key} {step.changed_by}")] if step.changed_by else []
    if step.action is Action.CREATE:
        return [f"{step.key} is declared and not there", *changer]
    rows = [f"{row['resource']} {row['field']}: {row['found']} -> {row['declared']}" for row in tabulate_drift(step)]
    return rows + [f"{step.key} {note}" for note in step.notes if step.action is not Action.NONE] + changer
