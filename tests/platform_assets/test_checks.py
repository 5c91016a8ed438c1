"""Which materialization a check is said to be of."""

from __future__ import annotations

import dagster as dg
import pytest

from platform_assets.checks import find_materializations


@dg.asset
def left_alone() -> None:
    pass


@dg.asset
def made_again() -> None:
    pass


def test_a_check_is_of_what_its_run_has_made_or_else_of_what_was_made_last() -> None:
    instance = dg.DagsterInstance.ephemeral()
    dg.materialize([left_alone, made_again], instance=instance)
    run_id = dg.materialize([made_again], instance=instance).run_id
    dg.materialize([made_again], instance=instance)
    found = find_materializations(instance, run_id, [left_alone.key, made_again.key, dg.AssetKey("never_made")])
    (first,) = instance.fetch_materializations(left_alone.key, limit=9).records
    _, second, _ = instance.fetch_materializations(made_again.key, limit=9).records
    assert {key: (one.storage_id, one.run_id) for key, one in found.items()} == {
        left_alone.key: (first.storage_id, first.run_id),
        made_again.key: (second.storage_id, second.run_id),
    }
    # the index keeps microseconds
    assert found[made_again.key].timestamp == pytest.approx(second.timestamp, abs=1e-5)
