"""What lies in a schema: how it is called, what it needs first, how the estate's own is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from lakehouse.grammar.texts import control_problems
from lakehouse.names import physical_name
from lakehouse.targets import Target
from platform_assets.grammar.unity_catalog import name_problems
from platform_assets.resource_types.listing import Listing
from platform_assets.resource_types.model import Resource, State
from platform_assets.resource_types.schema import Schema


@dataclass(frozen=True)
class SchemaObject(Resource):
    """A volume, table, view, function or model; its name is catalog.schema.name."""

    group = "platform_catalog"
    folds_case = True

    def find_problems(self, target: Target) -> Iterator[str]:
        """Its name and what it says of its purpose."""
        yield from name_problems(self.name, "catalog.schema.name", self.physical_name(target))
        yield from control_problems("its purpose", getattr(self, "purpose", ""))

    @property
    def schema_key(self) -> str:
        """The key of the schema that it lies in."""
        return f"schema/{self.name.rpartition('.')[0].replace('.', '/')}"

    def physical_name(self, target: Target) -> str:
        """Return the full name."""
        return physical_name(target, self.name)

    def container(self, target: Target) -> str:
        """The schema."""
        return self.physical_name(target).rpartition(".")[0]

    @classmethod
    def find_in_schemas(cls, listing: Listing, is_own: Callable[[State], bool]) -> Iterator[Self]:
        """Yield those in schemas of ours whose state carries our mark."""
        target = listing.clients.target
        for schema in Schema.find_owned(listing):
            for name, state in listing.states(cls, schema.physical_name(target)).items():
                if is_own(state):
                    yield cls(f"{schema.name}.{name.rpartition('.')[2]}")
