"""Random estates: what lies in catalogs, groups, service principals, grants; and what somebody does to them by hand.

Names in any case, comments in any script, ALL PRIVILEGES, every policy for foreign grants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.volume import Volume

HANDS = ("rename", "owner", "comment", "grant", "revoke", "delete")
ANALYST = "analyst@lakehouse.example"
_EDGES = st.sampled_from("aAzZ09")
_INNER = st.text("abXYZ059_-", max_size=6)
PARTS = st.builds(lambda first, rest: first + rest, _EDGES, _INNER)
COMMENTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), max_size=12)
_ALL = {"ALL_PRIVILEGES", "MANAGE", "BROWSE", "APPLY_TAG"}
PRIVILEGES = {
    "volume": _ALL | {"READ_VOLUME", "WRITE_VOLUME"},
    "registered_model": _ALL | {"EXECUTE"},
    "schema": _ALL | {"USE_SCHEMA", "SELECT", "MODIFY", "CREATE_TABLE", "CREATE_VOLUME", "READ_VOLUME"},
    "catalog": _ALL | {"USE_CATALOG", "USE_SCHEMA", "CREATE_SCHEMA", "SELECT", "READ_VOLUME"},
}


@dataclass(frozen=True)
class RandomEstate:
    """What is declared, in any order, and what is done by hand: (what, to which securable)."""

    resources: tuple[Resource, ...]
    hands: tuple[tuple[str, Resource], ...]

    def __repr__(self) -> str:
        declared = ", ".join(map(repr, self.resources))
        return f"RandomEstate(({declared}), {[(what, one.key) for what, one in self.hands]})"


@st.composite
def estates(draw: st.DrawFn) -> RandomEstate:
    """An estate of two to some fifteen resources, and up to four things done to it by hand."""
    identities = draw(_identities())
    containers = draw(_securables())
    grants = [draw(_grants(one, identities)) for one in containers if draw(st.booleans())]
    touched = [one for one in containers if isinstance(one, Volume | RegisteredModel)]
    hands = draw(st.lists(st.tuples(st.sampled_from(HANDS), st.sampled_from(touched)), max_size=4)) if touched else []
    resources = draw(st.permutations([*identities, *containers, *grants]))
    return RandomEstate(tuple(resources), tuple(hands))


@st.composite
def _identities(draw: st.DrawFn) -> list[Resource]:
    principals = [ServicePrincipal(name) for name in draw(_names(2))]
    groups: list[Group] = []
    for name in draw(_names(2)):
        known = [*(one.key for one in principals), *(one.key for one in groups), "pipeline", ANALYST]
        groups.append(Group(name, members=tuple(draw(st.sets(st.sampled_from(known))))))
    return [*principals, *groups]


@st.composite
def _securables(draw: st.DrawFn) -> list[Resource]:
    found: list[Resource] = []
    for catalog in draw(_names(2, fewest=1)):
        found.append(Catalog(catalog, folder=catalog.lower(), purpose=draw(COMMENTS)))
        for schema in draw(_names(2)):
            if schema.lower() == "default":
                continue
            found.append(Schema(f"{catalog}.{schema}", purpose=draw(COMMENTS)))
            found += [Volume(f"{catalog}.{schema}.{name}", purpose=draw(COMMENTS)) for name in draw(_names(3))]
            found += [RegisteredModel(f"{catalog}.{schema}.{name}", purpose=draw(COMMENTS)) for name in draw(_names(1))]
    return found


@st.composite
def _grants(draw: st.DrawFn, securable: Resource, identities: list[Resource]) -> Grants:
    roles = ["pipeline", "analysts", *(one.key for one in identities if isinstance(one, Group))]
    some = st.sets(st.sampled_from(sorted(PRIVILEGES[securable.type_name])), max_size=3)
    to = {role: tuple(draw(some)) for role in draw(st.sets(st.sampled_from(roles)))}
    foreign = draw(st.sampled_from(("keep", "report", "revoke")))
    return Grants(securable.key.replace("/", "."), to, foreign=foreign)


def _names(most: int, fewest: int = 0) -> st.SearchStrategy[list[str]]:
    unique: Callable[[str], str] = str.lower
    return st.lists(PARTS, min_size=fewest, max_size=most, unique_by=unique)
