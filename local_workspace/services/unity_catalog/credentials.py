"""Storage credentials: /api/2.1/unity-catalog/{storage-credentials,validate-storage-credentials}.

https://docs.databricks.com/api/workspace/storagecredentials
"""

from __future__ import annotations

import re
from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request, conflict
from local_workspace.gateway.store import Document
from local_workspace.gateway.workspace import DATABRICKS_ACCOUNT
from local_workspace.services.unity_catalog.catalogs import is_forced, list_visible, update_securable
from local_workspace.services.unity_catalog.securables import METASTORE, check_name, new_id
from local_workspace.services.unity_catalog.storage_roles import UC_MASTER_ROLE, Refusal
from local_workspace.services.unity_catalog.storage_urls import normalize

_ROLE_ARN = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+")


def create_credential(call: Call) -> dict[str, Any]:
    """POST /storage-credentials: answers the External ID that the role must demand.

    The role may come later, as it must know the External ID: `validate_credential` and external locations try it. A
    role that lets in the customers of others is refused, unless skip_validation.
    """
    unity, name = call.workspace.unity, check_name(call.require("name"), "Storage Credential")
    unity.check(call.caller, "CREATE_STORAGE_CREDENTIAL", METASTORE, METASTORE)
    role = _role(call, external_id=DATABRICKS_ACCOUNT)
    _validate(call, role)
    document = {
        "id": new_id(),
        "name": name,
        "aws_iam_role": role,
        "read_only": bool(call.body.get("read_only")),
        "used_for_managed_storage": False,
        "isolation_mode": "ISOLATION_MODE_OPEN",
        **({"comment": call.body["comment"]} if call.body.get("comment") else {}),
    }
    return unity.securables.insert("storage_credential", name, document, call.caller.name)


def get_credential(call: Call) -> dict[str, Any]:
    """GET /storage-credentials/{name}."""
    call.workspace.unity.grants.check_sees(call.caller, "storage_credential", call.params["name"])
    return call.workspace.unity.securables.load("storage_credential", call.params["name"])


def list_credentials(call: Call) -> dict[str, Any]:
    """GET /storage-credentials."""
    return list_visible(call, "storage_credential", "storage_credentials")


def update_credential(call: Call) -> dict[str, Any]:
    """PATCH /storage-credentials/{name}: a new role keeps the External ID."""
    unity, name = call.workspace.unity, call.params["name"]
    unity.grants.check_manage(call.caller, "storage_credential", name)
    if call.body.get("aws_iam_role"):
        known = unity.securables.load("storage_credential", name)["aws_iam_role"]
        role = _role(call, known["external_id"])
        _validate(call, role)
        unity.securables.update("storage_credential", name, {"aws_iam_role": role}, call.caller.name)
    return update_securable(call, "storage_credential", name, ("comment", "owner", "read_only", "isolation_mode"))


def delete_credential(call: Call) -> dict[str, Any]:
    """DELETE /storage-credentials/{name}: refused while a location uses it, unless force=true."""
    unity, name = call.workspace.unity, call.params["name"]
    unity.grants.check_manage(call.caller, "storage_credential", name)
    used = [one["name"] for one in unity.securables.list_all("external_location") if one["credential_name"] == name]
    if used and not is_forced(call):
        raise conflict(f"Storage Credential '{name}' is used by external locations {', '.join(used)}; pass force=true.")
    unity.securables.remove("storage_credential", name)
    return {}


def validate_credential(call: Call) -> dict[str, Any]:
    """POST /validate-storage-credentials: tries the credential on a URL, step by step, and says what refuses."""
    unity, body = call.workspace.unity, call.body
    url = normalize(body.get("url")) if body.get("url") else _location_url(call)
    name = body.get("storage_credential_name")
    if name:
        unity.grants.check_sees(call.caller, "storage_credential", name)
        role = unity.securables.load("storage_credential", name)["aws_iam_role"]
    else:
        role = _role(call, DATABRICKS_ACCOUNT)
    write = not body.get("read_only")
    refusals = unity.roles.refusals(role["role_arn"], role["external_id"], url, write)
    return {"isDir": True, "results": _results(refusals, write)}


def _results(refusals: list[Refusal], write: bool) -> list[Document]:
    steps = ["PATH_EXISTS", "LIST", "READ", *(["WRITE", "DELETE"] if write else [])]
    broken: dict[str, str] = {}
    for refusal in refusals:  # the first of a step says it
        broken.setdefault({"PATH": "PATH_EXISTS"}.get(refusal.step, refusal.step), refusal.reason)
    if "ASSUME_ROLE" in broken:
        return [{"operation": step, "result": "FAIL", "message": broken["ASSUME_ROLE"]} for step in steps]
    broken.setdefault("DELETE", broken.get("WRITE", ""))
    return [
        {"operation": step, "result": "FAIL", "message": broken[step]}
        if broken.get(step)
        else {"operation": step, "result": "PASS", "message": ""}
        for step in steps
    ]


def _location_url(call: Call) -> str:
    name = call.body.get("external_location_name")
    if not name:
        raise bad_request("Pass url or external_location_name")
    unity = call.workspace.unity
    unity.grants.check_sees(call.caller, "external_location", name)
    return str(unity.securables.load("external_location", name)["url"])


def _role(call: Call, external_id: str) -> Document:
    given = call.body.get("aws_iam_role") or {}
    arn = given.get("role_arn") if isinstance(given, dict) else None
    if not isinstance(arn, str) or not _ROLE_ARN.fullmatch(arn):
        raise bad_request(f"aws_iam_role.role_arn must be the ARN of an IAM role, got {arn!r}")
    return {"role_arn": arn, "unity_catalog_iam_arn": UC_MASTER_ROLE, "external_id": external_id}


def _validate(call: Call, role: Document) -> None:
    if call.body.get("skip_validation"):
        return
    refusal = call.workspace.unity.roles.refuse_lax_trust(role["role_arn"], role["external_id"])
    if refusal is not None:
        raise bad_request(
            f"Storage credential validation failed: {refusal.reason}. Fix the role, or pass skip_validation=true."
        )
