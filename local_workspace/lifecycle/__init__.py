"""Life of a local workspace: up, down, status, reset, logs; the gateway process and its watch over the engines.

What the engines do is in `engines/`, what the REST API means in `services/`.
"""

from local_workspace.lifecycle.control import (
    WorkspaceFailed,
    WorkspaceIsUp,
    down,
    is_answering,
    list_workspaces,
    reset,
    status,
    up,
)
from local_workspace.lifecycle.files import Endpoints, InvalidName, workspace_home
from local_workspace.lifecycle.health import EngineStatus, WorkspaceStatus
from local_workspace.lifecycle.logs import NoSuchLog, read_logs

__all__ = [
    "Endpoints",
    "EngineStatus",
    "InvalidName",
    "NoSuchLog",
    "WorkspaceFailed",
    "WorkspaceIsUp",
    "WorkspaceStatus",
    "down",
    "is_answering",
    "list_workspaces",
    "read_logs",
    "reset",
    "status",
    "up",
    "workspace_home",
]
