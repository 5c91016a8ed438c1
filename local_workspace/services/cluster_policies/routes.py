"""Cluster Policies API 2.0 and their permissions. https://docs.databricks.com/api/workspace/clusterpolicies"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.access_lists import describe_acl, parse_acl
from local_workspace.gateway.calls import Call, Route
from local_workspace.gateway.request_log import require_admin
from local_workspace.gateway.store import Document
from local_workspace.services.cluster_policies import policies


def create_policy(call: Call) -> dict[str, Any]:
    """POST create: for admins."""
    require_admin(call)
    return {"policy_id": policies.create(call.workspace.store, call.caller, call.body)["policy_id"]}


def edit_policy(call: Call) -> dict[str, Any]:
    """POST edit: for admins; what is not given is taken away."""
    require_admin(call)
    policies.edit(call.workspace.store, str(call.require("policy_id")), call.body)
    return {}


def delete_policy(call: Call) -> dict[str, Any]:
    """POST delete: for admins."""
    require_admin(call)
    policies.delete(call.workspace.store, str(call.require("policy_id")))
    return {}


def get_policy(call: Call) -> dict[str, Any]:
    """GET get."""
    return _describe(policies.find(call.workspace.store, call.caller, str(call.require("policy_id"))))


def list_policies(call: Call) -> dict[str, Any]:
    """GET list: those the caller may use."""
    found = policies.list_usable(call.workspace.store, call.caller)
    return {"policies": [_describe(document) for document in found], "total_count": len(found)}


def get_permissions(call: Call) -> dict[str, Any]:
    """GET permissions/cluster-policies/{id}: for admins."""
    require_admin(call)
    return _describe_acl(call, policies.load(call.workspace.store, call.params["policy_id"]))


def set_permissions(call: Call) -> dict[str, Any]:
    """PUT permissions/cluster-policies/{id}: replace."""
    return _put_acl(call, keep=False)


def update_permissions(call: Call) -> dict[str, Any]:
    """PATCH permissions/cluster-policies/{id}: change the given entries."""
    return _put_acl(call, keep=True)


def get_permission_levels(call: Call) -> dict[str, Any]:
    """GET permissions/cluster-policies/{id}/permissionLevels."""
    policies.find(call.workspace.store, call.caller, call.params["policy_id"])
    return {"permission_levels": [{"permission_level": "CAN_USE", "description": "Can use the policy"}]}


ROUTES: list[Route] = [
    ("POST", "/api/2.0/policies/clusters/create", create_policy),
    ("POST", "/api/2.0/policies/clusters/edit", edit_policy),
    ("POST", "/api/2.0/policies/clusters/delete", delete_policy),
    ("GET", "/api/2.0/policies/clusters/get", get_policy),
    ("GET", "/api/2.0/policies/clusters/list", list_policies),
    ("GET", "/api/2.0/permissions/cluster-policies/{policy_id}/permissionLevels", get_permission_levels),
    ("GET", "/api/2.0/permissions/cluster-policies/{policy_id}", get_permissions),
    ("PUT", "/api/2.0/permissions/cluster-policies/{policy_id}", set_permissions),
    ("PATCH", "/api/2.0/permissions/cluster-policies/{policy_id}", update_permissions),
]


def _describe(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "acl"}


def _put_acl(call: Call, keep: bool) -> dict[str, Any]:
    require_admin(call)
    store = call.workspace.store
    acl = parse_acl(store, call.body.get("access_control_list") or [], policies.LEVELS)
    return _describe_acl(call, policies.put_acl(store, call.params["policy_id"], acl, keep))


def _describe_acl(call: Call, document: Document) -> dict[str, Any]:
    identity = f"/cluster-policies/{document['policy_id']}"
    return describe_acl(call.workspace.store, identity, "cluster-policy", document["acl"], "CAN_USE")
