"""`lakehouse plan` and `lakehouse apply` on a real workspace: text, JSON, exit codes."""

from __future__ import annotations

import json

from typer.testing import CliRunner, Result

from lakehouse.cli import app
from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.volume import Volume


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_an_estate_as_declared(estate: Target) -> None:
    assert run("plan", "--detailed-exitcode").exit_code == 0
    planned = run("plan", "--json")
    document = json.loads(planned.stdout)
    assert document["is_empty"] is True
    assert {step["key"] for step in document["steps"]} == {resource.key for resource in RESOURCES}
    applied = run("apply")
    assert applied.exit_code == 0
    assert f"Nothing to do: all {len(RESOURCES)} resources are as declared" in applied.stdout


def test_a_change_is_planned_shown_and_applied(estate: Target) -> None:
    Clients(estate).workspace.schemas.update("flights.gold", comment="mine")
    planned = run("plan", "--detailed-exitcode")
    assert planned.exit_code == 2
    assert "~ schema/flights/gold\n      comment: mine -> Answers\n1 to update, 30 as declared" in planned.stdout
    assert run("plan").exit_code == 0
    assert "comment: mine -> Answers" in run("apply", "--dry-run").stdout
    applied = run("apply", "--json", "--select", "schema/flights")
    assert applied.exit_code == 0
    statuses = {one["key"]: one["status"] for one in json.loads(applied.stdout)["results"]}
    assert statuses.pop("schema/flights/gold") == "updated"
    assert len(statuses) == 3
    assert set(statuses.values()) == {"unchanged"}


def test_what_is_not_declared_is_shown_then_pruned(estate: Target) -> None:
    more = (*RESOURCES, Schema("flights.old"), Volume("flights.old.box"))
    assert apply_estate(estate, resources=more).failures == ()
    shown = run("plan")
    assert shown.exit_code == 0
    assert "? volume/flights/old/box (ours, no longer declared: --prune deletes it)" in shown.stdout
    spared = run("apply", "--prune")
    assert spared.exit_code == 1
    assert "--allow-data-loss schema/flights/old" in spared.stdout
    named = ("--allow-data-loss", "schema/flights/old", "--allow-data-loss", "volume/flights/old/box")
    assert run("apply", "--prune", *named).exit_code == 0
    assert "?" not in run("plan").stdout


def test_bad_input_is_explained(estate: Target) -> None:
    unknown = run("plan", "--select", "schema/flight")
    assert unknown.exit_code == 1
    assert "Nothing declared is called 'schema/flight'" in unknown.stderr
    assert run("plan", "--prune", "--select", "schema").exit_code == 2
    assert run("apply", "--allow-data-loss", "schema/flights/old").exit_code == 2
