"""MLflow experiments API 2.0. Runs are not served: nothing here trains.

https://docs.databricks.com/api/workspace/experiments
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.errors import bad_request, not_implemented
from local_workspace.gateway.store import Document
from local_workspace.services.experiments import experiments

STAGES = {"ACTIVE_ONLY": ("active",), "DELETED_ONLY": ("deleted",), "ALL": ("active", "deleted")}


def create_experiment(call: Call) -> dict[str, Any]:
    """POST create: needs CAN_EDIT on the folder."""
    if call.body.get("artifact_location"):
        raise not_implemented("artifact_location of experiments is not served; there are no runs here")
    made = experiments.create(call, call.require("name"), call.body.get("tags") or [])
    return {"experiment_id": str(made["object_id"])}


def get_experiment(call: Call) -> dict[str, Any]:
    """GET get: also one in the trash."""
    return {"experiment": _describe(experiments.load(call, call.require("experiment_id"), "CAN_READ"))}


def get_by_name(call: Call) -> dict[str, Any]:
    """GET get-by-name: the active one, else one in the trash."""
    return {"experiment": _describe(experiments.find(call, str(call.require("experiment_name"))))}


def list_experiments(call: Call) -> dict[str, Any]:
    """GET list."""
    view = call.query.get("view_type") or "ACTIVE_ONLY"
    if view not in STAGES:
        raise bad_request(f"view_type must be one of {', '.join(STAGES)}, got {view!r}")
    return call.page([_describe(one) for one in experiments.list_seen(call, STAGES[view])], "experiments")


def update_experiment(call: Call) -> dict[str, Any]:
    """POST update: its name."""
    experiments.rename(call, call.require("experiment_id"), call.require("new_name"))
    return {}


def delete_experiment(call: Call) -> dict[str, Any]:
    """POST delete: into the trash."""
    experiments.trash(call, call.require("experiment_id"))
    return {}


def restore_experiment(call: Call) -> dict[str, Any]:
    """POST restore."""
    experiments.restore(call, call.require("experiment_id"))
    return {}


def set_tag(call: Call) -> dict[str, Any]:
    """POST set-experiment-tag."""
    experiments.set_tag(call, call.require("experiment_id"), call.require("key"), call.body.get("value", ""))
    return {}


_API = "/api/2.0/mlflow/experiments"
ROUTES: list[Route] = [
    ("POST", f"{_API}/create", create_experiment),
    ("GET", f"{_API}/get", get_experiment),
    ("GET", f"{_API}/get-by-name", get_by_name),
    ("GET", f"{_API}/list", list_experiments),
    ("POST", f"{_API}/update", update_experiment),
    ("POST", f"{_API}/delete", delete_experiment),
    ("POST", f"{_API}/restore", restore_experiment),
    ("POST", f"{_API}/set-experiment-tag", set_tag),
]


def _describe(document: Document) -> dict[str, Any]:
    return {
        "experiment_id": str(document["object_id"]),
        "name": document["path"],
        "artifact_location": f"dbfs:/databricks/mlflow-tracking/{document['object_id']}",
        "lifecycle_stage": experiments.stage_of(document),
        "creation_time": document["created_at"],
        "last_update_time": document["modified_at"],
        "tags": [{"key": key, "value": value} for key, value in document["tags"].items()],
    }
