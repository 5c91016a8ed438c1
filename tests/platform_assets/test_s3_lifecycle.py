"""Lifecycle rules: what S3 would refuse is refused as it is declared, and its answers have one form."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from platform_assets.resource_types.model import InvalidDeclaration
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.s3_lifecycle import (
    LifecycleRule,
    describe_lifecycle,
    read_lifecycle,
    rebuild_lifecycle,
    write_lifecycle,
)

ALL = LifecycleRule("all", "logs/", 400, 30, 7, ((30, "STANDARD_IA"), (90, "GLACIER"), (365, "DEEP_ARCHIVE")))
DAYS = "a whole number of days, at least"


class OneAnswer:
    """S3 as it answers with these rules; keeps what it is given."""

    def __init__(self, *rules: dict[str, Any]) -> None:
        self.rules = list(rules)

    def get_bucket_lifecycle_configuration(self, **_: Any) -> dict[str, Any]:
        return {"Rules": self.rules}

    def put_bucket_lifecycle_configuration(self, LifecycleConfiguration: dict[str, Any], **_: Any) -> None:
        self.rules = LifecycleConfiguration["Rules"]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([LifecycleRule("", expire_days=1)], "'': a name has 1 to 255 characters"),
        ([LifecycleRule("x" * 256, expire_days=1)], "a name has 1 to 255 characters"),
        ([LifecycleRule("x", expire_days=1), LifecycleRule("x", expire_days=2)], "'x' is declared twice"),
        ([LifecycleRule("x", "logs/")], "it does nothing: declare expire_days, "),
        ([LifecycleRule("x", expire_days=0)], f"expire_days must be {DAYS} 1, not 0"),
        ([LifecycleRule("x", expire_days=True)], f"expire_days must be {DAYS} 1, not True"),
        ([LifecycleRule("x", expire_noncurrent_days=-1)], f"expire_noncurrent_days must be {DAYS} 1, not -1"),
        ([LifecycleRule("x", abort_multipart_days=1.5)], f"abort_multipart_days must be {DAYS} 1, not 1.5"),  # type: ignore[arg-type]
        ([LifecycleRule("x", transitions=((9, "COLD"),))], "a storage class is one of STANDARD_IA, "),
        ([LifecycleRule("x", transitions=((29, "ONEZONE_IA"),))], f"move to ONEZONE_IA after {DAYS} 30, not 29"),
        ([LifecycleRule("x", transitions=((-1, "GLACIER"),))], f"move to GLACIER after {DAYS} 0, not -1"),
        (
            [LifecycleRule("x", transitions=((90, "GLACIER"), (60, "DEEP_ARCHIVE")))],
            "objects cannot move to GLACIER after 90 days and on to DEEP_ARCHIVE after 60",
        ),
        (
            [LifecycleRule("x", transitions=((30, "GLACIER"), (60, "STANDARD_IA")))],
            "objects cannot move to GLACIER after 30 days and on to STANDARD_IA after 60",
        ),
        (
            [LifecycleRule("x", expire_days=30, transitions=((30, "STANDARD_IA"),))],
            "expire_days must be more than the 30 days of its last transition, not 30",
        ),
        ([LifecycleRule(f"x{number}", expire_days=1) for number in range(1001)], "at most 1000 lifecycle rules"),
    ],
)
def test_what_s3_would_refuse_is_no_declaration(rules: list[LifecycleRule], said: str) -> None:
    with pytest.raises(InvalidDeclaration, match=f"^s3_bucket/lake: .*{re.escape(said)}"):
        S3Bucket("lake", lifecycle=tuple(rules))


def test_what_is_declared_is_written_read_and_rebuilt() -> None:
    rules = (ALL, LifecycleRule("deleted", expire_noncurrent_days=30))
    s3, state = OneAnswer(), describe_lifecycle(rules)
    write_lifecycle(s3, "lake", state)
    assert [one["Filter"] for one in s3.rules] == [{"Prefix": "logs/"}, {"Prefix": ""}]
    assert read_lifecycle(s3, "lake") == state
    assert rebuild_lifecycle(state) == rules


@pytest.mark.parametrize("where", [{"Filter": {"Prefix": ""}}, {"Filter": {}}, {"Prefix": ""}, {}])
def test_a_rule_for_all_objects_is_one_whichever_way_s3_says_it(where: dict[str, Any]) -> None:
    rule = {"ID": "x", "Status": "Enabled", "Expiration": {"Days": 3}, **where}
    assert read_lifecycle(OneAnswer(rule), "lake") == describe_lifecycle([LifecycleRule("x", expire_days=3)])


def test_what_no_declaration_says_is_kept_as_it_is() -> None:
    tags = {"And": {"Prefix": "x/", "Tags": [{"Key": "a", "Value": "b"}]}}
    end = datetime(2030, 1, 1, tzinfo=UTC)
    rule = {"ID": "x", "Status": "Disabled", "Filter": tags, "Expiration": {"Date": end}}
    s3 = OneAnswer(rule)
    state = read_lifecycle(s3, "lake")
    assert state["x"]["Filter"] == tags
    assert describe_lifecycle(rebuild_lifecycle(state)) != state
    write_lifecycle(s3, "lake", state)
    assert s3.rules[0] == {**rule, "Expiration": {"Date": str(end)}}
