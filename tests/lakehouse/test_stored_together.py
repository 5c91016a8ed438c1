"""A step whose results are stored together: nobody sees a difference, and SIGKILL leaves nothing that is half true."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy.engine.util
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqliteEventLogStorage

from demo.dagster_runs import QUIET, open_instance
from lakehouse import event_batch, event_log
from lakehouse.event_log import stored_together
from lakehouse.executor import threaded_executor
from tests.killing import killed_at_line

SIZE = 20
KEYS = [dg.AssetKey(f"thing_{number}") for number in range(SIZE)]
CHECK = "right"
SECONDS = re.compile(r" in [0-9.]+m?s\.$")
PASSED = AssetCheckExecutionRecordStatus.SUCCEEDED
# the last has what is done before and after each commit
SOURCES = (event_log.__file__, event_batch.__file__, sqlalchemy.engine.util.__file__)


class Settings(dg.Config):
    """How the step behaves: its results stored together or one by one; failing after them or not."""

    together: bool = True
    fails: bool = False


@dg.multi_asset(
    specs=[dg.AssetSpec(key, deps=KEYS[number - 1 : number]) for number, key in enumerate(KEYS)],
    check_specs=[dg.AssetCheckSpec(CHECK, asset=key) for key in KEYS],
    can_subset=True,
)
def things(context: dg.AssetExecutionContext, config: Settings) -> Iterator[object]:
    for name, results in (("made", make(context)), ("checked", check(context))):
        if config.together:
            with stored_together(context):
                yield from results
        else:
            yield from results
        context.log.info("%s", name)
    if config.fails:
        raise dg.Failure("as told", allow_retries=False)


def make(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    for number, key in enumerate(KEYS):
        if number % 6 == 5:
            before = context.instance.get_latest_materialization_event(KEYS[number - 1])
            assert before is not None and before.run_id == context.run.run_id, "what is held is there for who asks"
        yield dg.MaterializeResult(asset_key=key, metadata={"n": number})


def check(context: dg.AssetExecutionContext) -> Iterator[dg.AssetCheckEvaluation]:
    yield from (dg.AssetCheckEvaluation(key, CHECK, True) for key in KEYS)


@dg.asset(deps=KEYS)
def after() -> None:
    pass


def job() -> dg.JobDefinition:
    made = dg.define_asset_job("things", dg.AssetSelection.all())
    return dg.Definitions(assets=[things, after], jobs=[made], executor=threaded_executor).resolve_job_def("things")


@pytest.fixture(autouse=True)
def hold_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "MOST_HELD", 7)


def run(instance: dg.DagsterInstance, parent: str | None = None, **settings: bool) -> str:
    """Run the job, or what failed of an earlier run, to its end; return the run's id."""
    config = {**QUIET, "ops": {"things": {"config": settings}}}
    again = dg.ReexecutionOptions(parent) if parent else None
    with dg.execute_job(
        dg.reconstructable(job), instance, run_config=config, raise_on_error=False, reexecution_options=again
    ) as result:
        return result.run_id


def list_events(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Return the events in the order in which the log has them, without what differs from run to run."""
    events = [event for event in instance.all_logs(run_id) if event.step_key]
    return [f"{event.dagster_event_type} {SECONDS.sub('', event.user_message)}" for event in events]


@pytest.mark.parametrize("fails", [False, True])
def test_the_log_tells_the_same_in_the_same_order(dagster_home: Path, fails: bool) -> None:
    with open_instance(dagster_home / "ours") as ours, dg.DagsterInstance.local_temp(str(dagster_home)) as stock:
        told = list_events(ours, run(ours, together=True, fails=fails))
        assert told == list_events(ours, run(ours, together=False, fails=fails))
        assert told == list_events(stock, run(stock, together=True, fails=fails))
    counts = Counter(line.split()[0].removeprefix("DagsterEventType.") for line in told)
    assert counts["ASSET_MATERIALIZATION"] == SIZE + (not fails)
    assert counts["ASSET_CHECK_EVALUATION"] == SIZE
    assert counts["STEP_FAILURE"] == fails


def test_sensors_and_the_daemon_see_every_asset_made_and_checked(dagster_home: Path) -> None:
    with open_instance(dagster_home) as instance:
        run_id = run(instance)
        assert find_missing(instance, run_id) == []
        for key in KEYS:
            (record,) = instance.fetch_materializations(key, limit=9).records
            assert record.run_id == run_id


def test_an_instance_in_memory_takes_the_step_as_well() -> None:
    result = dg.materialize([things])
    assert result.success
    assert len(result.get_asset_materialization_events()) == len(result.get_asset_check_evaluations()) == SIZE


def find_missing(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """Return what the catalog does not show as made and as checked by the run."""
    made = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization_record
        for record in instance.get_asset_records(KEYS)
    }
    unmade = [key for key in KEYS if (record := made.get(key)) is None or record.run_id != run_id]
    checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [dg.AssetCheckKey(key, CHECK) for key in KEYS]
    )
    done = [record for record in checks.values() if record.run_id == run_id and record.status is PASSED]
    passed = {record.key.asset_key for record in done}
    return [f"not made: {key}" for key in unmade] + [f"not checked: {key}" for key in KEYS if key not in passed]


def run_killed(home: Path, number: int, report: Path) -> None:
    """Run the job in a process of its own that is killed at a line it executes of the sources."""
    pid = os.fork()
    if pid == 0:
        try:
            with open_instance(home) as instance, killed_at_line(number, report, *SOURCES):
                run(instance)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def test_a_killed_step_has_succeeded_with_all_its_results_or_has_not_and_is_run_again(
    dagster_home: Path, request: pytest.FixtureRequest
) -> None:
    with open_instance(dagster_home) as instance:
        whole = list_events(instance, run(instance))
    run_killed(dagster_home, 0, dagster_home / "lines")
    lines, wanted = int((dagster_home / "lines").read_text()), request.config.getoption("--crashes")
    places = Counter(judge_kill(dagster_home, 1 + (lines - 1) * number // wanted, whole) for number in range(wanted))
    print(f"\n{wanted} steps killed at {len(places)} places, of {lines} lines executed in all")
    print("\n".join(f"{times:5}  {place}" for place, times in sorted(places.items())))


def judge_kill(home: Path, number: int, whole: list[str]) -> str:
    """Kill a run at a line, see that what is stored is true, and run it again; return where it was killed."""
    report = home / "where"
    report.unlink(missing_ok=True)
    run_killed(home, number, report)
    where = report.read_text() if report.exists() else "(had ended)"
    with open_instance(home) as instance:
        (killed,) = instance.get_runs(limit=1)
        told = list_events(instance, killed.run_id)
        assert told == whole[: len(told)], where
        stock = SqliteEventLogStorage(str(home / "history" / "runs"))
        assert len(stock.get_logs_for_run(killed.run_id)) == len(instance.all_logs(killed.run_id))
        succeeded = any("STEP_SUCCESS" in line and '"things"' in line for line in told)
        if succeeded:
            assert find_missing(instance, killed.run_id) == [], where
        if not killed.is_finished:
            instance.report_run_failed(killed)
        again = run(instance, killed.run_id)
        assert find_missing(instance, again) == [], where
        assert (instance.get_run_by_id(again) or killed).is_success
    return where
