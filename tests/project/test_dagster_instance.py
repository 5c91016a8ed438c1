"""deploy/dagster.yaml is an instance Dagster accepts, with what a killed run needs to let go of its slots."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest

from lakehouse.event_log import OpenSqliteEventLog
from lakehouse.run_launcher import WarmRunLauncher

SOURCE = Path(__file__).parent.parent.parent / "deploy" / "dagster.yaml"


def test_the_instance_loads_as_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copyfile(SOURCE, tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.run_monitoring_enabled
        assert instance.get_settings("run_monitoring")["free_slots_after_run_end_seconds"] == 20
        assert isinstance(instance.run_launcher, WarmRunLauncher)
        assert instance.run_retries_enabled and not instance.run_retries_retry_on_asset_or_op_failure
        assert not instance.get_settings("telemetry")["enabled"]
        assert instance.get_concurrency_config().run_queue_config is not None
        assert isinstance(instance.event_log_storage, OpenSqliteEventLog)
    assert (tmp_path / "history" / "runs" / "index.db").exists()
