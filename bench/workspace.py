"""The workspace that comparisons run on: its own state, estate applied, up while the block runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from lakehouse.targets import Settings, Target, read_settings
from lakehouse.workspace import forget_clients

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

NAME = "bench"


class WrongWorkspace(Exception):
    """Comparisons were about to start over a workspace that is not theirs."""


@contextmanager
def bench_workspace() -> Iterator[Target]:
    """Bring a fresh local workspace up for the block and remove it afterwards.

    Raises:
        WrongWorkspace: the environment does not choose the one that is theirs.
    """
    from local_workspace import lifecycle
    from platform_assets.estate import apply_estate

    settings = require_bench(read_settings())
    lifecycle.down(NAME, settings.home)
    lifecycle.reset(NAME, settings.home)
    lifecycle.up(NAME, settings.home, settings.cache_home)
    forget_clients()  # of the comparison before
    try:
        report = apply_estate(settings.target)
        assert not report.failures, report.failures
        yield settings.target
    finally:
        lifecycle.down(NAME, settings.home)
        lifecycle.reset(NAME, settings.home)


def require_bench(settings: Settings) -> Settings:
    """Return the settings if they choose the comparisons' own workspace: code locations read them, too."""
    if settings.workspace != NAME or settings.target_name != "local":
        raise WrongWorkspace(f"Run `make bench`, or set LAKEHOUSE_TARGET=local and LAKEHOUSE_WORKSPACE={NAME}")
    return settings


@dataclass
class Calls:
    """How many REST calls the orchestrator made; what code on the workspace calls is not in it."""

    count: int = 0


@contextmanager
def count_calls(admin: WorkspaceClient) -> Iterator[Calls]:
    """Count the calls of the block, by the workspace's request log and the orchestrator's user agent."""
    calls = Calls()
    admin.api_client.do("DELETE", "/local/requests")
    yield calls
    answer = admin.api_client.do("GET", "/local/requests")
    assert isinstance(answer, dict)
    calls.count = sum(one["user_agent"].startswith("lakehouse/") for one in answer["requests"])


def land_days(target: Target, first: date, last: date) -> None:
    """Land real flights and weather of a range of days, and the reference sets."""
    from demo.landing import land

    land(target, first, last, lambda _text: None)
