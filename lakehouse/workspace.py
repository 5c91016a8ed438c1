"""Clients of a target: databricks-sdk's WorkspaceClient and a boto3 session, with one retry policy.

Credentials come from profiles (`<target>-<role>`), never from arguments or code. Imported lazily: both are heavy.
"""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from lakehouse.targets import Target

if TYPE_CHECKING:
    import boto3
    from botocore.loaders import Loader
    from databricks.sdk import WorkspaceClient

HTTP_TIMEOUT_SECONDS = 90  # a statement may be waited for 50 s
POOL_SIZE = 64
_ESCAPED_BY_THE_SDK = "/api/2.0/fs/"
_PATH_CHARACTERS = "/:@!$&'()*+,;=~"  # RFC 3986, section 3.3
_making_aws_clients = threading.Lock()


class WorkspaceUnreachable(Exception):
    """No client can be opened; the message says what to do."""


@lru_cache(maxsize=32)
def open_workspace(target: Target, role: str) -> WorkspaceClient:
    """Return the Databricks client of a role. 429, 503 and lost connections are retried up to the target's deadline.

    Raises:
        WorkspaceUnreachable: the profile is missing.
    """
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    class ProfileConfig(Config):
        attributes = Config.attributes  # which looks for them in the class it is called on
        read_at: int | None = None

        def _load_from_env(self) -> None:
            """Be the role, whoever DATABRICKS_TOKEN makes the caller's shell: the SDK lets it win over a profile."""

        def authenticate(self) -> dict[str, str]:
            """Use what the profile holds now: a token may be renewed there while a step waits for hours."""
            if (changed := _changed_at(config_file)) not in (None, self.read_at):
                self._header_factory = ProfileConfig(profile=profile, config_file=config_file)._header_factory
                self.read_at = changed
            return super().authenticate()

    profile, config_file = target.profile(role), _databricks_file(target)
    ProfileConfig.read_at = _changed_at(config_file)
    try:
        config = ProfileConfig(
            profile=profile,
            config_file=config_file,
            http_timeout_seconds=HTTP_TIMEOUT_SECONDS,
            retry_timeout_seconds=target.call_deadline_seconds,
            max_connection_pools=2,
            max_connections_per_pool=POOL_SIZE,
            product="lakehouse",
        )
    except ValueError as error:
        raise WorkspaceUnreachable(_explain(target, profile, str(error))) from error
    return _escape_names(WorkspaceClient(config=config))


def _escape_names(client: WorkspaceClient) -> WorkspaceClient:
    """Return the client, which from now on escapes names in paths: the SDK cuts them at # and ?, and decodes %20.

    It gives what stands behind ? as `query`, so in a path these are a name's. The Files API's paths it escapes itself.
    """
    api = client.api_client
    send = api.do

    def send_escaped(method: str, path: str | None = None, *args: Any, **more: Any) -> Any:
        escaped = path if path is None or path.startswith(_ESCAPED_BY_THE_SDK) else quote(path, safe=_PATH_CHARACTERS)
        return send(method, escaped, *args, **more)

    vars(api)["do"] = send_escaped
    return client


@lru_cache(maxsize=32)
def open_aws(target: Target, role: str) -> boto3.Session:
    """Return the AWS session of a role.

    Raises:
        WorkspaceUnreachable: the profile is missing.
    """
    import boto3
    import botocore.session
    from botocore.exceptions import ProfileNotFound

    profile = target.profile(role)
    core = botocore.session.Session(profile=profile)
    if target.profiles_home is not None:
        core.set_config_variable("credentials_file", str(target.profiles_home / "aws" / "credentials"))
        core.set_config_variable("config_file", str(target.profiles_home / "aws" / "config"))
    try:
        session = boto3.Session(botocore_session=core, region_name=target.region)
    except ProfileNotFound as error:
        raise WorkspaceUnreachable(_explain(target, profile, str(error))) from error
    core.register_component("data_loader", _aws_models())
    return session


def open_aws_client(target: Target, role: str, service: str, call_seconds: float | None = None) -> Any:
    """Return the boto3 client of a service, made once: it takes a twentieth of a second, and threads may share it.

    `call_seconds`: a call without an answer is given up after so long, and tried once more; else boto3's own defaults.

    Raises:
        WorkspaceUnreachable: the profile is missing.
    """
    with _making_aws_clients:  # which is not thread-safe; and what many threads miss at once is made once
        return _make_aws_client(target, role, service, call_seconds)


@lru_cache(maxsize=128)
def _make_aws_client(target: Target, role: str, service: str, call_seconds: float | None) -> Any:
    from botocore.config import Config

    limits = Config(
        connect_timeout=call_seconds, read_timeout=call_seconds, retries={"mode": "standard", "total_max_attempts": 2}
    )
    return open_aws(target, role).client(service, config=limits if call_seconds else None)  # type: ignore[call-overload]


def forget_clients() -> None:
    """Open clients anew from now on: those of before lead to a local workspace that is gone."""
    for opened in (open_workspace, open_aws, _make_aws_client):
        opened.cache_clear()


def _forget_aws_clients() -> None:
    """Let a forked process make its own: connections are its parent's, and a lock may be a thread's that it has not."""
    global _making_aws_clients
    _making_aws_clients = threading.Lock()
    _make_aws_client.cache_clear()


os.register_at_fork(after_in_child=_forget_aws_clients)


@lru_cache(maxsize=1)
def _aws_models() -> Loader:
    """Return what boto3 knows of AWS services: read once, in a tenth of a second, for the sessions of all roles."""
    from botocore.loaders import create_loader

    return create_loader()


def name_local_up(target: Target) -> str:
    """Return the command that brings a target's local workspace up."""
    name = target.profiles_home.name if target.profiles_home else "default"
    return "`lakehouse local up`" if name == "default" else f"`lakehouse local up --name {name}`"


def _databricks_file(target: Target) -> str | None:
    return None if target.profiles_home is None else str(target.profiles_home / "databrickscfg")


def _changed_at(config_file: str | None) -> int | None:
    """Return when the profiles were last written, as a Unix time in ns; None while they are not there."""
    try:
        return Path(config_file or "~/.databrickscfg").expanduser().stat().st_mtime_ns
    except FileNotFoundError:
        return None


def _explain(target: Target, profile: str, error: str) -> str:
    if target.profiles_home is not None:
        return f"The local workspace in {target.profiles_home} was never up: run {name_local_up(target)} ({error})"
    return f"Profile {profile} is missing or incomplete in ~/.databrickscfg or ~/.aws: {error}"
