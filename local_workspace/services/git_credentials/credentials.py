"""Git credentials of one principal: the token is encrypted at rest and leaves only towards the provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import already_exists, bad_request, not_found
from local_workspace.gateway.store import Document
from local_workspace.services.secrets.vault import Vault

KIND = "git_credential"
PROVIDERS = (
    *("gitHub", "bitbucketCloud", "gitLab", "azureDevOpsServices"),
    *("gitHubEnterprise", "bitbucketServer", "gitLabEnterpriseEdition", "awsCodeCommit"),
)


class Login(NamedTuple):
    """What a provider is told."""

    username: str
    token: str

    def __repr__(self) -> str:
        """Show no token."""
        return f"Login({self.username!r})"


def read_provider(given: Any) -> str:
    """Return a provider's name as the API writes it; requests may write it in any case.

    Raises:
        ApiError: 400 for one that is not known.
    """
    known = {one.lower(): one for one in PROVIDERS}
    if str(given).lower() not in known:
        raise bad_request(f"Unknown Git provider {given!r}; one of {', '.join(PROVIDERS)} is expected")
    return known[str(given).lower()]


def create(call: Call) -> Document:
    """Store a credential; a principal has one for a provider.

    Raises:
        ApiError: 400 without a token, RESOURCE_ALREADY_EXISTS for a second one.
    """
    fields = {"git_provider": read_provider(call.require("git_provider")), **_read_fields(call, call.body)}
    if "token" not in fields:
        raise bad_request("Missing required field: personal_access_token")
    store = call.workspace.store
    with store.transaction():
        _require_free(call, fields["git_provider"], None)
        document = {"credential_id": store.next_id(KIND), "owner": call.caller.name, **fields}
        store.put(KIND, str(document["credential_id"]), document)
    return document


def load(call: Call) -> Document:
    """Return one of the caller's credentials.

    Raises:
        ApiError: 404 for one that is not there, or is somebody else's.
    """
    identity = call.params["credential_id"]
    found = call.workspace.store.get(KIND, identity)
    if found is None or found["owner"] != call.caller.name:
        raise not_found(f"Git credential with ID {identity} does not exist.")
    return found


def change(call: Call) -> None:
    """Replace the fields that are given."""
    provider, fields = read_provider(call.require("git_provider")), _read_fields(call, call.body)
    with call.workspace.store.transaction():
        document = load(call)
        _require_free(call, provider, document["credential_id"])
        changed = {**document, **fields, "git_provider": provider}
        call.workspace.store.put(KIND, str(document["credential_id"]), changed)


def delete(call: Call) -> None:
    """Forget one."""
    call.workspace.store.delete(KIND, str(load(call)["credential_id"]))


def list_own(call: Call) -> list[Document]:
    """Return the caller's, by id."""
    own = [one for _, one in call.workspace.store.scan(KIND) if one["owner"] == call.caller.name]
    return sorted(own, key=lambda one: int(one["credential_id"]))


def find_login(call: Call, provider: str) -> Login | None:
    """Return what the caller shows a provider, None when there is nothing."""
    found = next((one for one in list_own(call) if one["git_provider"] == provider), None)
    if found is None:
        return None
    return Login(found.get("git_username") or "", Vault(call.workspace.home).decrypt(found["token"]).decode())


def _read_fields(call: Call, body: Mapping[str, Any]) -> Document:
    for name in ("git_username", "name", "personal_access_token"):
        if not isinstance(body.get(name, ""), str):
            raise bad_request(f"{name} must be a text")
    fields = {name: body[name] for name in ("git_username", "name", "is_default_for_provider") if name in body}
    if body.get("personal_access_token"):
        fields["token"] = Vault(call.workspace.home).encrypt(body["personal_access_token"].encode())
    return fields


def _require_free(call: Call, provider: str, own: int | None) -> None:
    if any(one["git_provider"] == provider and one["credential_id"] != own for one in list_own(call)):
        rule = "Only one credential per provider is allowed."
        raise already_exists(f"A Git credential already exists for provider {provider}. {rule}")
