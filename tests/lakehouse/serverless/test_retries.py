"""Which errors another try may mend: what names no class is not known, and is tried again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import requests

from lakehouse.serverless.retries import may_pass, tell_cause

MAY_PASS = [
    "ConnectionResetError: [Errno 104] Connection reset by peer",
    "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='x', port=443)",
    "java.net.SocketTimeoutException: Read timed out",
    "io.delta.exceptions.ConcurrentAppendException: [DELTA_CONCURRENT_APPEND] Files were added",
    "DeltaConcurrentModificationException: [DELTA_CONCURRENT_DELETE_READ] x",
    "SparkConnectGrpcException: <_MultiThreadedRendezvous of RPC that terminated with: status = StatusCode.UNAVAILABLE",
    "ClientError: An error occurred (SlowDown) when calling the PutObject operation",
    "OSError: [Errno 5] Input/output error: '/Volumes/a/b/c/d'",
    "Workload failed, see run output for details",
    "TimeoutError",
]
NEVER = [
    "ValueError: no",
    "ValueError",
    "SyntaxError: invalid syntax (step.py, line 3)",
    "ModuleNotFoundError: No module named 'steps'",
    "PermissionError: [Errno 13] Permission denied: '/Volumes/a/b/c/d'",
    "AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table x cannot be found",
    "SparkConnectGrpcException: (org.apache.spark.SparkDateTimeException) [CAST_INVALID_INPUT] The value 'x'",
    "ClientError: An error occurred (AccessDenied) when calling the GetObject operation: Access Denied",
    "java.lang.NullPointerException: x",
    "KeyError: 'ConnectionError: not of this class'",
    "OSError: [Errno 28] No space left on device",
    "Library installation failed for '/Volumes/a/b/c/w.whl': The file does not exist",
]


@pytest.mark.parametrize("error", MAY_PASS)
def test_what_may_pass_is_tried_again(error: str) -> None:
    assert may_pass(error)


@pytest.mark.parametrize("error", NEVER)
def test_what_the_code_or_the_caller_must_mend_is_not(error: str) -> None:
    assert not may_pass(error)


def context(retry: int) -> Any:
    return SimpleNamespace(op_def=SimpleNamespace(retry_policy=dg.RetryPolicy(2)), retry_number=retry)


@pytest.mark.parametrize("error", [TimeoutError("Timed out after 0:00:30"), requests.ConnectionError("refused")])
@pytest.mark.parametrize("retry", [0, 2])
def test_a_workspace_that_does_not_answer_is_named_with_what_starts_it(error: Exception, retry: int) -> None:
    with pytest.raises(dg.Failure) as failed, tell_cause(context(retry), "http://127.0.0.1:4433"):
        raise error
    said = str(failed.value.description)
    assert said.startswith(f"The workspace at http://127.0.0.1:4433 does not answer ({type(error).__name__}: {error}).")
    assert "`lakehouse local up` starts it" in said
    assert failed.value.allow_retries is (retry < 2)


@pytest.mark.parametrize(("retry", "kind"), [(0, KeyError), (2, dg.Failure)])
def test_another_error_is_itself_and_on_the_last_try_a_failure_that_says_it(retry: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="no such thing"), tell_cause(context(retry), None):
        raise KeyError("no such thing")
