"""What AWS told, a refusal too, holds until a rule changes; where nobody counts changes, it is asked each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_workspace.engines.moto_rules import RuleChanges
from local_workspace.services.unity_catalog.aws_rules import AwsRules


class CountingAws:
    """Stands for the workspace and its clients: knows role `r`, not `none`, and has no answer about `broken`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.asked: list[str] = []

    def aws(self, _service: str) -> CountingAws:
        return self

    def get_role(self, RoleName: str) -> dict[str, Any]:
        self.asked.append(RoleName)
        if RoleName == "r":
            return {"Role": len(self.asked)}
        status = 404 if RoleName == "none" else 500
        answer: Any = {"Error": {"Code": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "GetRole")


@pytest.fixture
def aws(tmp_path: Path) -> CountingAws:
    (tmp_path / "buckets").mkdir()
    return CountingAws(tmp_path)


def ask(rules: AwsRules, role: str) -> Any:
    try:
        return rules.ask("iam", "get_role", RoleName=role)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_an_answer_holds_until_a_rule_changes(aws: CountingAws) -> None:
    changes, rules = RuleChanges(aws.home / "buckets"), AwsRules(aws)  # type: ignore[arg-type]
    changes.note()
    first = [ask(rules, role) for role in ("r", "none", "r", "none")]
    changes.note()
    assert first == [{"Role": 1}, 404, {"Role": 1}, 404]
    assert ask(rules, "r") == {"Role": 3}
    assert aws.asked == ["r", "none", "r"]


def test_no_answer_is_not_kept(aws: CountingAws) -> None:
    changes, rules = RuleChanges(aws.home / "buckets"), AwsRules(aws)  # type: ignore[arg-type]
    changes.note()
    assert [ask(rules, "broken"), ask(rules, "broken")] == [500, 500]
    assert aws.asked == ["broken", "broken"]


def test_where_nobody_counts_it_is_asked_each_time(aws: CountingAws) -> None:
    rules = AwsRules(aws)  # type: ignore[arg-type]
    assert [ask(rules, "r"), ask(rules, "r")] == [{"Role": 1}, {"Role": 2}]
