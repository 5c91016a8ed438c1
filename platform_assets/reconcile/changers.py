"""Names who made a drift and when, from the audit log: one question for a whole plan, none where nothing differs.

It is beside the point of a plan. So what keeps it from an answer becomes a remark, and never a failure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lakehouse.warehouses import NoSuchWarehouse
from platform_assets.permissions import ADMIN, PERMISSIONS
from platform_assets.reconcile.audit_trail import ACTIONS, TABLE, Trace, build_query, find_changer
from platform_assets.reconcile.plan import Action, Plan, Step
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.sql_statements import StatementFailed, query_rows

_PATIENCE_S = 60.0  # a stopped warehouse takes a while to start
_LONGEST_REMARK = 240


class _NotReadable(Exception):
    """The deployer may not read the audit log."""


def name_changers(clients: Clients, plan: Plan) -> Plan:
    """Return the plan with who changed what is not as declared, as far as the audit log tells."""
    from databricks.sdk.errors.base import DatabricksError

    drifted = list(_find_drifted(plan))
    if not drifted:
        return plan
    try:
        _require_readable(clients)  # who may not read it learns so without a warehouse
        traces = dict(_trace(clients, drifted))
        rows = query_rows(clients, build_query(traces.values()), _PATIENCE_S) if traces else []
    except _NotReadable as error:
        return replace(plan, remark=str(error))
    except (DatabricksError, NoSuchWarehouse, StatementFailed, TimeoutError) as error:
        return replace(plan, remark=_say_unknown(error))
    found = {key: find_changer(trace, rows) for key, trace in traces.items()}
    return replace(plan, steps=tuple(replace(step, changed_by=found.get(step.key)) for step in plan.steps))


def _require_readable(clients: Clients) -> None:
    """Refuse where the deployer may not read the log, with the statement that a metastore admin must run."""
    from databricks.sdk.errors import PermissionDenied

    try:
        clients.workspace.tables.get(TABLE)
    except PermissionDenied as error:
        schema, deployer = TABLE.rpartition(".")[0], clients.target.principals["deployer"]
        grant = f"GRANT USE SCHEMA, SELECT ON SCHEMA {schema} TO `{deployer}`"
        raise _NotReadable(f"{_say_unknown(error)}. Let a metastore admin run: {grant}") from error


def _say_unknown(error: Exception) -> str:
    return f"who changed it is not known: {_shorten(error)}"


def _shorten(error: Exception) -> str:
    said = str(error).partition(". Config: ")[0]  # which the SDK puts behind some messages
    return " ".join(said.split())[:_LONGEST_REMARK]


def _find_drifted(plan: Plan) -> Iterator[Step]:
    """Yield what differs and has a trace in the log; where nothing is there at all, nobody took anything away."""
    if any(step.found is not None for step in plan.steps):
        for step in plan.steps:
            if step.resource.type_name in ACTIONS and step.changes and step.action is not Action.NONE:
                yield step


def _trace(clients: Clients, drifted: list[Step]) -> Iterator[tuple[str, Trace]]:
    admin = ""
    for step in drifted:
        resource, own = step.resource, clients.target.principals["deployer"]
        if PERMISSIONS[resource.type_name].owner == ADMIN:
            own = admin = admin or str(clients.identity.current_user.me().user_name)
        if names := resource.audited_names(clients):
            yield step.key, Trace(ACTIONS[resource.type_name], names, own)
