"""Clients of a target: opened from profiles, one per role, with a clear error when there is none."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse.targets import local_target
from lakehouse.workspace import WorkspaceUnreachable, open_aws, open_workspace

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
