"""Who may see and control jobs and runs: admins, the owner (creator), and whom an access control list names.

Levels as in the Permissions API: CAN_VIEW < CAN_MANAGE_RUN < CAN_MANAGE, IS_OWNER.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.calls import Principal
from local_workspace.gateway.errors import bad_request, permission_denied
from local_workspace.gateway.store import Store
from local_workspace.services.jobs.records import key_of

LEVELS = {"CAN_VIEW": 1, "CAN_MANAGE_RUN": 2, "CAN_MANAGE": 3, "IS_OWNER": 4}
# How the service names, in a refusal, the levels that would do.
ENOUGH = {
    "CAN_VIEW": "View or Admin or Manage Run or Owner",
    "CAN_MANAGE_RUN": "Admin or Manage Run or Owner",
    "CAN_MANAGE": "Admin or Owner",
}
ACL = "job_acl"


def check_run_access(store: Store, caller: Principal, run: Mapping[str, Any], level: str) -> None:
    """Refuse a caller who has less than `level` on the run (through its creator or its job).

    Raises:
        ApiError: 403 naming principal, permission and run.
    """
    if run["creator"] != caller.name and not has_level(store, caller, run["job_id"], level):
        raise permission_denied(f"User {caller.name} does not have {ENOUGH[level]} permissions on run {run['run_id']}")


def check_job_access(store: Store, caller: Principal, job_id: int, level: str) -> None:
    """Refuse a caller who has less than `level` on the job.

    Raises:
        ApiError: 403 naming principal, permission and job.
    """
    if not has_level(store, caller, job_id, level):
        raise permission_denied(f"User {caller.name} does not have {ENOUGH[level]} permissions on job {job_id}")


def check_job_management(store: Store, caller: Principal, job_id: int) -> None:
    """Refuse a caller who may not change the job's permissions.

    Raises:
        ApiError: 403, as the Permissions API words it.
    """
    if not has_level(store, caller, job_id, "CAN_MANAGE"):
        raise permission_denied(
            f"{caller.name} does not have Manage permissions on Job with ID: ElasticJobId({job_id}). "
            "Please contact the owner or an administrator for access."
        )


def has_level(store: Store, caller: Principal, job_id: int, level: str) -> bool:
    """Say whether the caller has at least `level`."""
    if caller.is_admin:
        return True
    names = caller.groups | {caller.name}
    granted = [LEVELS[entry["level"]] for entry in read_acl(store, job_id) if entry["principal"] in names]
    return max(granted, default=0) >= LEVELS[level]


def read_acl(store: Store, job_id: int) -> list[dict[str, str]]:
    """Return the entries: {"kind", "principal", "level"}."""
    document = store.get(ACL, key_of(job_id)) or {"entries": []}
    return list(document["entries"])


def write_acl(store: Store, job_id: int, entries: list[dict[str, str]]) -> None:
    """Replace the entries."""
    store.put(ACL, key_of(job_id), {"entries": entries})


def own(creator: Principal) -> dict[str, str]:
    """Return the entry of a job's owner."""
    kind = "user_name" if creator.kind == "user" else "service_principal_name"
    return {"kind": kind, "principal": creator.name, "level": "IS_OWNER"}


def parse_acl(requests: list[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the entries of an access_control_list; of a principal that is named twice, the last one.

    Raises:
        ApiError: 400 for an unknown level or an entry without principal.
    """
    entries = {entry["principal"]: entry for entry in map(_parse_entry, requests)}
    return list(entries.values())


def require_owner(entries: list[dict[str, str]]) -> None:
    """Refuse a list without exactly one owner, which is a user or a service principal.

    Raises:
        ApiError: 400.
    """
    owners = [entry for entry in entries if entry["level"] == "IS_OWNER"]
    if len(owners) != 1:
        raise bad_request(f"The job must have exactly one owner; it would have {len(owners)}.")
    if owners[0]["kind"] == "group_name":
        raise bad_request(f"Groups can not be owners of jobs: '{owners[0]['principal']}' is a group.")


def _parse_entry(request: Mapping[str, Any]) -> dict[str, str]:
    kinds = [kind for kind in ("user_name", "group_name", "service_principal_name") if request.get(kind)]
    if len(kinds) != 1:
        raise bad_request("An access_control_list entry names exactly one user, group or service principal")
    level = request.get("permission_level")
    if level not in LEVELS:
        raise bad_request(f"Invalid permission_level {level!r}; valid are {', '.join(LEVELS)}")
    return {"kind": kinds[0], "principal": request[kinds[0]], "level": level}


def choose_run_as(caller: Principal, run_as: Mapping[str, Any] | None) -> str:
    """Return the principal a run executes as; only admins may choose another than themselves.

    Raises:
        ApiError: 403.
    """
    name: str = (run_as or {}).get("user_name") or (run_as or {}).get("service_principal_name") or caller.name
    if name != caller.name and not caller.is_admin:
        raise permission_denied(f"User {caller.name} is not allowed to run jobs as '{name}'.")
    return name
