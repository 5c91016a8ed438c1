"""A stream over landed files, on the real Spark server; what it takes of them is in tests/flows/test_arrival.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_assets.steps._plan import Output, Plan


def test_where_nothing_has_ever_landed_there_is_nothing_to_read(session: Any, tmp_path: Path) -> None:
    from data_assets.steps._run import StepRun
    from data_assets.steps._stream import list_streamed, read_changed, read_stream

    output = Output("weather", "weather", "weather", "append_stream", ())
    run = StepRun(session, Plan("weather", (output,), {}, None, landing=str(tmp_path / "weather")))
    landed = read_stream(run)
    assert (landed.columns, landed.count()) == (["value", "_source_file", "_source_version"], 0)
    assert list_streamed(run, "weather") == []
    assert read_changed(run, "weather") is None
