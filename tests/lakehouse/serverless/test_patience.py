"""Which errors are waited out, and for how long."""

import pytest
import requests
from databricks.sdk import errors

from lakehouse.serverless.patience import call_patiently, is_transient


class Flaky:
    """Fails with the errors given, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.pauses: list[float] = []

    def __call__(self) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


@pytest.mark.parametrize("error", [errors.InternalError("x"), requests.ConnectionError(), TimeoutError()])
def test_an_unwell_service_is_waited_for(error: Exception) -> None:
    call = Flaky(error, error)
    assert call_patiently(call, 60, call.pauses.append) == "answer"
    assert len(call.pauses) == 2 and call.pauses[1] > call.pauses[0]


def test_a_name_that_is_not_resolved_is_waited_for() -> None:
    session = requests.Session()
    session.trust_env = False  # a proxy would answer for it
    with pytest.raises(requests.ConnectionError) as failure:
        session.get("http://workspace.invalid/")
    assert is_transient(failure.value)


@pytest.mark.parametrize("error", [errors.PermissionDenied("x"), errors.NotImplemented("x"), ValueError("x")])
def test_the_callers_own_fault_is_raised_at_once(error: Exception) -> None:
    assert not is_transient(error)
    with pytest.raises(type(error)):
        call_patiently(Flaky(error), 60)


EXPIRED = [
    errors.PermissionDenied("Invalid access token."),
    errors.PermissionDenied("Access token has expired."),
    errors.Unauthenticated("Token is expired"),
]


@pytest.mark.parametrize("error", EXPIRED)
def test_a_token_that_has_worked_is_waited_for_to_be_renewed(error: Exception) -> None:
    call = Flaky(error, error)
    assert call_patiently(call, 60, call.pauses.append, midway=True) == "answer"
    with pytest.raises(type(error)):
        call_patiently(Flaky(error), 60, call.pauses.append)


def test_a_missing_grant_is_no_expired_token() -> None:
    with pytest.raises(errors.PermissionDenied):
        call_patiently(Flaky(errors.PermissionDenied("User 'x' does not have SELECT")), 60, midway=True)


def test_the_last_error_is_raised_at_the_deadline() -> None:
    call = Flaky(*[errors.InternalError(str(number)) for number in range(9)])
    with pytest.raises(errors.InternalError, match="0"):
        call_patiently(call, 0, call.pauses.append)
    assert call.pauses == []
