"""Where principals are named: memberships, grants, permissions, tokens.

What a deleted one leaves behind is removed: a new one of the same name must inherit nothing. A renamed one keeps all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.access_lists import forget_subject, rename_subject
from local_workspace.gateway.principals import put_group
from local_workspace.gateway.store import Store
from local_workspace.gateway.token_policy import KIND as TOKEN_POLICY
from local_workspace.services.cluster_policies.policies import KIND as CLUSTER_POLICY
from local_workspace.services.experiments.experiments import TRASH as TRASHED_EXPERIMENT
from local_workspace.services.git_credentials.credentials import KIND as GIT_CREDENTIAL
from local_workspace.services.jobs.access import ACL as JOB_ACL
from local_workspace.services.pipelines.pipelines import KIND as PIPELINE
from local_workspace.services.secrets.scopes import SCOPE as SECRET_SCOPE
from local_workspace.services.serving_endpoints.endpoints import KIND as SERVING_ENDPOINT
from local_workspace.services.unity_catalog.privileges import TYPES
from local_workspace.services.warehouses.state import KIND as WAREHOUSE
from local_workspace.services.workspace.trash import TRASH
from local_workspace.services.workspace.tree import KIND as WORKSPACE_OBJECT

WITH_ACL = (
    *(WAREHOUSE, WORKSPACE_OBJECT, TRASH, TRASHED_EXPERIMENT, CLUSTER_POLICY),
    *(PIPELINE, SERVING_ENDPOINT, TOKEN_POLICY),
)


def forget_principal(store: Store, name: str) -> None:
    """Remove memberships, grants, permissions, tokens and Git credentials; what it owned has a deleted owner."""
    with store.transaction():
        for key, token in store.scan("token"):
            if token["principal"] == name:
                store.delete("token", key)
        for key, credential in store.scan(GIT_CREDENTIAL):
            if credential["owner"] == name:
                store.delete(GIT_CREDENTIAL, key)
        _replace(store, name, None)


def rename_principal(store: Store, name: str, new: str) -> None:
    """Put the new name of a group where the old one stands."""
    with store.transaction():
        _replace(store, name, new)


def _replace(store: Store, name: str, new: str | None) -> None:
    for group, document in store.scan("group"):
        if name in document["members"]:
            put_group(store, group, list(_rekey(dict.fromkeys(document["members"]), name, new)))
    _replace_in_grants(store, name, new)
    _replace_in_permissions(store, name, new)


def _rekey(held: Mapping[str, Any], name: str, new: str | None) -> dict[str, Any]:
    return {new if one == name else one: value for one, value in held.items() if one != name or new is not None}  # type: ignore[misc]


def _replace_in_grants(store: Store, name: str, new: str | None) -> None:
    for key, held in store.scan("grant"):
        if name in held:
            store.put("grant", key, _rekey(held, name, new))
    for kind in TYPES:
        for key, document in store.scan(kind):
            if document.get("owner") == name:
                store.put(kind, key, {**document, "owner": new or f"{name} (deleted)"})


def _replace_in_permissions(store: Store, name: str, new: str | None) -> None:
    for kind in WITH_ACL:
        for key, document in store.scan(kind):
            present = document.get("acl", [])
            kept = forget_subject(present, name) if new is None else rename_subject(present, name, new)
            if kept != present:
                store.put(kind, key, {**document, "acl": kept})
    for key, document in store.scan(JOB_ACL):
        entries = document["entries"]
        kept = [{**one, "principal": new if one["principal"] == name else one["principal"]} for one in entries]
        kept = [one for one in kept if one["principal"] is not None]
        if kept != entries:
            store.put(JOB_ACL, key, {**document, "entries": kept})
    for key, document in store.scan(SECRET_SCOPE):
        acl = document["acl"]
        if name in acl:
            store.put(SECRET_SCOPE, key, {**document, "acl": _rekey(acl, name, new)})
