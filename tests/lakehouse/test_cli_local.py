"""`lakehouse local` beside a workspace that is up: what it tells, and hands out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from lakehouse.targets import Target
from tests.lakehouse.local_command import COMMAND, local


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
