"""Clients of a target: opened from profiles, one per role, with a clear error when there is none."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse.targets import local_target
from lakehouse.workspace import WorkspaceUnreachable, open_aws, open_aws_client, open_workspace

if TYPE_CHECKING:
    from lakehouse.targets import Target


def test_without_a_workspace_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceUnreachable, match="lakehouse local up"):
        open_workspace(local_target(tmp_path), "pipeline")
    with pytest.raises(WorkspaceUnreachable, match="lakehouse local up"):
        open_aws(local_target(tmp_path), "pipeline")


def test_each_role_is_its_own_principal(warm_target: "Target") -> None:
    names = {role: open_workspace(warm_target, role).current_user.me().user_name for role in ("pipeline", "analyst")}
    assert names == {"pipeline": warm_target.principals["pipeline"], "analyst": "analyst@lakehouse.example"}


def test_each_role_has_its_own_aws_identity(warm_target: "Target") -> None:
    arn = open_aws(warm_target, "pipeline").client("sts").get_caller_identity()["Arn"]
    assert arn == f"arn:aws:iam::{warm_target.aws_account}:user/lakehouse-pipeline"


def test_the_shells_own_identity_does_not_replace_the_roles(warm_target: "Target") -> None:
    """In a process of its own: what the SDK has read before must not matter."""
    shell = {"DATABRICKS_HOST": "http://127.0.0.1:9", "DATABRICKS_TOKEN": "x", "DATABRICKS_CLIENT_ID": "y"}
    keys = {"AWS_ACCESS_KEY_ID": "AKIAOFTHESHELL", "AWS_SECRET_ACCESS_KEY": "x"}
    code = (
        "from lakehouse.targets import current_target as target\n"
        "from lakehouse.workspace import open_aws, open_workspace\n"
        "print(open_workspace(target(), 'pipeline').current_user.me().user_name)\n"
        "print(open_aws(target(), 'pipeline').client('sts').get_caller_identity()['Arn'])"
    )
    said = subprocess.check_output([sys.executable, "-c", code], env={**os.environ, **shell, **keys}, text=True)
    name, arn = said.split()
    assert name == warm_target.principals["pipeline"]
    assert arn.endswith(":user/lakehouse-pipeline")


def test_what_boto3_knows_of_services_is_read_once_for_all_roles(warm_target: "Target") -> None:
    sessions = [open_aws(warm_target, role)._session for role in ("pipeline", "analyst")]
    loaders = {id(session.get_component("data_loader")) for session in sessions}
    assert len(loaders) == 1


def test_a_process_makes_a_client_once_and_a_forked_one_its_own(warm_target: "Target") -> None:
    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(open_aws_client, warm_target, "pipeline", service) for service in ("sts", "sqs") * 8]
    assert len({id(call.result()) for call in calls}) == 2
    client = open_aws_client(warm_target, "pipeline", "sts")
    assert client is open_aws_client(warm_target, "pipeline", "sts")
    assert {call.result().meta.service_model.service_name for call in calls} == {"sts", "sqs"}
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            own = open_aws_client(warm_target, "pipeline", "sts")
            code = int(own is client or not own.get_caller_identity()["Arn"].endswith("/lakehouse-pipeline"))
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
