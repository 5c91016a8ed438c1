"""The list calls of one reading of the world: each container is listed once, whoever asks, and however many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.ownership import SPELLED
from platform_assets.resource_types.sdk_errors import unless_missing

T = TypeVar("T")


class Listing:
    """States of listable types by container. Ages with the first answer: for one plan, never for longer."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self._lock = threading.Lock()
        self._answers: dict[Hashable, Future[Any]] = {}

    def states(self, resource_type: type[Resource], container: str) -> Mapping[str, State]:
        """Return the states in a container by physical name; a container that does not exist is empty.

        Raises:
            Exception: the list call's own, the same for all who ask.
        """
        return self.once((resource_type, container), lambda: self._list(resource_type, container))

    def find(self, resource_type: type[Resource], container: str, name: str) -> State | None:
        """Return the state of what is called so in a container, or so but for the case of letters, which it says.

        Raises:
            Exception: the list call's own.
        """
        states = self.states(resource_type, container)
        if name in states:
            return states[name]
        folded = self.once((resource_type, container, "folded"), lambda: {one.casefold(): one for one in states})
        spelled = folded.get(name.casefold())
        return None if spelled is None else {**states[spelled], SPELLED: spelled}

    def once(self, key: Hashable, ask: Callable[[], T]) -> T:
        """Return what the first who asks under this key is told.

        Raises:
            Exception: the call's own, the same for all who ask.
        """
        with self._lock:
            asked = key in self._answers
            answer: Future[T] = self._answers.setdefault(key, Future())
        if not asked:
            try:
                answer.set_result(ask())
            except Exception as error:  # noqa: BLE001 - raised again by whoever asks
                answer.set_exception(error)
        return answer.result()

    def _list(self, resource_type: type[Resource], container: str) -> Mapping[str, State]:
        found = unless_missing(lambda: dict(resource_type.list_states(self.clients, container)))
        return {} if found is None else found
