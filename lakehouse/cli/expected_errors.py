"""Errors that tell the user what to do: printed as they are, without a trace, with exit code 1.

They are listed by name, so that telling them apart imports nothing.
"""

from __future__ import annotations

import sys
from typing import Any

from typer.core import TyperGroup

EXPECTED = frozenset(
    {
        "botocore.exceptions.ClientError",
        "botocore.exceptions.EndpointConnectionError",
        "databricks.sdk.errors.base.DatabricksError",
        "data_assets.arrival.queue.QueueMissing",
        "data_assets.tables.rules.InvalidTables",
        "demo.failures.DemoFailed",
        "lakehouse.cli.estate_import.FileIsNotOurs",
        "lakehouse.cli.local_access.NoSuchPrincipal",
        "lakehouse.cli.local_access.WorkspaceIsDown",
        "lakehouse.targets.InvalidTarget",
        "lakehouse.targets.UnknownTarget",
        "lakehouse.workspace.WorkspaceUnreachable",
        "local_workspace.lifecycle.control.WorkspaceFailed",
        "local_workspace.lifecycle.control.WorkspaceIsUp",
        "local_workspace.lifecycle.files.InvalidName",
        "local_workspace.lifecycle.logs.NoSuchLog",
        "platform_assets.estate.UnknownResource",
        "platform_assets.reconcile.declared.InvalidEstate",
        "platform_assets.reconcile.importing.NotReadable",
        "platform_assets.reconcile.rendering.FormatterMissing",
        "platform_assets.reconcile.saved.InvalidPlanFile",
        "platform_assets.reconcile.plan.NotPrunable",
        "platform_assets.reconcile.saved.PlanOutdated",
        "platform_assets.recovery.snapshot.InvalidSnapshot",
        "platform_assets.recovery.store.NoRecoveryBucket",
        "platform_assets.recovery.taking.EstateNotReadable",
        "platform_assets.resource_types.model.InvalidDeclaration",
    }
)


class ExplainingGroup(TyperGroup):
    """A group of commands that ends with the message of an expected error; others keep their trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if not is_expected(error):
                raise
            print(f"lakehouse: {error}", file=sys.stderr)
            ctx.exit(1)


def is_expected(error: Exception) -> bool:
    """Say whether the error's message is all that a user needs."""
    return any(f"{kind.__module__}.{kind.__qualname__}" in EXPECTED for kind in type(error).__mro__)
