"""`lakehouse doctor`: each thing that can be broken here is found, named with a remedy, and mended if it can be."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from lakehouse.cli import doctor_checks as checks
from lakehouse.targets import Settings, Target, read_settings
from local_workspace import lifecycle
from local_workspace.engines.toolchain import locate_jars, locate_plugin
from tests.lakehouse.local_command import COMMAND


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a state directory that is empty."""
    return replace(read_settings(), home=tmp_path, dagster_home=tmp_path / "dagster")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tools' cache."""
    real, copy = read_settings().cache_home, tmp_path_factory.mktemp("cache")
    shutil.copytree(locate_jars(real), locate_jars(copy))
    locate_plugin(copy).parent.mkdir()
    shutil.copy(locate_plugin(real), locate_plugin(copy))
    return copy


def test_a_whole_installation_is_found_whole(settings: Settings) -> None:
    found = {check.name: check.look() for check in checks.list_checks(settings)}
    assert {
        name: finding.state for name, finding in found.items() if name not in ("disk", "registries")
    } == dict.fromkeys(("environment", "caches", "ports", "workspace", "dagster"), "ok")


def test_json_is_all_that_stands_on_stdout(tmp_path: Path) -> None:
    environment = {**os.environ, "LAKEHOUSE_HOME": str(tmp_path), "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}
    done = subprocess.run([*COMMAND, "doctor", "--json"], env=environment, capture_output=True, text=True, check=False)
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    assert findings["registries"]["state"] == "warning"
    assert "UV_DEFAULT_INDEX" in findings["registries"]["remedy"]
    assert done.returncode == 0, done.stderr


def test_a_damaged_plugin_is_compiled_again(cache: Path) -> None:
    locate_plugin(cache).write_bytes(locate_plugin(cache).read_bytes()[:1000])
    assert checks.look_at_caches(cache).state == "broken"
    checks.mend_caches(cache)
    assert checks.look_at_caches(cache).state == "ok"


def test_a_damaged_jar_is_found_by_its_checksum(cache: Path) -> None:
    jar = sorted(locate_jars(cache).iterdir())[0]
    whole = jar.read_bytes()
    jar.unlink()  # it may be a link to the real one
    jar.write_bytes(whole[:-1])
    assert jar.name in checks.look_at_caches(cache).detail
    jar.write_bytes(whole)
    assert checks.look_at_caches(cache).state == "ok"


@pytest.mark.parametrize(("free", "state"), [(10e9, "ok"), (2e9, "warning"), (1e6, "broken")])
def test_a_disk_that_is_nearly_full_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    assert checks.look_at_disk([tmp_path / "not" / "there"]).state == state


def test_damaged_state_is_named_and_left_to_a_person(settings: Settings) -> None:
    database = lifecycle.workspace_home(settings.home, settings.workspace) / "state.sqlite"
    database.parent.mkdir(parents=True)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE documents (body TEXT)")
    content = database.read_bytes()
    database.write_bytes(content[:100] + b"\xff" * 300 + content[400:])
    found = checks.look_at_workspace(settings)
    assert (found.state, str(database) in found.detail) == ("broken", True)
    checks.mend_workspace(settings)
    assert database.exists()


def test_the_instances_configuration_is_brought_up_to_date_and_a_foreign_one_left(settings: Settings) -> None:
    settings.dagster_home.mkdir()
    own = settings.dagster_home / "dagster.yaml"
    own.write_text("telemetry: {enabled: true}")
    assert checks.look_at_instance(settings).state == "broken"
    checks.mend_instance(settings)
    assert checks.look_at_instance(settings).state == "ok"

    foreign = settings.home / "elsewhere" / "dagster"
    foreign.mkdir(parents=True)
    (foreign / "dagster.yaml").write_text("")
    elsewhere = replace(settings, dagster_home=foreign)
    assert checks.look_at_instance(elsewhere).state == "ok"
    checks.mend_instance(elsewhere)
    assert (foreign / "dagster.yaml").read_text() == ""


def test_a_gateway_that_hangs_is_found(warm_target: Target) -> None:
    settings = read_settings()
    assert checks.look_at_workspace(settings).state == "ok"
    pid = lifecycle.status(settings.workspace, settings.home).engines[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        found = checks.look_at_workspace(settings)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (found.state, "no answer" in found.detail) == ("broken", True)
    assert checks.look_at_workspace(settings).state == "ok"


def test_no_color_means_no_escape_sequence() -> None:
    # a terminal of its own, since output that is no terminal has none anyway
    script = f"import pty; pty.spawn({[*COMMAND, '--help']!r})"
    plain = {**os.environ, "NO_COLOR": "1", "TERM": "xterm"}
    shown = subprocess.run(["python3", "-c", script], env=plain, capture_output=True, check=True).stdout
    assert b"Usage" in shown
    assert b"\x1b" not in shown


def test_the_version_is_told() -> None:
    shown = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True).stdout
    assert shown.startswith("lakehouse 0.")
