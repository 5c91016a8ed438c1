"""What a statement of Unity Catalog's SQL comes to: a call of the REST API, and how its answer is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

API = "/api/2.1/unity-catalog"


@dataclass(frozen=True)
class RestCall:
    """One call of the public API; names stand in the path as they are, who sends it over HTTP escapes them once."""

    method: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Command:
    """A parsed statement: the call to make, and how its answer becomes rows."""

    call: RestCall
    show: str = ""  # "", "grants", "catalogs" or "volumes"
    ignore_status: int = 0  # IF EXISTS forgives 404, IF NOT EXISTS forgives 409
    principal: str = ""  # SHOW GRANTS <principal>
    analysis: str = ""  # a query that Spark must be able to analyse before the call is made
