"""Reading the world when nobody is there: one clear error, at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lakehouse.targets import local_target
from lakehouse.workspace import WorkspaceUnreachable
from local_workspace.engines.processes import free_port
from platform_assets.estate import UnknownResource, plan_estate, select_resources
from platform_assets.reconcile.reading import require_open_door
from platform_assets.resource_types.model import Clients


def write_profiles(directory: Path, host: str) -> None:
    (directory / "aws").mkdir(parents=True)
    (directory / "databrickscfg").write_text(f"[local-deployer]\nhost = {host}\ntoken = none\n")
    (directory / "aws" / "credentials").write_text(
        "[local-deployer]\naws_access_key_id = a\naws_secret_access_key = b\n"
    )
    (directory / "aws" / "config").write_text("[profile local-deployer]\nregion = eu-central-1\n")


def test_nobody_listens(tmp_path: Path) -> None:
    host = f"http://127.0.0.1:{free_port()}"
    write_profiles(tmp_path / "local" / "default", host)
    started = time.monotonic()
    with pytest.raises(WorkspaceUnreachable, match=f"nobody listens at {host}.*lakehouse local up"):
        plan_estate(local_target(tmp_path))
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:9"])
def test_a_host_without_an_address_is_named_in_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """Behind a proxy, the name is the proxy's to find."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", proxy)
    write_profiles(tmp_path / "local" / "default", "https://nowhere.invalid")
    clients, started = Clients(local_target(tmp_path)), time.monotonic()
    if proxy:
        require_open_door(clients)
    else:
        with pytest.raises(WorkspaceUnreachable, match="host nowhere.invalid .*; correct `host` of profile local-dep"):
            require_open_door(clients)
    assert time.monotonic() - started < 10


def test_it_was_never_up(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceUnreachable, match="never up"):
        plan_estate(local_target(tmp_path))


def test_a_selection_takes_keys_and_what_is_under_them() -> None:
    keys = {resource.key for resource in select_resources(["schema/flights", "kms_key/lake"])}
    layers = {f"schema/flights/{layer}" for layer in ("bronze", "silver", "gold", "ops")}
    assert keys == {"kms_key/lake", *layers}
    assert [one.key for one in select_resources(["grants/volume/flights/ops/"])] == [
        f"grants/volume/flights/ops/{name}" for name in ("artifacts", "pipes", "checkpoints")
    ]


def test_a_plus_selects_what_is_needed_as_well() -> None:
    keys = {resource.key for resource in select_resources(["+volume/flights/bronze/landing"])}
    assert {"kms_key/lake", "iam_role/storage", "external_location/landing", "schema/flights/bronze"} <= keys
    assert not any(key.startswith(("grants/", "wheel/")) or key == "schema/flights/gold" for key in keys)


@pytest.mark.parametrize("entry", ["+", "+schema/flight", "schema/flight", "", "/", "kms_key/lake/more"])
def test_a_selection_of_nothing_is_refused(entry: str) -> None:
    with pytest.raises(UnknownResource, match="declared are: kms_key/lake"):
        select_resources([entry])
