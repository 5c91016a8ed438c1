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
    in_their_metastore = [(target.region, target.catalog("flights")) for target in REMOTE.values()]
    assert len(set(in_their_metastore)) == len(in_their_metastore)


def test_a_recovery_target_is_elsewhere_and_names_whom_it_recovers() -> None:
    pairs = [(local_target(Path("/state"), "mine-dr"), local_target(Path("/state"), "mine"))]
    pairs += [(target, REMOTE[target.recovers]) for target in REMOTE.values() if target.recovers]
    assert [(target.name, primary.name) for target, primary in pairs] == [("local-dr", "local"), ("dr", "prod")]
    for target, primary in pairs:
        assert (target.recovers, primary.recovers) == (primary.name, None)
        assert target.region != primary.region
        assert target.bucket("lake") != primary.bucket("lake")
        assert target.catalog("flights") == primary.catalog("flights"), "queries go on under the same names"
    assert pairs[0][0].profile("deployer") == "local-deployer", "each local workspace writes the same profiles"


def test_no_target_recovers_itself() -> None:
    with pytest.raises(InvalidTarget, match="recovers must name another target"):
        replace(LOCAL, recovers="local")


@pytest.mark.parametrize("workspace", ["second", "second-dr"])
@pytest.mark.parametrize("name", ["dr", "local-dr"])
def test_dr_is_what_recovers_the_chosen_target(workspace: str, name: str) -> None:
    settings = replace(read_settings(), home=Path("/state"), workspace=workspace, target_name="local")
    found = settings.find_target(name)
    assert (found.name, found.profiles_home) == ("local-dr", Path("/state/local/second-dr"))
    recovered = settings.find_recovered(found)
    assert (recovered.name, recovered.profiles_home) == ("local", Path("/state/local/second"))
    with pytest.raises(InvalidTarget, match="recovers nothing"):
        settings.find_recovered(recovered)
    with pytest.raises(InvalidTarget, match="Target dr is not configured"):
        replace(settings, target_name="prod").find_target("dr")


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
