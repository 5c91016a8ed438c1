"""Who is named from rows of the audit log, and which types have a trace in it."""

from __future__ import annotations

import pytest

from platform_assets.permissions import PERMISSIONS
from platform_assets.reconcile.audit_trail import ACTIONS, Trace, build_query, find_changer
from platform_assets.reconcile.plan import Changer

TRACE = Trace(("jobs.update", "jobs.delete"), ("Seven",), "deployer")
ANN = ["jobs.update", "seven", "ann", "1764000000000"]
NAMED = Changer("ann", "2025-11-24 16:00:00+00:00", "update")
# no events of the audit log that is documented, or none that says which resource it is about
WITHOUT_TRACE = {
    *("kms_key", "sqs_queue", "s3_bucket", "iam_role", "service_principal", "wheel", "jar", "token_policy"),
    *("registered_model", "experiment", "pipeline", "serving_endpoint", "query", "alert", "dashboard"),
    *("repo", "volume_file", "control_plane_role", "workspace_assignment"),
}


@pytest.mark.parametrize(
    ("rows", "changer"),
    [
        ([], None),
        ([ANN], NAMED),
        ([ANN, ["jobs.delete", "seven", "bob", "1763999999999"]], NAMED),
        ([ANN, ["jobs.delete", "seven", "deployer", "1763999999999"]], NAMED),
        ([ANN, ["jobs.update", "seven", "deployer", "1764000000001"]], None),
        ([ANN, ["jobs.update", "eight", "bob", "1764000000001"]], NAMED),
        ([ANN, ["jobs.create", "seven", "bob", "1764000000001"]], NAMED),
    ],
    ids=["nobody", "one", "the later", "after the deployer", "before the deployer", "of another", "another action"],
)
def test_the_last_is_named_unless_it_is_the_deployer(rows: list[list[str]], changer: Changer | None) -> None:
    assert find_changer(TRACE, rows) == changer


def test_names_cannot_leave_their_quotes() -> None:
    text = build_query([Trace(("secrets.putSecret",), ("it's \\' OR 1=1",), "deployer")])
    assert r"object IN ('it\'s \\\' or 1=1')" in text
    assert "action IN ('secrets.putSecret')" in text


def test_every_type_has_a_trace_or_a_reason_for_none() -> None:
    assert ACTIONS.keys() | WITHOUT_TRACE == PERMISSIONS.keys()
    assert not ACTIONS.keys() & WITHOUT_TRACE
