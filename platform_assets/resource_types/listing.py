"""The list calls of one reading of the world: each container is listed once, whoever asks, and however many at once."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future

from platform_assets.resource_types.model import Clients, Resource, State
from platform_assets.resource_types.sdk_errors import is_missing


class Listing:
    """States of listable types by container. Ages with the first answer: for one plan, never for longer."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self._lock = threading.Lock()
        self._answers: dict[tuple[type[Resource], str], Future[Mapping[str, State]]] = {}

    def states(self, resource_type: type[Resource], container: str) -> Mapping[str, State]:
        """Return the states in a container by physical name; a container that does not exist is empty.

        Raises:
            Exception: the list call's own, the same for all who ask.
        """
        key = (resource_type, container)
        with self._lock:
            asked = key in self._answers
            answer = self._answers.setdefault(key, Future())
        if not asked:
            self._ask(resource_type, container, answer)
        return answer.result()

    def _ask(self, resource_type: type[Resource], container: str, answer: Future[Mapping[str, State]]) -> None:
        try:
            answer.set_result(dict(resource_type.list_states(self.clients, container)))
        except Exception as error:  # noqa: BLE001 - raised again by whoever asks
            if is_missing(error):
                answer.set_result({})
            else:
                answer.set_exception(error)
