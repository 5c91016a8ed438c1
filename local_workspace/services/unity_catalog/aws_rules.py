"""Asks AWS for the policies, keys and buckets that decide; what it was told holds until a rule changes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from local_workspace.engines.moto_rules import RuleChanges

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace

_REMEMBERED = 4096  # answers


class AwsRules:
    """The rules as the gateway's own identity reads them; answers are shared and not to be changed."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._changes = RuleChanges(workspace.home / "buckets")
        self._known = lru_cache(_REMEMBERED)(self._ask)

    def ask(self, service: str, operation: str, **parameters: str) -> dict[str, Any]:
        """Return the answer of a boto3 client's method.

        Raises:
            ClientError: as the method does.
        """
        changes = self._changes.count()
        find = self._ask if changes is None else self._known
        answer = find(changes, service, operation, frozenset(parameters.items()))
        if isinstance(answer, ClientError):
            raise answer
        return answer

    def _ask(
        self, _changes: int | None, service: str, operation: str, parameters: frozenset[tuple[str, str]]
    ) -> dict[str, Any] | ClientError:
        try:
            return dict(getattr(self._workspace.aws(service), operation)(**dict(parameters)))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:  # no answer: asked again the next time
                raise
            return error
