"""Secret scopes: who reads and writes them, and secrets by reference. https://docs.databricks.com/api/workspace/secrets

The API shows keys and times, no values. So beside each secret lies a mark, a key that names what was copied: a digest
of the source's version and of the time the API shows for the copy. A new version and a value put by hand both differ.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lakehouse.grammar.texts import length_problems, pattern_problems
from lakehouse.targets import Target
from platform_assets.grammar.identity import role_problems
from platform_assets.grammar.permissions import deployer_problems
from platform_assets.resource_types.grants import name_principal, select_groups
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.object_levels import rebuild_levels
from platform_assets.resource_types.ownership import (
    MANAGER,
    UNFINISHED,
    choose_own,
    is_own,
    mark_labels,
    may_take,
    note_spelling,
)
from platform_assets.resource_types.rebuilding import NotExpressible, Rebuilding
from platform_assets.resource_types.sdk_errors import unless_missing
from platform_assets.resource_types.secret_sources import (
    InvalidSecretReference,
    read_copy,
    read_version,
    require_reference,
    source_name,
)

if TYPE_CHECKING:
    from databricks.sdk.service.workspace import SecretScope as WorkspaceScope

_RESERVED = "lakehouse."
_MARK = f"{_RESERVED}copy"
_ESTATE = f"{_RESERVED}estate."  # a key that ends with the estate's name: the mark of the scope itself
_STALE = "not the current value"
_KEY = re.compile(r"[\w.@-]{1,128}", re.ASCII)


def scope_name(target: Target, name: str) -> str:
    """Return what a scope is called on the target; the period ends the estate's prefix, which holds none."""
    return f"{target.bucket_prefix}.{name}"


