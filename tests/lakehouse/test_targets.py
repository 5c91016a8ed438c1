"""Targets: physical names, validation, what the environment chooses."""

from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.targets import (
    NAMES,
    REMOTE,
    InvalidTarget,
    UnknownTarget,
    current_target,
    local_target,
    read_settings,
    require_configured,
)

LOCAL = local_target(Path("/state"))


def test_names_on_a_target() -> None:
    assert LOCAL.bucket("landing") == "lakehouse-local-landing"
    assert LOCAL.account_wide("lake") == "lakehouse_local_lake"
    assert LOCAL.iam_role_arn("storage") == "arn:aws:iam::123456789012:role/lakehouse-local-storage"
    assert REMOTE["dev"].catalog("flights") == "dev_flights"
    assert LOCAL.profile("pipeline") == "local-pipeline"


def test_no_two_targets_share_a_physical_name() -> None:
    targets = [LOCAL, *REMOTE.values()]
    for name in ("bucket", "queue", "iam_role", "account_wide", "profile"):
        assert len({getattr(target, name)("pipeline") for target in targets}) == len(targets)
    in_one_metastore = [target.catalog("flights") for target in REMOTE.values()]
    assert len(set(in_one_metastore)) == len(in_one_metastore)


@pytest.mark.parametrize(
    ("field", "value"),
    [("aws_account", "12"), ("bucket_prefix", "Lake_House"), ("catalog_prefix", "dev"), ("region", "Frankfurt")],
)
def test_wrong_data_is_refused_with_target_and_field(field: str, value: str) -> None:
    with pytest.raises(InvalidTarget, match=f"Target local: {field} must be"):
        replace(LOCAL, **{field: value})  # type: ignore[arg-type]


def test_missing_principals_are_named() -> None:
    with pytest.raises(InvalidTarget, match="principals lacks analysts, deployer"):
        replace(LOCAL, principals={"pipeline": "x"})


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidTarget, match="No role 'boss'; there are admin, deployer"):
        LOCAL.profile("boss")


def test_an_unknown_target_is_refused_with_the_known_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_TARGET", "production")
    with pytest.raises(UnknownTarget, match=", ".join(NAMES)):
        current_target()


@pytest.mark.parametrize("name", sorted(REMOTE))
def test_an_example_target_is_not_used_by_accident(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_TARGET", name)
    with pytest.raises(InvalidTarget, match="not configured"):
        current_target()
    assert require_configured(replace(REMOTE[name], aws_account="111122223333")).name == name


def test_the_environment_chooses_home_and_workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LAKEHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("LAKEHOUSE_WORKSPACE", "second")
    settings = read_settings()
    assert settings.target.profiles_home == tmp_path / "local" / "second"
    assert settings.dagster_home == tmp_path / "dagster"
