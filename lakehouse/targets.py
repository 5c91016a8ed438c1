"""Targets: where the project runs (local, dev, qa, prod, dr) and how things are called there. Data, validated.

The only reader of environment variables; everything else receives a `Target`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

ROLES = ("admin", "deployer", "pipeline", "analyst", "outsider")
PLACEHOLDER_ACCOUNT = "000000000000"
ROOT = Path(__file__).parent.parent


class UnknownTarget(Exception):
    """LAKEHOUSE_TARGET names no target; the message lists those there are."""


class InvalidTarget(Exception):
    """A target's data cannot be right; the message names target, field and remedy."""


@dataclass(frozen=True)
class Target:
    """One environment. Logical names are the same everywhere; the prefixes here make the physical ones.

    `principals` maps the roles pipeline, deployer and analysts to the names that grants go to.
    `bucket_principals` are ARN patterns that buckets let in beside the storage role: deployer, pipeline, break-glass.
    `workspace_ids`: of this target and of others that catalogs are shared with, by the target's name.
    `iam_settle_seconds`: how long a changed IAM role may take to be known everywhere.
    `alert_emails` and `alert_destinations` (ids of notification destinations) are told when a persistent job fails;
    `budget_policy_id` is the serverless budget policy whose tags stand on the bill.
    `recovers` names the target whose estate this one stands in for when that is lost: the mark of a recovery target.
    `profiles` is what its profiles' names start with, where that is not its own name.
    `profiles_home` holds the profile files of a local workspace; None means the user's own files.
    """

    name: str
    region: str
    aws_account: str
    databricks_account: str  # also the External ID that storage roles demand
    bucket_prefix: str
    principals: Mapping[str, str] = field(hash=False)
    catalog_prefix: str = ""
    warehouse: str = "Serverless Starter Warehouse"  # every new workspace has it
    environment_version: str = "4"
    parallel_calls: int = 8
    bucket_principals: tuple[str, ...] = ()
    workspace_ids: Mapping[str, int] = field(default_factory=dict, hash=False)
    iam_settle_seconds: float = 60.0
    step_timeout_seconds: int = 3600
    call_deadline_seconds: int = 300
    alert_emails: tuple[str, ...] = ()
    alert_destinations: tuple[str, ...] = ()
    budget_policy_id: str | None = None
    recovers: str | None = None
    profiles: str | None = None
    profiles_home: Path | None = None

    def __post_init__(self) -> None:
        self._require("aws_account", r"\d{12}", "the 12 digits of an AWS account")
        self._require("bucket_prefix", r"[a-z][a-z0-9-]{2,40}", "lower-case letters, digits and hyphens")
        self._require("catalog_prefix", r"([a-z][a-z0-9_]*_)?", "empty, or lower-case letters ending in _")
        self._require("region", r"[a-z]{2}(-[a-z]+)+-\d", "an AWS region such as eu-central-1")
        missing = {"pipeline", "deployer", "analysts"} - set(self.principals)
        if missing:
            raise InvalidTarget(f"Target {self.name}: principals lacks {', '.join(sorted(missing))}")
        if self.recovers == self.name:
            raise InvalidTarget(f"Target {self.name}: recovers must name another target, got its own name")

    def _require(self, name: str, pattern: str, expected: str) -> None:
        value = getattr(self, name)
        if not re.fullmatch(pattern, value):
            raise InvalidTarget(f"Target {self.name}: {name} must be {expected}, got {value!r}")

    def bucket(self, purpose: str) -> str:
        """Return the name of the bucket for a purpose: landing, lake, artifacts or recovery."""
        return f"{self.bucket_prefix}-{purpose}"

    def queue(self, purpose: str) -> str:
        """Return the name of an SQS queue."""
        return f"{self.bucket_prefix}-{purpose}"

    def iam_role(self, purpose: str) -> str:
        """Return the name of an IAM role."""
        return f"{self.bucket_prefix}-{purpose}"

    def iam_role_arn(self, purpose: str) -> str:
        """Return the ARN of an IAM role."""
        return f"arn:aws:iam::{self.aws_account}:role/{self.iam_role(purpose)}"

    def catalog(self, logical: str) -> str:
        """Return the physical name of a catalog; Unity Catalog keeps all names in lower case."""
        return (self.catalog_prefix + logical).lower()

    def account_wide(self, logical: str) -> str:
        """Return the physical name of a storage credential or external location: the metastore is shared."""
        return f"{self.bucket_prefix.replace('-', '_')}_{logical}"

    def profile(self, role: str) -> str:
        """Return the name of the Databricks and AWS profile of a role.

        Raises:
            InvalidTarget: there is no such role.
        """
        if role not in ROLES:
            raise InvalidTarget(f"No role {role!r}; there are {', '.join(ROLES)}")
        return f"{self.profiles or self.name}-{role}"


_EXAMPLE_PRINCIPALS = {
    "deployer": "00000000-0000-0000-0000-00000000000d",
    "pipeline": "00000000-0000-0000-0000-00000000000e",
    "analysts": "analysts",
}


_BUCKET_ROLES = ("admin", "deployer", "pipeline")


