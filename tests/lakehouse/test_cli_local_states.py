"""`lakehouse local` from nothing to up, down and nothing again, with a workspace that nobody else uses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lakehouse.local_command import local
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    """A workspace beside the session's, with all engines."""
    name = "cli"
    yield name
    local("down", "--name", name)
    local("reset", "--name", name, "--yes")


def test_help_imports_no_client_and_no_engine() -> None:
    code = "import sys; from typer.testing import CliRunner; from lakehouse.cli import app\n"
    code += "assert 'local' in CliRunner().invoke(app, ['--help']).output\n"
    code += "print(*sorted({'boto3', 'databricks', 'dagster', 'pyspark', 'moto', 'uvicorn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_from_nothing_to_up_and_down_and_nothing_again(other: str) -> None:
    assert f"'{other}' is down" in local("status", "--name", other)
    assert local("logs", "--name", other, code=1).startswith(f"lakehouse: Workspace '{other}' was never up")
    assert f"lakehouse local up --name {other}" in local("token", "--name", other, code=1)
    started = local("up", "--name", other)
    for engine in ("moto", "spark", "pool"):
        assert f"{engine:<8} ready in" in started
    endpoints = json.loads(local("up", "--name", other, "--json"))
    assert {"moto", "spark", "pool", "gateway"} == set(endpoints["pids"])
    for address in (endpoints["host"], endpoints["aws_endpoint"], endpoints["spark_connect"]):
        assert address in started
    refusal = local("reset", "--name", other, "--yes", code=1)
    assert f"lakehouse local down --name {other}" in refusal
    os.kill(endpoints["pids"]["pool"], signal.SIGKILL)
    wait_until(lambda: restarted(other), "the restart is reported", 30)
    assert "pool: restarted 1×; last: pool (pid" in local("status", "--name", other)
    assert json.loads(local("down", "--name", other, "--json")) == {"name": other, "was_up": True}
    assert "was not up" in local("down", "--name", other)
    assert "ended by itself" in local("logs", "--name", other, "--engine", "gateway", "--lines", "500")
    local("reset", "--name", other, code=1, stdin="n\n")
    assert Path(os.environ["LAKEHOUSE_HOME"], "local", other).exists()
    local("reset", "--name", other, stdin="y\n")
    assert "has no state" in local("reset", "--name", other)


def restarted(name: str) -> bool:
    status = json.loads(local("status", "--name", name, "--json"))
    (pool,) = [engine for engine in status["engines"] if engine["name"] == "pool"]
    return status["state"] == "up" and pool["restarts"] == 1


@pytest.mark.parametrize("command", ["up", "down", "status", "reset", "token", "logs"])
def test_a_name_that_is_no_directory_name_is_refused(command: str) -> None:
    assert "cannot be called '../x'" in local(command, "--name", "../x", code=1)
