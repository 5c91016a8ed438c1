"""The least-privilege matrix as data: a row for each type, no wildcard, in the documents, in the deployer's policy."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lakehouse.cli import app
from lakehouse.targets import current_target
from platform_assets.permissions import PERMISSIONS, deployer_policy, describe_matrix
from platform_assets.resource_types.policy_rules import find_violations
from platform_assets.resource_types.registry import TYPES

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "permissions.md"


def as_markdown() -> str:
    """Return the table of the documents."""
    lines = [
        "| type | owner | AWS, to plan | AWS, to apply | AWS, beside it | Databricks | note |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in describe_matrix():
        aws = [" ".join(f"`{one}`" for one in row["aws"][name]) for name in ("plan", "apply", "implied")]
        cells = [f"`{row['type']}`", row["owner"], *aws, "; ".join(row["databricks"]), row["note"]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def test_each_type_has_a_row() -> None:
    assert PERMISSIONS.keys() == {one.type_name for one in TYPES}


def test_each_row_says_who_and_what_it_takes() -> None:
    for row in describe_matrix():
        assert row["purpose"], row
        assert row["owner"] == "workspace admin" or row["aws"]["apply"] or row["databricks"], row


def test_the_documents_show_it() -> None:
    assert as_markdown() in DOCUMENT.read_text(), f"{DOCUMENT.name} needs this table:\n{as_markdown()}"


def test_the_policy_allows_each_permission_and_no_other() -> None:
    allowed = {action for one in deployer_policy(current_target())["Statement"] for action in one["Action"]}
    assert allowed == {action for row in PERMISSIONS.values() for action in row.aws}


def test_the_policy_is_as_narrow_as_aws_lets_it_be() -> None:
    policy = deployer_policy(current_target())
    for problem in find_violations(policy):
        # no other policy may make roles, and list or make what has no name yet
        known = (
            r"(Lists|Roles) allows iam:\w+|(Lists|NewKeys) allows it on \*|Buckets allows it on .*-\*"
            r"|Keys allows it on every key.*"
        )
        assert re.fullmatch(known, problem), problem
    for one in policy["Statement"]:
        wide = one["Resource"] == ["*"]
        assert not wide or one["Sid"] in ("Lists", "NewKeys"), one
        assert one["Sid"] not in ("Keys", "NewKeys", "KeyUse") or one["Condition"], one


@pytest.mark.parametrize("option", ["--policy", "--json"])
def test_machines_read_it(option: str) -> None:
    done = CliRunner().invoke(app, ["permissions", option])
    expected = deployer_policy(current_target()) if option == "--policy" else list(describe_matrix())
    assert json.loads(done.stdout) == json.loads(json.dumps(expected))


def test_people_read_it() -> None:
    told = CliRunner().invoke(app, ["permissions"]).stdout
    assert "sqs_queue  (deployer)" in told
    assert "CREATE CATALOG on the metastore" in told
