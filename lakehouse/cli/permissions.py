"""`lakehouse permissions`: what planning and applying the estate takes, for those who grant it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Policy = Annotated[bool, typer.Option("--policy", help="Print the IAM policy of the target's deployer instead.")]


def add_commands(parent: typer.Typer) -> None:
    """Add the command to the application."""
    parent.command("permissions")(permissions)


def permissions(as_json: AsJson = False, policy: Policy = False) -> None:
    """Show the least-privilege matrix: by type of resource who owns it, and what it takes in AWS and in Databricks."""
    from lakehouse.targets import current_target
    from platform_assets.permissions import deployer_policy, describe_matrix

    if policy:
        typer.echo(json.dumps(deployer_policy(current_target()), indent=2))
        return
    rows = list(describe_matrix())
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        typer.secho(f"{row['type']}  ({row['owner']})", bold=True)
        for title, words in (("aws, to plan", row["aws"]["plan"]), ("aws, to apply", row["aws"]["apply"])):
            _tell(title, words)
        _tell("aws, beside it", row["aws"]["implied"])
        _tell("databricks", row["databricks"])
        _tell("note", [row["note"]] if row["note"] else [])


def _tell(title: str, words: list[str] | tuple[str, ...]) -> None:
    if words:
        typer.echo(f"  {title:<15} {', '.join(words)}")
