"""What a deleted principal leaves behind is removed: a new one of the same name must inherit nothing."""

from __future__ import annotations

from local_workspace.gateway.access_lists import forget_subject
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
        for group, document in store.scan("group"):
            if name in document["members"]:
                put_group(store, group, [one for one in document["members"] if one != name])
        for key, token in store.scan("token"):
            if token["principal"] == name:
                store.delete("token", key)
        for key, credential in store.scan(GIT_CREDENTIAL):
            if credential["owner"] == name:
                store.delete(GIT_CREDENTIAL, key)
        _forget_grants(store, name)
        _forget_permissions(store, name)


def _forget_grants(store: Store, name: str) -> None:
    for key, held in store.scan("grant"):
        if name in held:
            store.put("grant", key, {one: held[one] for one in held if one != name})
    for kind in TYPES:
        for key, document in store.scan(kind):
            if document.get("owner") == name:
                store.put(kind, key, {**document, "owner": f"{name} (deleted)"})


def _forget_permissions(store: Store, name: str) -> None:
    for kind in WITH_ACL:
        for key, document in store.scan(kind):
            kept = forget_subject(document.get("acl", []), name)
            if kept != document.get("acl", []):
                store.put(kind, key, {**document, "acl": kept})
    for key, document in store.scan(JOB_ACL):
        kept = [entry for entry in document["entries"] if entry["principal"] != name]
        if kept != document["entries"]:
            store.put(JOB_ACL, key, {**document, "entries": kept})
    for key, document in store.scan(SECRET_SCOPE):
        if name in document["acl"]:
            remaining = {one: permission for one, permission in document["acl"].items() if one != name}
            store.put(SECRET_SCOPE, key, {**document, "acl": remaining})
