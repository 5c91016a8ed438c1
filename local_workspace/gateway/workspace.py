"""The local workspace as its services see it: state, addresses, engines, AWS.

A plain holder; what a part does is in `services/` and `engines/`.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_workspace.gateway import principals
from local_workspace.gateway.calls import Principal
from local_workspace.gateway.store import Store

if TYPE_CHECKING:
    from local_workspace.engines.serverless_pool import ServerlessPool
    from local_workspace.services.system_tables.audit_log import AuditLog
    from local_workspace.services.unity_catalog.access import UnityCatalog

AWS_ACCOUNT = "123456789012"
DATABRICKS_ACCOUNT = "0d26daa6-5e44-4c97-a497-ef015f91254a"
WORKSPACE_ID = 1234567890123456
REGION = "eu-central-1"
ROOT_KEY_ID = "AKIALOCALROOT0000000"  # of the gateway's own AWS identity, which may do everything


def new_root_keys() -> dict[str, str]:
    """Return keys of the gateway's own AWS identity; moto is told of them when it starts, nobody else is."""
    return {"aws_access_key_id": ROOT_KEY_ID, "aws_secret_access_key": secrets.token_hex(20)}


@dataclass
class Engines:
    """The running child processes; a workspace started without one has None there."""

    moto: Any = None
    spark: Any = None
    pool: ServerlessPool | None = None


@dataclass
class Workspace:
    """One local workspace: `host` is the gateway's own URL, `spark_url` an sc:// address."""

    name: str
    home: Path
    host: str
    aws_endpoint: str = ""
    spark_url: str = ""
    region: str = REGION
    root_keys: dict[str, str] = field(default_factory=lambda: new_root_keys(), repr=False)
    # Spark says it with its calls: it enforces what it is told about views, which no other caller would.
    engine_secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    engines: Engines = field(default_factory=Engines)
    _aws_lock: threading.Lock = field(default_factory=threading.Lock)
    _aws_clients: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def store(self) -> Store:
        """The durable state."""
        return Store(self.home / "state.sqlite")

    @cached_property
    def audit_log(self) -> AuditLog:
        """Who changed what."""
        from local_workspace.services.system_tables.audit_log import AuditLog

        return AuditLog(self.home / "audit.jsonl")

    @cached_property
    def unity(self) -> UnityCatalog:
        """Access decisions of Unity Catalog."""
        from local_workspace.services.unity_catalog.access import UnityCatalog

        return UnityCatalog(self)

    def principal(self, name: str) -> Principal:
        """Return the principal; 404 when there is none, 403 when it is deactivated."""
        return principals.load_active(self.store, name)

    def is_engine(self, given: str) -> bool:
        """Say whether `given`, the header X-Local-Engine of a call, is what only the Spark server knows."""
        return hmac.compare_digest(given.encode(), self.engine_secret.encode())

    def mint_token(self, principal_name: str, lifetime_s: int | None, comment: str) -> str:
        """Return a new token of the principal."""
        return principals.mint_token(self.store, principal_name, lifetime_s, comment)

    def revoke_token(self, token: str) -> None:
        """Make a token worthless."""
        principals.revoke_token(self.store, token)

    def aws(self, service: str) -> Any:
        """Return a boto3 client of the gateway's own AWS identity; never handed to a caller."""
        with self._aws_lock:
            if service not in self._aws_clients:
                self._aws_clients[service] = self._open_aws_client(service)
            return self._aws_clients[service]

    def _open_aws_client(self, service: str) -> Any:
        import boto3
        from botocore.config import Config

        settings = Config(
            max_pool_connections=64,
            retries={"max_attempts": 3},
            s3={"addressing_style": "path"},
            signature_version="s3v4" if service == "s3" else None,  # otherwise URLs are presigned with version 2
        )
        return boto3.Session().client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.aws_endpoint,
            region_name=self.region,
            config=settings,
            **self.root_keys,
        )
