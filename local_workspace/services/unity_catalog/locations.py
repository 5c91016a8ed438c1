"""External locations: /api/2.1/unity-catalog/external-locations, and the rule that storage never overlaps.

https://docs.databricks.com/api/workspace/externallocations
"""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request, conflict
from local_workspace.gateway.store import Document
from local_workspace.services.unity_catalog.catalogs import is_forced, list_visible, update_securable
from local_workspace.services.unity_catalog.file_events import read_file_events, validate_file_events
from local_workspace.services.unity_catalog.paths import is_under, overlap, require_free
from local_workspace.services.unity_catalog.securables import METASTORE, check_name
from local_workspace.services.unity_catalog.storage_urls import normalize

_CHANGEABLE = ("comment", "owner", "read_only", "isolation_mode", "fallback")


def create_location(call: Call) -> dict[str, Any]:
    """POST /external-locations: the credential must exist, be usable by the caller, and open the URL and the queue."""
    unity, name = call.workspace.unity, check_name(call.require("name"), "External Location")
    events = {"enable_file_events": False, **read_file_events(call)}
    url, credential = normalize(call.require("url")), str(call.require("credential_name"))
    unity.check(call.caller, "CREATE_EXTERNAL_LOCATION", METASTORE, METASTORE)
    unity.check(call.caller, "CREATE_EXTERNAL_LOCATION", "storage_credential", credential)
    with call.workspace.store.transaction():
        _refuse_overlap(call, url)
        document = {"name": name, "url": f"{url}/", **_credential(call, credential)}
        document |= {"read_only": bool(call.body.get("read_only")), "isolation_mode": "ISOLATION_MODE_OPEN"}
        document |= {field: call.body[field] for field in _CHANGEABLE if call.body.get(field) is not None}
        document |= {field: value for field, value in events.items() if value is not None}
        _validate(call, credential, url)
        validate_file_events(call, credential, document)
        return unity.securables.insert("external_location", name, document, call.caller.name)


def get_location(call: Call) -> dict[str, Any]:
    """GET /external-locations/{name}."""
    call.workspace.unity.grants.check_sees(call.caller, "external_location", call.params["name"])
    return call.workspace.unity.securables.load("external_location", call.params["name"])


def list_locations(call: Call) -> dict[str, Any]:
    """GET /external-locations."""
    return list_visible(call, "external_location", "external_locations")


def update_location(call: Call) -> dict[str, Any]:
    """PATCH /external-locations/{name}: another URL, credential or queue is validated like a new one."""
    unity, name = call.workspace.unity, call.params["name"]
    unity.grants.check_manage(call.caller, "external_location", name)
    events = read_file_events(call)
    with call.workspace.store.transaction():
        known = unity.securables.load("external_location", name)
        credential = str(call.body.get("credential_name") or known["credential_name"])
        url = normalize(call.body.get("url") or known["url"])
        if credential != known["credential_name"] or f"{url}/" != known["url"]:
            unity.check(call.caller, "CREATE_EXTERNAL_LOCATION", "storage_credential", credential)
            _refuse_overlap(call, url, apart_from=name)
            _require_covered(call, known, url)
            _validate(call, credential, url)
            changes = {"url": f"{url}/", **_credential(call, credential)}
            unity.securables.update("external_location", name, changes, call.caller.name)
        if events or credential != known["credential_name"]:
            validate_file_events(call, credential, {**known, **events})
            unity.securables.update("external_location", name, events, call.caller.name)
    return update_securable(call, "external_location", name, _CHANGEABLE)


def delete_location(call: Call) -> dict[str, Any]:
    """DELETE /external-locations/{name}: refused while something lies in it, unless force=true."""
    unity, name = call.workspace.unity, call.params["name"]
    unity.grants.check_manage(call.caller, "external_location", name)
    url = unity.securables.load("external_location", name)["url"].rstrip("/")
    inside = [one for one, _ in _dependents(call, url)]
    if inside and not is_forced(call):
        raise conflict(f"External Location '{name}' holds {', '.join(inside)}; delete them or pass force=true.")
    unity.securables.remove("external_location", name)
    return {}


def require_free_location(call: Call, url: Any, privilege: str) -> str:
    """Return the URL of a new external table or volume, if the caller may put one there.

    Raises:
        ApiError: 403 without the privilege on the covering location, 400 when no location covers it or it overlaps.
    """
    unity, path = call.workspace.unity, normalize(url)
    location = unity.paths.location_of(path)
    if location is None:
        raise bad_request(f"No external location covers '{path}'; create one first")
    unity.check(call.caller, privilege, "external_location", location["name"])
    require_free(unity.paths, path)
    return path


def _require_covered(call: Call, location: Document, url: str) -> None:
    """Another URL must cover what lies in the location, unless force=true: no credential would open the rest."""
    left = [one for one, place in _dependents(call, location["url"].rstrip("/")) if not is_under(place, url)]
    if left and not (is_forced(call) or call.body.get("force")):
        raise conflict(f"External Location '{location['name']}' would leave out {', '.join(left)}; or pass force=true.")


def _dependents(call: Call, url: str) -> list[tuple[str, str]]:
    securables = call.workspace.unity.securables
    places = [
        (kind, one["full_name"], one.get("storage_location") or one.get("storage_root") or "")
        for kind in ("catalog", "schema", "table", "volume")
        for one in securables.list_all(kind)
    ]
    return [(f"{kind} {name}", place.rstrip("/")) for kind, name, place in places if is_under(place.rstrip("/"), url)]


def _refuse_overlap(call: Call, url: str, apart_from: str = "") -> None:
    for other in call.workspace.unity.securables.list_all("external_location"):
        if other["name"] != apart_from and overlap(url, other["url"].rstrip("/")):
            raise bad_request(
                f"Input path url '{url}/' overlaps with other external location '{other['name']}' ({other['url']}).",
                "LOCATION_OVERLAP",
            )


def _credential(call: Call, name: str) -> Document:
    return {
        "credential_name": name,
        "credential_id": call.workspace.unity.securables.load("storage_credential", name)["id"],
    }


def _validate(call: Call, credential: str, url: str) -> None:
    if call.body.get("skip_validation"):
        return
    refusals = call.workspace.unity.refusals(credential, url, write=not call.body.get("read_only"))
    if refusals:
        raise bad_request(
            f"External location validation failed for '{url}/': {refusals[0].reason}. "
            f"Fix the role of storage credential '{credential}', or pass skip_validation=true."
        )
