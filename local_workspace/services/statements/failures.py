"""Why a statement failed, as its status says it: error code, and a message with condition and SQLSTATE."""

from __future__ import annotations

import re

from local_workspace.gateway.errors import ApiError
from local_workspace.gateway.store import Document

SQL_STATES = {403: ("INSUFFICIENT_PERMISSIONS", "42501"), 501: ("UNSUPPORTED_FEATURE", "0A000")}


class StatementFailed(Exception):
    """A statement's own failure, with the condition that Spark would name."""

    def __init__(self, condition: str, message: str, sql_state: str) -> None:
        super().__init__(f"[{condition}] {message} SQLSTATE: {sql_state}")
        self.sql_state = sql_state


class SparkLost(Exception):
    """Spark ended before the statement did."""

    def __init__(self) -> None:
        super().__init__(
            "Spark was restarted while the statement ran. It was not run a second time: look whether it took effect, "
            "and run it again."
        )


class SparkMissing(Exception):
    """Spark does not come up; nothing of the statement ran."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"Spark has not answered for {seconds:.0f} s: nothing of the statement ran. See `lakehouse local status` "
            "and logs/spark.log, and run it again."
        )


def syntax_error(message: str) -> StatementFailed:
    """Build the failure of a statement that does not parse."""
    return StatementFailed("PARSE_SYNTAX_ERROR", message, "42601")


def from_api_error(error: ApiError) -> StatementFailed:
    """Build the failure of a statement that the REST API refused."""
    condition, sql_state = SQL_STATES.get(error.status, (error.error_code, _state_of(error.error_code)))
    return StatementFailed(condition, error.message, sql_state)


def describe_failure(error: Exception) -> Document:
    """Return status.error for whatever ended the statement."""
    from pyspark.errors import PySparkException

    if isinstance(error, SparkLost | SparkMissing):
        return {"error_code": "TEMPORARILY_UNAVAILABLE", "message": str(error)}
    if isinstance(error, StatementFailed):
        return {"error_code": "BAD_REQUEST", "message": str(error)}
    if isinstance(error, ApiError):
        return {"error_code": "BAD_REQUEST", "message": str(from_api_error(error))}
    if isinstance(error, PySparkException):
        return {"error_code": _code_of(error.getCondition()), "message": _plain_message(str(error))}
    return {"error_code": "INTERNAL_ERROR", "message": f"{type(error).__name__}: {error}"}


def _code_of(condition: str | None) -> str:
    return "INTERNAL_ERROR" if condition == "INTERNAL_ERROR" else "BAD_REQUEST"


def _plain_message(text: str) -> str:
    """Drop the JVM stack trace and the query plan that Spark Connect appends."""
    plain = text.split("\n\nJVM stacktrace:")[0].strip()
    return re.sub(r"(; line \d+ pos \d+);\n.*", r"\1", plain, flags=re.DOTALL)


def _state_of(code: str) -> str:
    if code.endswith("ALREADY_EXISTS"):
        return "42710"
    return "42704" if code.endswith(("DOES_NOT_EXIST", "NOT_FOUND")) else "42000"


def is_lost(error: BaseException) -> bool:
    """Say whether Spark is gone, or is another one that does not know the session. What it had begun is not known."""
    import grpc
    from pyspark.errors import PySparkException
    from pyspark.errors.exceptions.connect import SparkConnectGrpcException

    if isinstance(error, SparkConnectGrpcException) and error.getGrpcStatusCode() == grpc.StatusCode.UNAVAILABLE:
        return True
    if isinstance(error, grpc.RpcError):
        return bool(error.code() == grpc.StatusCode.UNAVAILABLE)
    condition = error.getCondition() or "" if isinstance(error, PySparkException) else ""
    # The client closes itself when it hears that the session changed, and then says that it has none.
    return condition.startswith("INVALID_HANDLE.SESSION_") or condition == "NO_ACTIVE_SESSION"