@dataclass(frozen=True)
class SecretScope(Resource):
    """A secret scope; `secrets` says for each key where its value is kept, never the value.

    `readers` and `writers` are roles of the target, or declared groups by their key; a writer reads as well.
    """

    secrets: Mapping[str, str] = field(default_factory=dict, hash=False)
    readers: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()

    type_name = "secret_scope"
    mark_field = "mark"
    group = "platform_security"
    holds_data = True  # secrets that others put there have no source to come back from
    kept_elsewhere = frozenset({"secrets"})
    references = {}
    reported = {
        "other_principals": "have permissions that are not declared: shown, not removed",
        "other_secrets": "are not declared: shown, not removed",
    }

    def __post_init__(self) -> None:
        """Refuse what is no reference before anything shows or stores it."""
        for key, reference in self.secrets.items():
            if not _KEY.fullmatch(key) or key.startswith(_RESERVED):
                raise InvalidSecretReference(
                    f"{self.key}: a secret's key is 1 to 128 letters, digits, - _ . @ and does not start with "
                    f"{_RESERVED}, got {key!r} (declared at {self.declared_at})"
                )
            require_reference(f"{self.key}, {key}", reference)

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name, and who reads and writes it."""
        name = self.physical_name(target)
        words = "letters, digits, - _ . and @, without a slash"
        yield from pattern_problems("its name", self.name, r"[\w.@-]+", words)
        yield from length_problems(f"its name on the target, {name[:80]},", name, 128)
        roles = (*self.readers, *self.writers)
        yield from role_problems(f"a role of target {target.name}", roles, target.principals)
        yield from deployer_problems(roles)

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Declared groups that may use it."""
        return (*select_groups((*self.readers, *self.writers)), *self.after)

    def physical_name(self, target: Target) -> str:
        """Return the scope's name."""
        return scope_name(target, self.name)

    def desired(self, target: Target) -> State:
        """Who may do what, and what each secret is a copy of."""
        readers = {name_principal(target, role): "READ" for role in self.readers}
        writers = {name_principal(target, role): "WRITE" for role in self.writers}
        return {"mark": mark_labels(target), "permissions": {**readers, **writers}, "secrets": self._sources(target)}

    def read(self, clients: Clients) -> State | None:
        """Describe the sources, list the access list and the keys; no value is read."""
        sources = self._sources(clients.target)
        versions = {key: read_version(clients, source) for key, source in sources.items()}
        api, scope = clients.workspace.secrets, self.physical_name(clients.target)
        found = self.find_answer(clients)
        if found is None:
            return None
        if found.name != scope:
            return {"mark": {}, **note_spelling(found.name, scope)}
        acl = unless_missing(lambda: {str(one.principal): _level(one) for one in api.list_acls(scope)})
        if acl is None:
            return None
        keys = _list_keys(clients, scope)
        mark = _read_mark(keys)
        if not keys and acl.items() <= {(clients.target.principals["deployer"], "MANAGE")}:
            mark_fields = {"mark": {}, UNFINISHED: True}
        elif may_take(self, clients.target, scope, mark):
            mark_fields = {"mark": mark}
        else:
            return {"mark": mark}
        held = {key: sources[key] if _is_copied(keys, key, versions[key]) else _STALE for key in sources if key in keys}
        wanted = self.desired(clients.target)["permissions"]
        known = {*wanted, clients.target.principals["deployer"], "admins"}
        others = [f"{name} ({level})" for name, level in acl.items() if name not in known]
        other_keys = [key for key in keys if key not in sources and not key.startswith(_RESERVED)]
        return {
            **mark_fields,
            "permissions": {name: acl[name] for name in wanted if name in acl},
            "secrets": held,
            **({"other_principals": sorted(others)} if others else {}),
            **({"other_secrets": sorted(other_keys)} if other_keys else {}),
        }

    def create(self, clients: Clients, desired: State) -> None:
        """Create the scope, then permissions and secrets."""
        clients.workspace.secrets.create_scope(self.physical_name(clients.target))
        self.update(clients, desired, dict.fromkeys(desired))

    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Put the mark, the permissions and the secrets that differ."""
        from databricks.sdk.service.workspace import AclPermission

        scope = self.physical_name(clients.target)
        if "mark" in before:
            clients.workspace.secrets.put_secret(scope, f"{_ESTATE}{desired['mark']['estate']}", string_value=MANAGER)
        for principal, level in _differing(desired, before, "permissions"):
            clients.workspace.secrets.put_acl(scope, principal, AclPermission(level))
        for key, source in _differing(desired, before, "secrets"):
            _copy(clients, scope, key, source)

    def delete(self, clients: Clients) -> None:
        """Delete, with all secrets in it, if it carries the mark; their sources stay."""
        found = self.find_answer(clients)
        if found and is_own(self, clients.target, found.name, _read_mark(_list_keys(clients, str(found.name)))):
            unless_missing(lambda: clients.workspace.secrets.delete_scope(self.physical_name(clients.target)))

    def read_whole(self, clients: Clients) -> State | None:
        """Read, with the keys of copied secrets."""
        found = self.read(clients)
        keys = _list_keys(clients, self.physical_name(clients.target)) if found else {}
        copied = [key for key in keys if _marks(keys, key)]
        return {**found, "copied": copied} if found and copied else found

    def rebuild(self, state: State, rebuilding: Rebuilding) -> SecretScope:
        """Who reads and writes; secrets that others put stay theirs.

        Raises:
            NotExpressible: it holds copies.
        """
        if copied := state.get("copied"):
            raise NotExpressible(f"secret {copied[0]} is a copy, and the API does not say of what: declare its source")
        levels = rebuild_levels(rebuilding, state, "other_principals")
        roles = {one: tuple(role for role, level in levels.items() if level == one) for one in ("READ", "WRITE")}
        return replace(self, readers=roles["READ"], writers=roles["WRITE"])

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterator[SecretScope]:
        """List, and the keys of each with our prefix: the mark is one of them."""
        target = listing.clients.target
        prefix = scope_name(target, "")
        for found in listing.clients.workspace.secrets.list_scopes():
            name = found.name or ""
            if name.startswith(prefix) and _read_mark(_list_keys(listing.clients, name)) == mark_labels(target):
                yield cls(name.removeprefix(prefix))

    def find_answer(self, clients: Clients) -> WorkspaceScope | None:
        """List: one of that name, which ignores case."""
        name, scopes = self.physical_name(clients.target), clients.workspace.secrets.list_scopes()
        return choose_own(scopes, name, clients.target, lambda one: one.name, lambda one: None)

    def _sources(self, target: Target) -> dict[str, str]:
        return {key: source_name(target, reference) for key, reference in self.secrets.items()}


def _read_mark(keys: Iterable[str]) -> dict[str, str]:
    """Return the mark among the keys of a scope; empty if there is none."""
    estates = sorted(key.removeprefix(_ESTATE) for key in keys if key.startswith(_ESTATE))
    return {"managed_by": MANAGER, "estate": ", ".join(estates)} if estates else {}


def _copy(clients: Clients, scope: str, key: str, source: str) -> None:
    """Put the current value, then the mark, which nothing but a whole copy leaves; older marks of the key go last."""
    api, copy = clients.workspace.secrets, read_copy(clients, source)
    api.put_secret(scope, key, **copy.fields)
    keys = _list_keys(clients, scope)
    mark = _mark(key, copy.version, keys[key])
    api.put_secret(scope, mark, string_value=source)
    for old in _marks(keys, key):
        if old != mark:
            unless_missing(lambda old=old: api.delete_secret(scope, old))  # type: ignore[misc]


def _list_keys(clients: Clients, scope: str) -> dict[str, int]:
    """Return when each secret was last updated, in Unix ms."""
    found = clients.workspace.secrets.list_secrets(scope)
    return {str(one.key): one.last_updated_timestamp or 0 for one in found}


def _is_copied(keys: Mapping[str, int], key: str, version: str) -> bool:
    """Say whether the secret is the copy of that version: two marks mean that two applies met, and neither is sure."""
    return _marks(keys, key) == [_mark(key, version, keys[key])]


def _marks(keys: Mapping[str, int], key: str) -> list[str]:
    return [one for one in keys if one.startswith(f"{_MARK}.{_digest(key, 8)}.")]


def _mark(key: str, version: str, updated_at: int) -> str:
    return f"{_MARK}.{_digest(key, 8)}.{_digest(f'{version} {updated_at}', 16)}"


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def _differing(desired: State, before: State, name: str) -> list[tuple[str, str]]:
    if name not in before:
        return []
    held = before[name] or {}
    return [(key, value) for key, value in desired[name].items() if held.get(key) != value]


def _level(entry: Any) -> str:
    return str(entry.permission.value) if entry.permission else ""
