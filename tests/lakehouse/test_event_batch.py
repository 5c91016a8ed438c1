"""Events that are stored together leave the same databases as events that are stored one by one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count, product
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationPlanned,
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.events.log import EventLogEntry
from dagster._core.execution.plan.outputs import StepOutputData, StepOutputHandle
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from lakehouse import event_log
from lakehouse.event_log import OpenSqliteEventLog

RUN, STEP, OTHER = "run", "results", "other_step"
ABOUT = AssetCheckEvaluationTargetMaterializationData(storage_id=3, run_id=RUN, timestamp=2.5)
TABLES = ("event_logs", "asset_keys", "asset_event_tags", "asset_check_executions")
ASSETS, STEPS = st.sampled_from("abc"), st.sampled_from((STEP, STEP, OTHER))


def entry(number: int, step: str, event: DagsterEvent | None) -> EventLogEntry:
    return EventLogEntry(
        error_info=None,
        user_message=f"no. {number}",
        level=10,
        run_id=RUN,
        timestamp=1_700_000_000.25 + number,
        step_key=step,
        job_name="job",
        dagster_event=event,
    )


def event(kind: dg.DagsterEventType, step: str, data: Any) -> DagsterEvent:
    return DagsterEvent(kind.value, "job", event_specific_data=data, step_key=step)


def made(asset: str, step: str, partition: str | None, version: str) -> DagsterEvent:
    tags = {"dagster/data_version": version}
    materialization = dg.AssetMaterialization(asset, metadata={"n": 1}, partition=partition, tags=tags)
    return event(dg.DagsterEventType.ASSET_MATERIALIZATION, step, StepMaterializationData(materialization))


def planned(asset: str, step: str) -> DagsterEvent:
    data = AssetCheckEvaluationPlanned(asset_key=dg.AssetKey(asset), check_name="right")
    return event(dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, step, data)


def checked(asset: str, step: str, passed: bool) -> DagsterEvent:
    about = ABOUT if passed else None
    check = dg.AssetCheckEvaluation(dg.AssetKey(asset), "right", passed, target_materialization_data=about)
    return event(dg.DagsterEventType.ASSET_CHECK_EVALUATION, step, check)


def output(step: str, name: str) -> DagsterEvent:
    return event(dg.DagsterEventType.STEP_OUTPUT, step, StepOutputData(StepOutputHandle(step, name)))


EVENTS = st.one_of(
    st.builds(made, ASSETS, STEPS, st.sampled_from((None, None, "2013-01-01")), st.sampled_from(("v1", "v2"))),
    st.builds(checked, ASSETS, STEPS, st.booleans()),
    st.builds(output, STEPS, ASSETS),
)
ACTIONS = st.lists(EVENTS | st.sampled_from(("say", "read", "enter", "leave")), max_size=25)


@contextmanager
def opened(home: Path) -> Iterator[OpenSqliteEventLog]:
    """A log in which the checks of two of the three assets are planned."""
    log = OpenSqliteEventLog(str(home))
    for number, asset in enumerate("ab"):
        log.store_event(entry(number, STEP, planned(asset, STEP)))
    yield log
    log.dispose()


def read_tables(home: Path) -> dict[str, list[dict[str, Any]]]:
    found = {}
    for shard, table in product(("index", RUN), TABLES):
        with closing(sqlite3.connect(home / "history" / "runs" / f"{shard}.db")) as database:
            cursor = database.execute(f"SELECT * FROM {table} ORDER BY id")
            columns = [column for column, *_ in cursor.description]
            found[f"{shard}.{table}"] = [dict(zip(columns, row, strict=True)) for row in cursor]
    for row in (row for rows in found.values() for row in rows):
        row.pop("create_timestamp", None)
    return found


def read(log: OpenSqliteEventLog) -> list[Any]:
    keys = [dg.AssetKey(name) for name in "abc"]
    checks = [log.get_asset_check_execution_history(dg.AssetCheckKey(key, "right"), 9) for key in keys]
    return [log.get_logs_for_run(RUN), *([record.event for record in history] for history in checks)]


def carry_out(action: DagsterEvent | str, number: int, log: OpenSqliteEventLog, holder: ExitStack) -> list[Any]:
    """Do it, and return what the log then tells, if that was asked for."""
    if isinstance(action, DagsterEvent):
        log.store_event(entry(number, action.step_key or "", action))
    elif action == "say":
        log.store_event(entry(number, STEP, None))
    elif action == "enter":
        holder.enter_context(log.holding(RUN, STEP))
    elif action == "leave":
        holder.close()
    return read(log) if action == "read" else []


def test_the_databases_are_the_same_and_so_is_what_is_read_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "MOST_HELD", 4)
    numbers = count(2)
    with opened(tmp_path / "held") as held, opened(tmp_path / "single") as single:

        @settings(max_examples=40, deadline=None)
        @given(ACTIONS)
        def compare(actions: list[DagsterEvent | str]) -> None:
            with ExitStack() as holder, ExitStack() as nothing:
                for action in actions:
                    number = next(numbers)
                    told = carry_out(action, number, held, holder)
                    assert told == carry_out("" if action == "enter" else action, number, single, nothing)
            assert read_tables(tmp_path / "held") == read_tables(tmp_path / "single")

        compare()


def test_up_to_so_many_are_held_of_the_step_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MOST_HELD", 3)

    def stored() -> int:
        return len(read_tables(tmp_path)[f"{RUN}.event_logs"]) - 2

    with opened(tmp_path) as log, log.holding(RUN, STEP):
        seen = []
        for number, step in enumerate([STEP, STEP, OTHER, STEP, STEP, STEP, STEP]):
            log.store_event(entry(number, step, output(step, "a")))
            seen.append(stored())
        assert seen == [0, 0, 3, 3, 3, 6, 6]
        log.store_event(entry(9, STEP, None))
        assert stored() == 8, "a message waits for nothing"


def test_another_thread_s_events_are_not_held(tmp_path: Path) -> None:
    with opened(tmp_path) as log, log.holding(RUN, STEP), ThreadPoolExecutor(1) as other:
        log.store_event(entry(2, STEP, output(STEP, "held")))
        other.submit(log.store_event, entry(3, STEP, output(STEP, "not"))).result()
        stored = read_tables(tmp_path)[f"{RUN}.event_logs"]
        assert [json.loads(row["event"])["user_message"] for row in stored] == ["no. 0", "no. 1", "no. 3"]


def test_what_a_database_refuses_is_held_until_it_takes_it_and_then_stored_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "BUSY_TIMEOUT_S", 0.05)
    with opened(tmp_path) as log:
        with (
            pytest.raises(OperationalError, match="locked"),
            closing(sqlite3.connect(tmp_path / "history" / "runs" / "index.db")) as someone,
        ):
            someone.execute("BEGIN IMMEDIATE")
            with log.holding(RUN, STEP):
                log.store_event(entry(2, STEP, made("a", STEP, None, "v1")))
        stored = log.get_logs_for_run(RUN)
        assert [one.user_message for one in stored] == ["no. 0", "no. 1", "no. 2"]
        assert log.get_latest_materialization_events([dg.AssetKey("a")])[dg.AssetKey("a")] == stored[-1]
