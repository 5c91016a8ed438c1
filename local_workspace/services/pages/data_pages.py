"""Pages of Unity Catalog: what lies in what, and each securable with its fields, columns, grants and history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_workspace.gateway.calls import Call, Handler
from local_workspace.gateway.errors import ApiError
from local_workspace.services.pages.history import show_history
from local_workspace.services.pages.markup import (
    Html,
    element,
    facts,
    join,
    link,
    moment,
    preformatted,
    section,
    table,
)
from local_workspace.services.pages.people import show_principal
from local_workspace.services.pages.serving import Page, ask, ask_all
from local_workspace.services.unity_catalog import (
    catalogs,
    credentials,
    functions,
    locations,
    models,
    permissions,
    tables,
    volumes,
)

DATA = ("explore", "data")


@dataclass(frozen=True)
class Kind:
    """A type of securable: the calls that get and list it, its pages' path, what it is called in the API of grants."""

    label: str
    get: Handler
    parameter: str
    path: tuple[str, ...]
    listed: Handler
    key: str
    securable_type: str


KINDS = {
    "catalog": Kind("Catalog", catalogs.get_catalog, "name", DATA, catalogs.list_catalogs, "catalogs", "catalog"),
    "schema": Kind("Schema", catalogs.get_schema, "full_name", DATA, catalogs.list_schemas, "schemas", "schema"),
    "table": Kind("Table", tables.get_table, "full_name", DATA, tables.list_tables, "tables", "table"),
    "volume": Kind("Volume", volumes.get_volume, "name", (*DATA, "volumes"), volumes.list_volumes, "volumes", "volume"),
    "function": Kind(
        *("Function", functions.get_function, "name", (*DATA, "functions")),
        *(functions.list_functions, "functions", "function"),
    ),
    "registered_model": Kind(
        *("Registered model", models.get_model, "name", (*DATA, "models")),
        *(models.list_models, "registered_models", "function"),
    ),
    "external_location": Kind(
        *("External location", locations.get_location, "name", ("explore", "location")),
        *(locations.list_locations, "external_locations", "external_location"),
    ),
    "storage_credential": Kind(
        *("Storage credential", credentials.get_credential, "name", ("explore", "credentials")),
        *(credentials.list_credentials, "storage_credentials", "storage_credential"),
    ),
}
_IN_SCHEMA = ("table", "volume", "function", "registered_model")
_TIMES = ("created_at", "updated_at")
_PRINCIPALS = ("owner", "created_by", "updated_by")
# Shown in a form of their own, or of no use to people.
_APART = ("columns", "view_definition", "routine_definition", "name", "catalog_name", "schema_name", "metastore_id")


def show_home(call: Call) -> Page:
    """GET /explore/data: catalogs, locations, credentials."""
    shown = ("catalog", "external_location", "storage_credential")
    return Page("Data", join(_list_kind(call, kind) for kind in shown))


def build_page(kind: str) -> Callable[[Call], Page]:
    """Return what builds the page of a securable of that kind."""

    def show_securable(call: Call) -> Page:
        full_name = ".".join(call.params[part] for part in ("catalog", "schema", "name") if part in call.params)
        found = ask(call, KINDS[kind].get, **{KINDS[kind].parameter: full_name})
        content = [
            section(KINDS[kind].label, _describe(call, found)),
            *_list_children(call, kind, full_name),
            *_show_columns(found),
            *_show_definition(found),
            section("Grants", _list_grants(call, kind, full_name)),
            *_show_history(call, kind, found),
        ]
        return Page(full_name, join(content), _tell_parents(kind, full_name))

    return show_securable


def link_securable(kind: str, full_name: str) -> Html:
    """Return a link to a securable's page."""
    return link((*KINDS[kind].path, *full_name.split(".")), full_name)


def _list_children(call: Call, kind: str, full_name: str) -> list[Html]:
    if kind == "catalog":
        return [_list_kind(call, "schema", catalog_name=full_name)]
    if kind == "schema":
        catalog, schema = full_name.split(".")
        return [_list_kind(call, child, catalog_name=catalog, schema_name=schema) for child in _IN_SCHEMA]
    return []


def _list_kind(call: Call, kind: str, **parent: str) -> Html:
    found = ask_all(call, KINDS[kind].listed, KINDS[kind].key, **parent)
    rows = [
        [
            link_securable(kind, str(one.get("full_name") or one["name"])),
            show_principal(call, one.get("owner", "")),
            str(one.get("comment") or ""),
        ]
        for one in found
    ]
    title = f"{KINDS[kind].label}s".replace("ys", "ies")
    return section(title, table(("Name", "Owner", "Comment"), rows, "There is none that you may see."))


def _describe(call: Call, found: dict[str, Any]) -> Html:
    return facts((_label(name), _value(call, name, value)) for name, value in found.items() if name not in _APART)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _value(call: Call, name: str, value: Any) -> object:
    if name in _TIMES:
        return moment(value)
    return show_principal(call, str(value)) if name in _PRINCIPALS else value


def _show_columns(found: dict[str, Any]) -> list[Html]:
    if "columns" not in found:
        return []
    rows = [
        [
            column["name"],
            column.get("type_text", ""),
            "" if column.get("nullable", True) else "not null",
            column.get("comment") or "",
        ]
        for column in found["columns"]
    ]
    return [section("Columns", table(("Name", "Type", "", "Comment"), rows, "It has no columns."))]


def _show_definition(found: dict[str, Any]) -> list[Html]:
    definition = found.get("view_definition") or found.get("routine_definition")
    return [section("Definition", preformatted(definition))] if definition else []


def _list_grants(call: Call, kind: str, full_name: str) -> Html:
    wanted = {"securable_type": KINDS[kind].securable_type, "full_name": full_name}
    found = ask_all(call, permissions.get_effective, "privilege_assignments", **wanted)
    rows = [
        [show_principal(call, assignment["principal"]), ", ".join(held), source]
        for assignment in found
        for source, held in _by_source(assignment["privileges"]).items()
    ]
    shown = table(("Principal", "Privileges", "Granted on"), rows, "There is no grant that you may see.")
    if call.workspace.unity.grants.manages(call.caller, kind, full_name):
        return shown
    return join([shown, element("p", "You see your own grants only: you do not manage it.", class_="empty")])


def _by_source(privileges: list[dict[str, str]]) -> dict[Html, list[str]]:
    held: dict[Html, list[str]] = {}
    for one in privileges:
        held.setdefault(_tell_source(one), []).append(one["privilege"].replace("_", " "))
    return held


def _tell_source(held: dict[str, str]) -> Html:
    if "inherited_from_name" not in held:
        return join(["itself"])
    kind, name = held["inherited_from_type"].lower(), held["inherited_from_name"]
    return join([f"{kind} ", link_securable(kind, name) if kind in KINDS else name])


def _show_history(call: Call, kind: str, found: dict[str, Any]) -> list[Html]:
    if kind != "table" or not found.get("storage_location"):
        return []
    try:
        return [section("Last changes", show_history(call, found))]
    except ApiError as error:  # who may not read the table still sees the rest of its page
        return [section("Last changes", element("p", error.message, class_="empty"))]


def _tell_parents(kind: str, full_name: str) -> Html:
    parts = full_name.split(".")
    parents = [
        (name, ".".join(parts[: depth + 1])) for depth, name in enumerate(("catalog", "schema")[: len(parts) - 1])
    ]
    within = [join([f" in {parent} ", link_securable(parent, name)]) for parent, name in reversed(parents)]
    return join([KINDS[kind].label, *within])
