"""How a client gets into a local workspace: the token and the keys of a principal, as data and as shell exports."""

from __future__ import annotations

import configparser
import json
import shlex
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse.targets import ROLES, Target

# What a shell may have set for other places, and what would then win over the exports below.
MISLEADING = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "DATABRICKS_CONFIG_PROFILE", "DATABRICKS_CLIENT_ID")


class NoSuchPrincipal(Exception):
    """Nobody of that name has a profile; the message lists who has."""


class WorkspaceIsDown(Exception):
    """Nothing listens where the token leads; the message says what to do."""


@dataclass(frozen=True)
class Access:
    """Addresses and secrets of one principal."""

    role: str
    host: str
    token: str
    aws_endpoint: str
    aws_access_key_id: str
    aws_secret_access_key: str
    region: str

    @property
    def variables(self) -> dict[str, str]:
        """The environment that points any client to the workspace."""
        return {
            "DATABRICKS_HOST": self.host,
            "DATABRICKS_TOKEN": self.token,
            "AWS_ENDPOINT_URL": self.aws_endpoint,
            "AWS_ACCESS_KEY_ID": self.aws_access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.aws_secret_access_key,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
        }


def read_access(target: Target, principal: str) -> Access:
    """Return the access of a role, or of the principal behind it, from the profiles of a local workspace.

    Raises:
        NoSuchPrincipal: it is neither.
    """
    home = target.profiles_home
    assert home is not None, "only a local workspace keeps its profiles in its own directory"
    role = find_role(target, principal)
    profile = target.profile(role)
    databricks = _read_section(home / "databrickscfg", profile)
    keys = _read_section(home / "aws" / "credentials", profile)
    settings = _read_section(home / "aws" / "config", f"profile {profile}")
    return Access(
        role=role,
        host=databricks["host"],
        token=databricks["token"],
        aws_endpoint=settings["endpoint_url"],
        aws_access_key_id=keys["aws_access_key_id"],
        aws_secret_access_key=keys["aws_secret_access_key"],
        region=settings["region"],
    )


def find_role(target: Target, principal: str) -> str:
    """Return the role that a principal has, given by its role, its name or its address.

    Raises:
        NoSuchPrincipal: with those there are.
    """
    by_name = {name: role for role, name in target.principals.items() if role in ROLES}
    role = by_name.get(principal, principal.partition("@")[0])
    if role not in ROLES:
        raise NoSuchPrincipal(f"Nobody is called {principal!r} here; there are {', '.join(ROLES)}")
    return role


def format_exports(variables: Mapping[str, str]) -> str:
    """Return the lines for a shell's `eval`."""
    exports = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([f"unset {' '.join(MISLEADING)}", *exports])


def make_page_link(access: Access, page: str = "") -> str:
    """Return a link to a web page of the workspace that works once; what logs in stands where no server logs it."""
    headers = {"Authorization": f"Bearer {access.token}"}
    request = urllib.request.Request(f"{access.host}/local/page-codes", b"", headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        code = json.load(answer)["code"]
    return f"{access.host}/#login/{code}/{page.removeprefix(access.host).lstrip('/')}".rstrip("/")


def _read_section(path: Path, section: str) -> configparser.SectionProxy:
    profiles = configparser.ConfigParser(interpolation=None)
    profiles.read(path)
    return profiles[section]
