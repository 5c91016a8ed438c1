"""A workspace from outside: up and down, twice at once, side by side, crashes of engines and of the gateway."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotImplemented as RouteNotServed
from databricks.sdk.errors import PermissionDenied

from local_workspace import lifecycle
from local_workspace.lifecycle.files import read_endpoints
from local_workspace.lifecycle.locks import LockHeld, hold_lock, lock_holder
from tests.waiting import wait_until

ENGINES = ("moto",)


class Home:
    """A state home in which no Spark is started."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def up(self, name: str = "a", **options: Any) -> lifecycle.Endpoints:
        return lifecycle.up(name, self.path, self.path / "cache", ENGINES, **options)

    def directory(self, name: str = "a") -> Path:
        return lifecycle.workspace_home(self.path, name)

    def engine(self, kind: str, name: str = "a") -> lifecycle.EngineStatus:
        engines = lifecycle.status(name, self.path).engines
        return next(engine for engine in engines if engine.name == kind)

    def aws(self, service: str, role: str, name: str = "a") -> Any:
        core = botocore.session.Session()
        core.set_config_variable("config_file", str(self.directory(name) / "aws" / "config"))
        core.set_config_variable("credentials_file", str(self.directory(name) / "aws" / "credentials"))
        core.set_config_variable("profile", f"local-{role}")
        return boto3.Session(botocore_session=core).client(service)

    def databricks(self, role: str, name: str = "a") -> WorkspaceClient:
        path = str(self.directory(name) / "databrickscfg")
        return WorkspaceClient(config_file=path, profile=f"local-{role}")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    yield Home(tmp_path)
    for name in lifecycle.list_workspaces(tmp_path):
        lifecycle.down(name, tmp_path)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_up_again_finds_it_and_down_again_finds_nothing(home: Home) -> None:
    seen: list[lifecycle.WorkspaceStatus] = []
    first = home.up(on_progress=seen.append)
    assert {status.state for status in seen} <= {"starting", "up"}
    assert home.up() == first
    assert lifecycle.down("a", home.path)
    assert not lifecycle.down("a", home.path)
    assert lifecycle.status("a", home.path).state == "down"
    assert read_endpoints(home.directory()) is None
    assert not any(is_running(pid) for pid in first.pids.values())


def test_state_addresses_and_profiles_survive_a_restart(home: Home) -> None:
    first = home.up()
    home.aws("sqs", "deployer").create_queue(QueueName="lakehouse-local-arrivals")
    profiles = [home.directory() / name for name in ("databrickscfg", "aws/credentials", "aws/config")]
    written = [path.read_text() for path in profiles]
    lifecycle.down("a", home.path)
    second = home.up()
    assert (second.host, second.aws_endpoint) == (first.host, first.aws_endpoint)
    assert [path.read_text() for path in profiles] == written
    assert home.aws("sqs", "pipeline").get_queue_url(QueueName="lakehouse-local-arrivals")["QueueUrl"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in profiles)


def test_aws_profiles_may_what_their_role_may(home: Home) -> None:
    home.up()
    deployer = home.aws("s3", "deployer")
    for bucket in ("lakehouse-local-landing", "lakehouse-local-lake"):
        deployer.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        deployer.put_object(Bucket=bucket, Key="x", Body=b"1")
    pipeline, outsider = home.aws("s3", "pipeline"), home.aws("s3", "outsider")
    assert pipeline.get_object(Bucket="lakehouse-local-landing", Key="x")["Body"].read() == b"1"
    for refused in (
        lambda: pipeline.get_object(Bucket="lakehouse-local-lake", Key="x"),
        lambda: pipeline.put_object(Bucket="lakehouse-local-landing", Key="y", Body=b""),
        lambda: outsider.get_object(Bucket="lakehouse-local-landing", Key="x"),
    ):
        with pytest.raises(ClientError, match="AccessDenied"):
            refused()


def test_databricks_profiles_open_the_gateway(home: Home) -> None:
    home.up()
    for role in ("admin", "deployer", "pipeline", "analyst", "outsider"):
        with pytest.raises(RouteNotServed, match="/api/nowhere"):
            home.databricks(role).api_client.do("GET", "/api/nowhere")
    assert home.databricks("admin").api_client.do("GET", "/local/faults") == {"rules": []}
    with pytest.raises(PermissionDenied, match="analyst@lakehouse.example"):
        home.databricks("analyst").api_client.do("GET", "/local/faults")


