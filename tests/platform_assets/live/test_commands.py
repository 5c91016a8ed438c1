"""`lakehouse plan` and `lakehouse apply` on a real workspace: text, JSON, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from databricks.sdk.service.catalog import PermissionsChange, Privilege
from typer.testing import CliRunner, Result

from lakehouse.cli import app
from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.resource_types.model import Clients
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.volume import Volume


def run(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=answer)


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
    rest = f"1 to update, {len(RESOURCES) - 1} as declared"
    assert f"~ schema/flights/gold\n      comment: mine -> Answers\n{rest}" in planned.stdout
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


def test_a_person_is_asked_before_something_is_revoked(estate: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakehouse.cli.estate._is_person_there", lambda: True)
    clients = Clients(estate)
    change = PermissionsChange(principal="analysts", add=[Privilege.MODIFY])
    clients.workspace.grants.update("schema", "flights.gold", changes=[change])
    asked = run("apply", answer="n")
    assert asked.exit_code == 1
    assert "revoke MODIFY from analysts" in asked.stdout
    assert "deleted or revoked" in asked.stderr
    assert not plan_estate(estate).is_empty
    assert run("apply", answer="y").exit_code == 0
    assert plan_estate(estate).is_empty
    clients.workspace.grants.update("schema", "flights.gold", changes=[change])
    assert "deleted or revoked" not in run("apply", "--yes").stderr
    assert plan_estate(estate).is_empty


def test_bad_input_is_explained(estate: Target) -> None:
    unknown = run("plan", "--select", "schema/flight")
    assert unknown.exit_code == 1
    assert "Nothing declared is called 'schema/flight'" in unknown.stderr
    assert run("plan", "--prune", "--select", "schema").exit_code == 2
    assert run("apply", "--allow-data-loss", "schema/flights/old").exit_code == 2


def test_a_saved_plan_is_applied_as_shown_or_refused(estate: Target, tmp_path: Path) -> None:
    schemas, file = Clients(estate).workspace.schemas, str(tmp_path / "plan.json")
    schemas.update("flights.gold", comment="mine")
    assert run("plan", "--out", file, "--select", "schema/flights").exit_code == 0
    assert run("apply", file, "--select", "schema").exit_code == 2
    schemas.update("flights.gold", comment="yours")
    schemas.update("flights.silver", comment="theirs")
    refused = run("apply", file)
    assert refused.exit_code == 1
    assert "nothing was done" in refused.stderr
    assert "  schema/flights/gold: comment: mine -> yours\n" in refused.stderr
    assert "  schema/flights/silver: comment: Typed, cleaned, one row per fact -> theirs" in refused.stderr
    assert schemas.get("flights.gold").comment == "yours"
    assert run("plan", "--out", file).exit_code == 0
    applied = run("apply", file, "--json")
    assert applied.exit_code == 0
    statuses = {one["key"]: one["status"] for one in json.loads(applied.stdout)["results"]}
    assert {key for key, status in statuses.items() if status == "updated"} == {
        "schema/flights/gold",
        "schema/flights/silver",
    }
    assert run("apply", file).exit_code == 0, "what the plan did is no difference to the plan"
    assert run("plan", "--detailed-exitcode").exit_code == 0


def test_a_saved_plan_holds_no_secret(estate: Target, tmp_path: Path) -> None:
    assert run("plan", "--out", str(tmp_path / "plan.json")).exit_code == 0
    text, home = (tmp_path / "plan.json").read_text(), estate.profiles_home
    assert home is not None
    profiles = (home / "databrickscfg").read_text() + (home / "aws" / "credentials").read_text()
    secrets = re.findall(r"(?:token|aws_secret_access_key|aws_access_key_id)\s*=\s*(\S+)", profiles)
    assert len(secrets) >= 15
    assert [secret for secret in secrets if secret in text] == []


def test_what_is_there_is_imported(estate: Target, tmp_path: Path) -> None:
    shown = run("import")
    assert shown.exit_code == 0, shown.stderr
    assert 'LANDING_S3_BUCKET = S3Bucket("landing", events_to=LANDING_EVENTS_SQS_QUEUE.name)' in shown.stdout
    assert "0 that cannot be; not looked at: workspace_assignment, token_policy, " in shown.stderr
    document = json.loads(run("import", "--json").stdout)
    assert set(document["resources"]) == {one.key for one in RESOURCES if one.references is not None}
    assert document["refused"] == {}
    path = tmp_path / "estate.py"
    assert run("import", "--out", str(path)).stdout == ""
    assert path.read_text() == shown.stdout == document["python"]
    path.write_text("mine")
    refused = run("import", "--out", str(path))
    assert (refused.exit_code, path.read_text()) == (1, "mine")


def test_an_import_says_what_it_cannot_declare(estate: Target) -> None:
    api = Clients(estate).workspace.external_locations
    api.update(estate.account_wide("artifacts"), read_only=True)
    try:
        shown = run("import")
        assert shown.exit_code == 1
        assert "! external_location/artifacts: read_only is true" in shown.stderr
        assert 'ExternalLocation("artifacts"' not in shown.stdout
    finally:
        api.update(estate.account_wide("artifacts"), read_only=False)
