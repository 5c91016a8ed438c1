"""Handler threads by caller, so that nobody's calls wait for somebody else's.

Each principal has threads of its own; so have the Spark server, and all calls without a token together. The waiting
for a thread is the event loop's and costs none. Whoever has too many calls waiting is refused before anything is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import anyio.to_thread

from local_workspace.gateway.errors import too_many_requests

THREADS = 32  # of one caller; the work itself is mostly elsewhere: in moto, in SQLite
MOST_WAITING = 256  # calls of one caller that wait for one of its threads
ENGINE_THREADS = 64  # the Spark server asks for all principals, and its calls are never refused
RETRY_AFTER_S = 1
Result = TypeVar("Result")


@dataclass(frozen=True)
class Caller:
    """Whose threads a call takes: a principal's by its `name`, the Spark server's, or those of all without a token."""

    kind: str
    name: str = ""


ENGINE = Caller("engine")
OPEN = Caller("open")


@dataclass
class Shares:
    """The threads of all callers. Used on one event loop; who has no call under way leaves nothing behind."""

    limiters: dict[Caller, anyio.CapacityLimiter] = field(default_factory=dict)
    under_way: Counter[Caller] = field(default_factory=Counter)

    async def begin(self, caller: Caller, work: Callable[[], Result]) -> Result:
        """Run a new call in a thread of the caller's.

        Raises:
            ApiError: 429 when too many of its calls wait already; nothing of the call was done.
        """
        if caller != ENGINE and self.under_way[caller] >= THREADS + MOST_WAITING:
            whose = f"'{caller.name}'" if caller.name else "callers without a token"
            raise too_many_requests(
                f"{THREADS} calls of {whose} run and {MOST_WAITING} wait; call again after Retry-After.", RETRY_AFTER_S
            )
        return await self.run(caller, work)

    async def run(self, caller: Caller, work: Callable[[], Result]) -> Result:
        """Run what belongs to a call that has begun: it is never refused."""
        threads = ENGINE_THREADS if caller == ENGINE else THREADS
        limiter = self.limiters.setdefault(caller, anyio.CapacityLimiter(threads))
        self.under_way[caller] += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=limiter)
        finally:
            self.under_way[caller] -= 1
            if not self.under_way[caller]:
                del self.under_way[caller], self.limiters[caller]
