"""Files of a local workspace that its clients read: where it listens, and the profiles of its principals.

Written whole or not at all; those with secrets are readable by their owner only. Layout: docs/architecture.md.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

PROFILE_PREFIX = "local-"
NAME_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"


class InvalidName(ValueError):
    """A workspace cannot be called that: the name is also the name of its directory."""


@dataclass(frozen=True)
class Endpoints:
    """Where a running workspace listens, and its processes."""

    name: str
    host: str
    aws_endpoint: str
    spark_connect: str
    pid: int
    pids: Mapping[str, int] = field(default_factory=dict)


def workspace_home(home: Path, name: str) -> Path:
    """Return the directory of one local workspace under the state home.

    Raises:
        InvalidName: with the names that are possible.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidName(f"A workspace cannot be called {name!r}; use letters, digits, '.', '_' and '-', at most 63")
    return home / "local" / name


def close_to_others(home: Path, directory: Path) -> None:
    """Make the state home and a workspace's directory their owner's alone, with all that lies in an open one."""
    for path in (home, directory.parent, directory):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    was_open = directory.stat().st_mode & 0o077
    for path in [*(directory.rglob("*") if was_open else ()), directory, directory.parent, home]:
        with contextlib.suppress(FileNotFoundError):  # what runs there removes files
            if not path.is_symlink() and path.stat().st_mode & 0o077:
                path.chmod(path.stat().st_mode & ~0o077)


def read_endpoints(directory: Path) -> Endpoints | None:
    """Return the endpoints the gateway wrote, None when there are none."""
    try:
        return Endpoints(**json.loads((directory / "endpoints.json").read_text()))
    except FileNotFoundError:
        return None


def write_endpoints(directory: Path, endpoints: Endpoints) -> None:
    """Say that the workspace is up; the last file to be written."""
    write_atomically(directory / "endpoints.json", json.dumps(asdict(endpoints), indent=2) + "\n")


def remove_endpoints(directory: Path) -> None:
    """Say that the workspace is not up."""
    (directory / "endpoints.json").unlink(missing_ok=True)


def profile_name(role: str) -> str:
    """Return the name of the role's profile, in all profile files."""
    return PROFILE_PREFIX + role


def read_tokens(directory: Path) -> dict[str, str]:
    """Return role -> token of the profiles that were written before."""
    profiles = configparser.ConfigParser()
    profiles.read(directory / "databrickscfg")
    return {name.removeprefix(PROFILE_PREFIX): profiles[name]["token"] for name in profiles.sections()}


def read_aws_keys(directory: Path) -> dict[str, tuple[str, str]]:
    """Return role -> (access key id, secret) of the profiles that were written before."""
    profiles = configparser.ConfigParser(interpolation=None)
    profiles.read(directory / "aws" / "credentials")
    return {
        name.removeprefix(PROFILE_PREFIX): (one["aws_access_key_id"], one["aws_secret_access_key"])
        for name, one in profiles.items()
        if name != profiles.default_section
    }


def write_databricks_profiles(directory: Path, host: str, tokens: Mapping[str, str]) -> None:
    """Write one Databricks profile per role."""
    profiles = {profile_name(role): {"host": host, "token": token} for role, token in tokens.items()}
    write_atomically(directory / "databrickscfg", _format_profiles(profiles))


def write_aws_profiles(directory: Path, endpoint: str, region: str, keys: Mapping[str, tuple[str, str]]) -> None:
    """Write one AWS profile per role: keys in `credentials`, region and endpoint in `config`."""
    credentials = {
        profile_name(role): {"aws_access_key_id": key_id, "aws_secret_access_key": secret}
        for role, (key_id, secret) in keys.items()
    }
    settings = {"region": region, "endpoint_url": endpoint, "s3": "\n    addressing_style = path"}
    config = {f"profile {profile_name(role)}": settings for role in keys}
    write_atomically(directory / "aws" / "credentials", _format_profiles(credentials))
    write_atomically(directory / "aws" / "config", _format_profiles(config))


def write_atomically(path: Path, text: str) -> None:
    """Replace the file in one step; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # made with mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise


def _format_profiles(profiles: Mapping[str, Mapping[str, Any]]) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(profiles)
    buffer = StringIO()
    parser.write(buffer)
    return buffer.getvalue()
