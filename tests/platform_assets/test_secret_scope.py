"""Declarations of secrets: references only, and what is none is refused without being repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.targets import local_target
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.secret_sources import Copy, InvalidSecretReference

TARGET = local_target(Path("/nowhere"))
ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shared/api-key-AbCdEf"


def test_a_name_lies_under_the_estate_and_an_arn_is_taken_as_it_is() -> None:
    scope = SecretScope("flights", {"own": "secretsmanager:api/key", "shared": ARN})
    assert scope.desired(TARGET)["secrets"] == {"own": "lakehouse-local/api/key", "shared": ARN}


def test_who_writes_reads_as_well() -> None:
    scope = SecretScope("flights", readers=("analysts", "group/engineers"), writers=("analysts",))
    wanted = {"analysts": "WRITE", "lakehouse_local_engineers": "READ"}
    assert scope.desired(TARGET)["permissions"] == wanted
    assert scope.dependencies == ("group/engineers",)


@pytest.mark.parametrize(
    "value",
    [
        "hunter2",
        "",
        "secretsmanager:",
        "ssm:x",
        "secretsmanager:a b",
        "secretsmanager:x\n",
        "arn:aws:s3:::bucket",
        ARN.replace("secret:", "key:"),
    ],
)
def test_what_is_no_reference_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(InvalidSecretReference, match="secret_scope/flights, api-key: .*secretsmanager:NAME") as caught:
        SecretScope("flights", {"api-key": value})
    assert not value or value not in str(caught.value).replace("secretsmanager:NAME", "")


@pytest.mark.parametrize("key", ["", "a/b", "a b", "x" * 129, "lakehouse.copy.x"])
def test_a_key_that_cannot_be_one_is_refused(key: str) -> None:
    with pytest.raises(InvalidSecretReference, match="secret_scope/flights: a secret's key"):
        SecretScope("flights", {key: "secretsmanager:x"})


def test_a_value_on_its_way_is_not_shown() -> None:
    assert "hunter2" not in repr(Copy("v1", {"string_value": "hunter2"}))
