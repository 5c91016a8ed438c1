"""The names Databricks predefines in scripts and notebooks: spark, dbutils, display, displayHTML, sql, ...

They are given only to code that mentions them, so that a run without Spark opens no session.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from local_workspace.serverless_runtime import display, session
from local_workspace.serverless_runtime.assignment import Assignment
from local_workspace.serverless_runtime.gateway_client import GatewayClient


class Names:
    """Makers of the predefined objects, each called at most once."""

    def __init__(self, makers: dict[str, Callable[[], Any]]) -> None:
        self._makers = makers
        self._made: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        """Return the object, making it the first time."""
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def inject(self, target: dict[str, Any], source: str) -> None:
        """Define those of the names that the source mentions and the target lacks."""
        for name in self._makers:
            if name not in target and re.search(rf"(?<![\w.]){name}\b", source):
                target[name] = self.get(name)


def build_names(assignment: Assignment, client: GatewayClient) -> Names:
    """Return the predefined names of one run."""
    return Names(
        {
            "spark": session.get_session,
            "sql": lambda: session.get_session().sql,
            "table": lambda: session.get_session().table,
            "dbutils": lambda: _make_dbutils(assignment, client),
            "display": lambda: display.display,
            "displayHTML": lambda: display.display_html,
        }
    )


def _make_dbutils(assignment: Assignment, client: GatewayClient) -> Any:
    from local_workspace.serverless_runtime.dbutils import DBUtils

    return DBUtils(assignment, client)
