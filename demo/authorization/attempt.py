"""One cell's attempt: who tries what on which object. The verbs are functions of it that raise when refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.authorization.roles import Role
from demo.authorization.rule import Rule
from demo.authorization.stage import Stage

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

UC = "/api/2.1/unity-catalog"


@dataclass(frozen=True)
class Attempt:
    """A role's try of a rule's verb."""

    stage: Stage
    role: Role
    rule: Rule

    @property
    def client(self) -> WorkspaceClient:
        """The role's client."""
        return self.stage.clients[self.role.name]

    @property
    def target(self) -> str:
        """The object, as rules call it."""
        return self.rule.target

    @property
    def name(self) -> str:
        """The object's full name, id or path."""
        return self.stage.names[self.rule.target]

    @property
    def new_name(self) -> str:
        """A name that nobody else's attempt uses."""
        return f"{self.rule.name.replace(': ', '_').replace(' ', '_')}_{self.role.name}".lower()


Verb = Callable[[Attempt], object]
Verbs = dict[tuple[str, str], Verb]  # (way, verb) -> what is done