def _remote(name: str, catalog_prefix: str, region: str = "eu-central-1", recovers: str | None = None) -> Target:
    """A target on a real account: put your own account, principals and region here."""
    return Target(
        name=name,
        region=region,
        aws_account=PLACEHOLDER_ACCOUNT,
        databricks_account="00000000-0000-0000-0000-000000000000",
        bucket_prefix=f"lakehouse-{name}",
        catalog_prefix=catalog_prefix,
        principals=_EXAMPLE_PRINCIPALS,
        bucket_principals=tuple(f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/lakehouse-{role}" for role in _BUCKET_ROLES),
        parallel_calls=16,
        recovers=recovers,
    )


RECOVERY = "dr"  # the name that people use for whatever recovers the target that they have chosen
REMOTE: Mapping[str, Target] = {
    target.name: target
    for target in (
        _remote("dev", "dev_"),
        _remote("qa", "qa_"),
        _remote("prod", ""),
        _remote(RECOVERY, "", region="eu-west-1", recovers="prod"),
    )
}
LOCAL, LOCAL_RECOVERY = "local", "local-dr"
LOCAL_WORKSPACE_ID = 1234567890123456  # of every local workspace, as it says itself on each answer
NAMES = (LOCAL, LOCAL_RECOVERY, *REMOTE)
_RECOVERY_WORKSPACE = "-dr"  # the local workspace that recovers another has its name with this end


def local_target(home: Path, workspace: str = "default") -> Target:
    """Return the target of a local workspace whose state is under `home`.

    One whose name ends in -dr is in another region and recovers the one without.
    """
    if workspace.endswith(_RECOVERY_WORKSPACE):
        primary = local_target(home, workspace.removesuffix(_RECOVERY_WORKSPACE))
        return replace(
            primary,
            name=LOCAL_RECOVERY,
            region="eu-west-1",
            bucket_prefix="lakehouse-local-dr",
            workspace_ids={LOCAL_RECOVERY: LOCAL_WORKSPACE_ID},
            recovers=LOCAL,
            profiles_home=home / "local" / workspace,
        )
    return Target(
        name=LOCAL,
        region="eu-central-1",
        aws_account="123456789012",
        databricks_account="0d26daa6-5e44-4c97-a497-ef015f91254a",
        bucket_prefix="lakehouse-local",
        principals={
            "deployer": "11111111-0000-4000-8000-000000000001",
            "pipeline": "22222222-0000-4000-8000-000000000002",
            "analysts": "analysts",
        },
        call_deadline_seconds=30,
        workspace_ids={LOCAL: LOCAL_WORKSPACE_ID},
        bucket_principals=tuple(f"arn:aws:iam::123456789012:user/lakehouse-{role}" for role in _BUCKET_ROLES),
        iam_settle_seconds=3.0,
        profiles=LOCAL,
        alert_emails=("data-platform@example.com",),
        profiles_home=home / "local" / workspace,
    )


@dataclass(frozen=True)
class Settings:
    """What the environment says: LAKEHOUSE_TARGET, LAKEHOUSE_HOME, LAKEHOUSE_WORKSPACE, and the cache directory.

    `no_color`: output has no escape sequences.
    """

    target_name: str
    home: Path
    workspace: str
    cache_home: Path
    dagster_home: Path
    no_color: bool = False

    @property
    def target(self) -> Target:
        """The chosen target.

        Raises:
            UnknownTarget: with the valid names.
            InvalidTarget: its data is still the example's.
        """
        return self.find_target(self.target_name)

    @property
    def recovery_workspace(self) -> str:
        """The name of the local workspace that recovers the chosen one."""
        return f"{self.workspace.removesuffix(_RECOVERY_WORKSPACE)}{_RECOVERY_WORKSPACE}"

    def find_target(self, name: str) -> Target:
        """Return a target by its name; `dr` is what recovers the chosen one.

        Raises:
            UnknownTarget: with the valid names.
            InvalidTarget: its data is still the example's.
        """
        is_local = self.target_name in (LOCAL, LOCAL_RECOVERY)
        if name == LOCAL_RECOVERY or (name == RECOVERY and is_local):
            return local_target(self.home, self.recovery_workspace)
        if name == LOCAL:
            return local_target(self.home, self.workspace)
        if name not in REMOTE:
            raise UnknownTarget(f"There is no target {name!r} (LAKEHOUSE_TARGET): the targets are {', '.join(NAMES)}")
        return require_configured(REMOTE[name])

    def find_recovered(self, target: Target) -> Target:
        """Return the target whose estate a recovery target stands in for.

        Raises:
            InvalidTarget: it stands in for none.
            UnknownTarget: for one that there is not.
        """
        if target.recovers is None:
            raise InvalidTarget(f"Target {target.name} recovers nothing: it lacks `recovers` in lakehouse/targets.py")
        if target.recovers == LOCAL:
            return local_target(self.home, self.workspace.removesuffix(_RECOVERY_WORKSPACE))
        return self.find_target(target.recovers)


def require_configured(target: Target) -> Target:
    """Return the target, refusing one whose data is still the example's.

    Raises:
        InvalidTarget: naming what to fill in.
    """
    if target.aws_account == PLACEHOLDER_ACCOUNT:
        raise InvalidTarget(
            f"Target {target.name} is not configured: put its aws_account, databricks_account, region and principals "
            "into lakehouse/targets.py (docs/how-to/use-a-real-workspace.md)"
        )
    return target


def read_settings() -> Settings:
    """Read the environment."""
    home = Path(os.environ.get("LAKEHOUSE_HOME") or ROOT / ".lakehouse").absolute()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Settings(
        target_name=os.environ.get("LAKEHOUSE_TARGET") or "local",
        home=home,
        workspace=os.environ.get("LAKEHOUSE_WORKSPACE") or "default",
        cache_home=caches / "lakehouse",
        dagster_home=Path(os.environ.get("DAGSTER_HOME") or home / "dagster"),
        no_color=bool(os.environ.get("NO_COLOR")),  # https://no-color.org: set and not empty
    )


def current_target() -> Target:
    """Return the target that the environment chooses."""
    return read_settings().target
