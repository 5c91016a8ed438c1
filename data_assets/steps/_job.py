"""A step that a persistent job runs: its plan stands in the job, its days are parameters of the run. No Spark here.

It reports as it does to Dagster, into a folder that is called like the run, for whoever collects it.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from dagster_pipes import PipesParams, PipesParamsLoader, decode_param

from ._plan import InvalidPlan

PLAN, START, END, MESSAGES, RUN = "--job-plan", "--start", "--end", "--messages", "--job-run-id"
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:([+-]\d{1,4})d)?")


class JobParamsLoader(PipesParamsLoader):
    """Makes of a task's arguments what Dagster would have handed over."""

    def __init__(self, arguments: Sequence[str]) -> None:
        parser = ArgumentParser(allow_abbrev=False)
        for name in (PLAN, START, END, MESSAGES, RUN):
            parser.add_argument(name, default="")
        self._given, _ = parser.parse_known_args(list(arguments))

    def is_dagster_pipes_process(self) -> bool:
        """Say whether a job started the process."""
        return bool(self._given.job_plan)

    def load_context_params(self) -> PipesParams:
        """Return the context of a run over the days that the parameters name.

        Raises:
            InvalidPlan: they name none.
        """
        plan = decode_param(self._given.job_plan)
        if any(output["daily"] for output in plan["outputs"]):
            start, end = parse_days(self._given.start, self._given.end)
            plan |= {"start": start, "end": end}
        data: dict[str, Any] = {
            "asset_keys": [output["asset_key"] for output in plan["outputs"]],
            "code_version_by_asset_key": None,
            "provenance_by_asset_key": None,
            "partition_key": None,
            "partition_key_range": None,
            "partition_time_window": None,
            "run_id": self._given.job_run_id,
            "job_name": None,
            "retry_number": 0,
            "extras": plan,
        }
        return {"data": data}

    def load_messages_params(self) -> PipesParams:
        """Return where messages go."""
        return {"path": self._given.messages}


def parse_days(start: str, end: str) -> tuple[str, str]:
    """Return the first and last day that two parameters name, such as 2013-01-31 or, the day before it, 2013-01-31-1d.

    Raises:
        InvalidPlan: naming the parameter.
    """
    first, last = _parse_day("start", start), _parse_day("end", end)
    if first > last:
        raise InvalidPlan(f"The parameter start, {first}, is after end, {last}")
    return first.isoformat(), last.isoformat()


def _parse_day(name: str, text: str) -> date:
    match = _DAY.fullmatch(text.strip())
    try:
        if match:
            return date.fromisoformat(match[1]) + timedelta(int(match[2] or 0))
    except (ValueError, OverflowError):
        pass
    raise InvalidPlan(f"The parameter {name} is {text!r}, which is no day: it is like 2013-01-31, or 2013-01-31-1d")
