"""`lakehouse demo denials`: each mistake is refused as it should be, and a difference is told by the exit code."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from demo import denials
from lakehouse.cli import app
from lakehouse.targets import Target, read_settings

RUNNER = CliRunner()


def test_every_mistake_names_cause_and_remedy(warm_target: Target) -> None:
    done = RUNNER.invoke(app, ["demo", "denials", "--json"])
    outcomes = json.loads(done.stdout)
    wrong = [one for one in outcomes if not one["as_expected"]]
    assert wrong == [] and done.exit_code == 0
    assert len(outcomes) == len(denials.list_trials(warm_target)) == 9
    assert [one["tried"] for one in outcomes if one["seen"] == denials.PRINTS] == [one["tried"] for one in outcomes[:2]]
    assert all("Remedy: " in one["seen"] for one in outcomes[2:])


def test_a_difference_is_told(warm_target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A denial that is expected and does not come, and a run that should work and does not."""
    target = denials.denials_target(warm_target)
    runs, *_, missing = [one for one in denials.list_trials(target) if one.tried.startswith(("every", "missing"))]
    swapped = (replace(missing, path=runs.path), replace(runs, path=missing.path))
    monkeypatch.setattr(denials, "list_trials", lambda target: swapped)
    done = RUNNER.invoke(app, ["demo", "denials"])
    assert done.exit_code == 1
    assert "0 of 2 as expected" in done.stdout
    assert read_settings().target == warm_target, "the estate itself is not touched"