def test_two_ups_at_once_start_one(home: Home) -> None:
    found: list[lifecycle.Endpoints] = []
    threads = [threading.Thread(target=lambda: found.append(home.up())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len({endpoints.pid for endpoints in found}) == 1


def test_two_workspaces_side_by_side(home: Home) -> None:
    first, second = home.up("a"), home.up("b")
    assert {first.host, first.aws_endpoint}.isdisjoint({second.host, second.aws_endpoint})
    home.aws("sqs", "deployer", "a").create_queue(QueueName="lakehouse-only-a")
    assert home.aws("sqs", "deployer", "b").list_queues().get("QueueUrls", []) == []
    assert lifecycle.list_workspaces(home.path) == ["a", "b"]
    lifecycle.down("a", home.path)
    assert lifecycle.status("b", home.path).state == "up"


def test_a_killed_engine_is_restarted_and_reported(home: Home) -> None:
    endpoints = home.up()
    os.kill(endpoints.pids["moto"], signal.SIGKILL)
    wait_until(lambda: home.engine("moto").restarts == 1, "the restart is counted", 30)
    wait_until(lambda: lifecycle.status("a", home.path).state == "up", "the workspace is up again", 30)
    assert "ended by itself" in (home.engine("moto").last_failure or "")
    assert any("ended by itself" in line for _, line in lifecycle.read_logs("a", home.path, "gateway"))
    again = read_endpoints(home.directory())
    assert again is not None
    assert again.pids["moto"] != endpoints.pids["moto"]
    assert again.aws_endpoint == endpoints.aws_endpoint
    assert home.aws("sts", "admin").get_caller_identity()["Account"] == "123456789012"


def test_a_killed_gateway_leaves_no_orphans_and_no_loss(home: Home) -> None:
    endpoints = home.up()
    home.aws("sqs", "deployer").create_queue(QueueName="lakehouse-just-made")
    os.kill(endpoints.pid, signal.SIGKILL)
    wait_until(lambda: not any(is_running(pid) for pid in endpoints.pids.values()), "all processes are gone", 30)
    wait_until(lambda: lifecycle.status("a", home.path).state == "down", "the gateway's last thread is gone", 30)
    assert home.up().pid != endpoints.pid
    assert len(home.aws("sqs", "deployer").list_queues()["QueueUrls"]) == 1


def test_up_starts_a_new_gateway_when_the_one_it_found_dies(home: Home) -> None:
    home.directory().mkdir(parents=True)
    hold = "import sys, time; from local_workspace.lifecycle.locks import hold_lock\n"
    hold += "with hold_lock(__import__('pathlib').Path(sys.argv[1])): time.sleep(600)"
    lock = home.directory() / "gateway.lock"
    dying = subprocess.Popen([sys.executable, "-c", hold, str(lock)])
    wait_until(lambda: lock_holder(lock) == dying.pid, "the lock is held", 30)
    endpoints = home.up(on_progress=lambda _status: dying.kill())
    assert dying.wait() == -signal.SIGKILL
    assert lifecycle.status("a", home.path).state == "up"
    assert endpoints.pid != dying.pid


def test_a_failed_start_says_why(home: Home) -> None:
    buckets = home.directory() / "buckets"
    buckets.mkdir(parents=True)
    (buckets / "state.pickle").write_bytes(b'{"format": 0}\n')
    with pytest.raises(lifecycle.WorkspaceFailed, match="lakehouse local reset"):
        home.up()
    assert lifecycle.status("a", home.path).state == "down"


def test_reset_refuses_while_up_and_removes_all_when_down(home: Home) -> None:
    home.up()
    with pytest.raises(lifecycle.WorkspaceIsUp, match="lakehouse local down"):
        lifecycle.reset("a", home.path)
    lifecycle.down("a", home.path)
    lifecycle.reset("a", home.path)
    lifecycle.reset("a", home.path)
    assert not home.directory().exists()


def test_status_tells_memory_and_ports(home: Home) -> None:
    endpoints = home.up()
    gateway, moto = home.engine("gateway"), home.engine("moto")
    assert gateway.pid == endpoints.pid
    assert endpoints.aws_endpoint.endswith(f":{moto.port}")
    assert moto.memory_mb is not None
    assert moto.memory_mb > 10


def test_logs_follow(home: Home) -> None:
    home.up()
    lines = lifecycle.read_logs("a", home.path, "gateway", lines=1, follow=True, interval_s=0.05)
    assert next(lines)[0] == "gateway"
    with (home.directory() / "logs" / "gateway.log").open("a") as log:
        log.write("a new line\n")
    for _, line in lines:
        if line == "a new line":
            break


def test_a_lock_is_free_when_its_holder_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with hold_lock(path):
        assert lock_holder(path) == os.getpid()
        with pytest.raises(LockHeld, match=str(os.getpid())), hold_lock(path, timeout_s=0):
            pass
    assert lock_holder(path) is None
