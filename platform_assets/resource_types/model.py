"""What every type of resource has in common. State is plain JSON, normalised by `read` alone.

One method is one kind of call; errors come back as the SDK raised them (sdk_errors.py tells them apart).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lakehouse.grammar.places import find_declaration
from lakehouse.targets import Target
from lakehouse.workspace import WorkspaceUnreachable, open_aws_client, open_workspace
from platform_assets.resource_types.ownership import read_mark
from platform_assets.resource_types.value_diff import explain_values

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from lakehouse.names import TableName
    from platform_assets.resource_types.listing import Listing
    from platform_assets.resource_types.rebuilding import Rebuilding

State = Mapping[str, Any]
_INNER = (Path(__file__).parent,)  # what makes declarations, rather than declares


class InvalidDeclaration(Exception):
    """A declaration that cannot be meant; the message names the resource and what is wrong."""


def find_declared_at() -> str:
    """Return file and line of the declaration that is being made."""
    return find_declaration(_INNER)


def refuse(key: str, problem: str) -> InvalidDeclaration:
    """Return the error of a declaration that is just being made: resource, problem with remedy, file and line."""
    return InvalidDeclaration(f"{key}: {problem} (declared at {find_declared_at()})")


class Clients:
    """What resources are read and changed with: the deployer's clients on one target."""

    def __init__(self, target: Target, role: str = "deployer") -> None:
        self.target = target
        self._role = role

    @property
    def workspace(self) -> WorkspaceClient:
        """The Databricks client."""
        return open_workspace(self.target, self._role)

    @property
    def identity(self) -> WorkspaceClient:
        """The Databricks client for what is a workspace admin's to change: identities and cluster policies."""
        return open_workspace(self.target, "admin")

    @property
    def may_manage_identities(self) -> bool:
        """Whether there is an admin's profile; who declares nothing that is an admin's needs none."""
        try:
            return bool(self.identity)
        except WorkspaceUnreachable:
            return False

    def aws(self, service: str) -> Any:
        """Return the boto3 client of a service."""
        return open_aws_client(self.target, self._role, service)


@dataclass(frozen=True)
class Resource(ABC):
    """A declared resource. `name` is logical, parts separated by dots; `after` holds keys it must come after.

    `adopt` takes over what stands there under its exact name without any mark; else that is refused (ownership.py).
    `mark_field`: the field of the state that holds the mark, None of types that have none.
    `references`: fields that name resources, and of which type, of a type that can be rebuilt; None of other types.
    `fixed`: fields that cannot be changed, with the reason; `reported`: fields of the world that are shown and left.
    `kept_elsewhere`: fields of the state that stand for content of this repository or of a secrets manager.
    """

    name: str
    after: tuple[str, ...] = field(default=(), kw_only=True)
    adopt: bool = field(default=False, kw_only=True)

    type_name: ClassVar[str]
    group: ClassVar[str] = "platform_storage"
    kinds: ClassVar[frozenset[str]] = frozenset({"databricks"})
    holds_data: ClassVar[bool] = False
    folds_case: ClassVar[bool] = False  # the service keeps names in lower case
    references: ClassVar[Mapping[str, str] | None] = None
    fixed: ClassVar[Mapping[str, str]] = {}
    reported: ClassVar[Mapping[str, str]] = {}
    kept_elsewhere: ClassVar[frozenset[str]] = frozenset()
    mark_field: ClassVar[str | None] = None

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        """Note where the declaration stands; it is no field, so equal declarations stay equal."""
        made = super().__new__(cls)
        made.__dict__["declared_at"] = find_declared_at()
        return made

    @property
    def declared_at(self) -> str:
        """File and line of the declaration."""
        return str(self.__dict__["declared_at"])

    def find_problems(self, target: Target) -> Iterator[str]:
        """Yield why the target's services would refuse this declaration, in sentences that name the remedy.

        Looks at the declaration alone; resources that were found rather than declared are not asked.
        """
        yield from ()

    @property
    def key(self) -> str:
        """The asset key as text, such as volume/flights/bronze/landing."""
        return "/".join([self.type_name, *self.name.split(".")])

    @property
    def identity(self) -> str:
        """The key as far as the service tells names apart: no two resources have the same."""
        return self.key.lower() if self.folds_case else self.key

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Keys of all resources that this one needs."""
        return self.after

    @property
    def tables_read(self) -> tuple[TableName, ...]:
        """Tables of the data layer that its SQL names: lineage, which nothing waits for."""
        return ()

    @property
    def description(self) -> str:
        """One sentence for people."""
        return (type(self).__doc__ or "").split("\n")[0]

    @abstractmethod
    def physical_name(self, target: Target) -> str:
        """Return what it is called on the target."""

    @abstractmethod
    def desired(self, target: Target) -> State:
        """Return the state that is declared."""

    @abstractmethod
    def read(self, clients: Clients) -> State | None:
        """Return the state in the world, None when there is no such resource."""

    @abstractmethod
    def create(self, clients: Clients, desired: State) -> None:
        """Create it."""

    @abstractmethod
    def update(self, clients: Clients, desired: State, before: State) -> None:
        """Change the fields of `before`, which says what the plan found in them, to what is desired."""

    @abstractmethod
    def delete(self, clients: Clients) -> None:
        """Delete it; one that is gone is no error."""

    def container(self, target: Target) -> str | None:
        """Return the physical name of what one list call covers, empty for the metastore; None: it is read alone."""
        return None

    @classmethod
    def list_states(cls, clients: Clients, container: str) -> Iterator[tuple[str, State]]:
        """Yield physical name and state, as `read` gives it, of all that is in a container."""
        raise NotImplementedError(f"{cls.__name__} has no container")

    @classmethod
    def find_owned(cls, listing: Listing) -> Iterable[Resource]:
        """Return all resources of the type that carry this estate's mark, declared or not; none if it has no mark."""
        return ()

    def rebuild(self, state: State, rebuilding: Rebuilding) -> Resource:
        """Return the declaration of what was found under this name: `desired` is its state, but for the mark.

        Raises:
            NotExpressible: no declaration of this type says what is there.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be rebuilt")

    def read_whole(self, clients: Clients) -> State | None:
        """Return the state with all that a declaration could say, from a resource that says no more than its name."""
        return self.read(clients)

    def read_mark(self, state: State) -> Mapping[str, str] | None:
        """Return the mark that a state carries, empty if none; None of a type that has no mark."""
        return None if self.mark_field is None else read_mark(state.get(self.mark_field))

    def find_answer(self, clients: Clients) -> Any:
        """Return what the API says of the one that stands there: whose it is, asked where it is not ours."""
        return None

    def find_hidden(self, clients: Clients) -> str | None:
        """Return why something that was not found is there all the same, None if it is not; asked before it is made."""
        return None

    def select_declared(self, state: State) -> State:
        """Return of a listed state what this declaration speaks of; `read` gives no more than that."""
        return state

    def audited_names(self, clients: Clients) -> tuple[str, ...]:
        """Return what the audit log calls it, its id where it has one; asked of what is not as declared."""
        return (self.physical_name(clients.target),)

    def refuse_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Return why a field cannot be changed so; nothing when it can."""
        return (f"{name} cannot be changed: {self.fixed[name]}",) if name in self.fixed else ()

    def explain_change(self, name: str, before: Any, after: Any) -> tuple[str, ...]:
        """Return what the change of a field does, in lines for people."""
        return explain_values(name, before, after)
