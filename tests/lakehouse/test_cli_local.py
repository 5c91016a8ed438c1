"""`lakehouse local` as people and scripts use it: the installed command in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lakehouse.targets import Target

COMMAND = [str(Path(sys.executable).with_name("lakehouse"))]


def run(*arguments: str, code: int = 0, stdin: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*COMMAND, *arguments], input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr or done.stdout
    assert "Traceback" not in done.stderr
    return done


def local(*arguments: str, code: int = 0, stdin: str = "") -> str:
    done = run("local", *arguments, code=code, stdin=stdin)
    return done.stdout if code == 0 else done.stderr


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
    assert_restart_is_reported(other)
    assert json.loads(local("down", "--name", other, "--json")) == {"name": other, "was_up": True}
    assert "was not up" in local("down", "--name", other)
    assert "ended by itself" in local("logs", "--name", other, "--engine", "gateway", "--lines", "500")
    local("reset", "--name", other, code=1, stdin="n\n")
    assert Path(os.environ["LAKEHOUSE_HOME"], "local", other).exists()
    local("reset", "--name", other, stdin="y\n")
    assert "has no state" in local("reset", "--name", other)


def assert_restart_is_reported(name: str) -> None:
    deadline = time.monotonic() + 30
    while not restarted(name):
        assert time.monotonic() < deadline, "the restart is not reported"
        time.sleep(0.2)
    assert "pool: restarted 1×; last: pool (pid" in local("status", "--name", name)


def restarted(name: str) -> bool:
    status = json.loads(local("status", "--name", name, "--json"))
    (pool,) = [engine for engine in status["engines"] if engine["name"] == "pool"]
    return status["state"] == "up" and pool["restarts"] == 1


def test_status_tells_process_port_and_memory_of_each_engine(warm_target: Target) -> None:
    status = json.loads(local("status", "--json"))
    engines = {engine["name"]: engine for engine in status["engines"]}
    assert status["state"] == "up"
    assert set(engines) == {"gateway", "moto", "spark", "pool"}
    assert all(engine["pid"] and engine["memory_mb"] > 10 for engine in engines.values())
    assert all(engines[name]["port"] for name in ("gateway", "moto", "spark"))
    lines = local("status").splitlines()
    assert any(line.split()[:2] == ["spark", "ready"] for line in lines)


def test_exports_point_any_client_to_the_workspace(warm_target: Target) -> None:
    code = (
        "from databricks.sdk import WorkspaceClient; import boto3; "
        "print(WorkspaceClient().current_user.me().user_name, boto3.client('sts').get_caller_identity()['Arn'])"
    )
    script = f'eval "$({COMMAND[0]} local token --as pipeline --env)" && exec {sys.executable} -c "$1"'
    misled = {**os.environ, "AWS_PROFILE": "nowhere", "AWS_SESSION_TOKEN": "stale", "DATABRICKS_CONFIG_PROFILE": "none"}
    done = subprocess.run(["sh", "-c", script, "sh", code], capture_output=True, text=True, env=misled, check=False)
    assert done.stdout.split() == [
        warm_target.principals["pipeline"],
        f"arn:aws:iam::{warm_target.aws_account}:user/lakehouse-pipeline",
    ], done.stderr


def test_a_principal_is_named_by_role_or_name(warm_target: Target) -> None:
    by_role = local("token", "--as", "deployer")
    assert by_role == local("token", "--as", warm_target.principals["deployer"])
    assert by_role.strip() == json.loads(local("token", "--as", "deployer", "--json"))["DATABRICKS_TOKEN"]
    assert local("token", "--as", "analyst@lakehouse.example") != by_role
    assert "admin, deployer, pipeline, analyst, outsider" in local("token", "--as", "nobody", code=1)


def test_logs_show_the_last_lines_and_follow(warm_target: Target) -> None:
    shown = local("logs", "--engine", "gateway", "--lines", "2").splitlines()
    assert len(shown) == 2
    assert all(line.startswith("gateway: ") for line in shown)
    assert "gateway, moto, pool, spark" in local("logs", "--engine", "wheel", code=1)
    following = [*COMMAND, "local", "logs", "--engine", "gateway", "--lines", "1", "--follow"]
    heeds = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # where the tests are a shell's background job
    with subprocess.Popen(following, stdout=subprocess.PIPE, text=True, preexec_fn=heeds) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("gateway: ")
        with Path(os.environ["LAKEHOUSE_HOME"], "local", "default", "logs", "gateway.log").open("a") as log:
            log.write("written just now\n")
        assert process.stdout.readline() == "gateway: written just now\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


@pytest.mark.parametrize("command", ["up", "down", "status", "reset", "token", "logs"])
def test_a_name_that_is_no_directory_name_is_refused(command: str) -> None:
    assert "cannot be called '../x'" in local(command, "--name", "../x", code=1)
