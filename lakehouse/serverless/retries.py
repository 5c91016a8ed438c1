"""Which failures of a step another try may mend, and how the last try fails.

A step's own error is retried only where its cause may pass by itself: a connection, a throttled service, a conflict of
writers. An error of the code ends the same way each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import dagster as dg

from lakehouse.serverless.patience import is_unanswered

if TYPE_CHECKING:
    from lakehouse.serverless.remote_step import Context

_CLASS = re.compile(r"\s*(?:[\w$]+\.)*(\w+)(?=\s*(?::|$))")
_MAY_PASS = frozenset(
    {
        *("ConnectionError", "ConnectionResetError", "ConnectionRefusedError", "ConnectionAbortedError", "gaierror"),
        *("TimeoutError", "timeout", "BrokenPipeError", "RemoteDisconnected", "IncompleteRead", "ProtocolError"),
        *("ReadTimeout", "ConnectTimeout", "ReadTimeoutError", "ConnectTimeoutError", "EndpointConnectionError"),
        *("ConnectionClosedError", "ChunkedEncodingError", "MaxRetryError", "NewConnectionError", "SSLError"),
        *("TemporarilyUnavailable", "TooManyRequests", "InternalError", "DeadlineExceeded", "ResourceExhausted"),
        *("RequestLimitExceeded", "OperationTimeout", "OperationFailed", "Aborted"),  # of the Databricks SDK
        *("ConcurrentAppendException", "ConcurrentDeleteReadException", "ConcurrentDeleteDeleteException"),
        *("ConcurrentTransactionException", "ConcurrentWriteException", "ConcurrentModificationException"),
        *("MetadataChangedException", "ProtocolChangedException"),  # of Delta
        *("SocketTimeoutException", "SocketException", "ConnectException", "UnknownHostException"),
        *("NoRouteToHostException", "TimeoutException", "InterruptedIOException", "EOFException"),  # of Java
        *("LandedFileUnread",),  # a file changed or went while it was read
    }
)
# In classes that stand for much: gRPC, Spark, botocore's ClientError, OSError.
_MAY_PASS_TEXT = re.compile(
    r"StatusCode\.UNAVAILABLE|\bUNAVAILABLE\b|RESOURCE_EXHAUSTED|INVALID_HANDLE|Connection (?:refused|reset)"
    r"|ExecutorLostFailure|Lost executor|FetchFailed|DELTA_CONCURRENT_|Errno (?:5|104|107|110|111|116)\]"
    r"|\((?:SlowDown|Throttling\w*|RequestLimitExceeded|ServiceUnavailable|InternalError|RequestTimeout|50[0-4])\)"
)
# A library's file that is not there, or may not be read, is the caller's to mend.
_NEVER_TEXT = re.compile(
    r"Library installation failed .*(?:not exist|not found|No such file|does not have|is not a)", re.S
)


def may_pass(error: str) -> bool:
    """Say whether another try may end otherwise: `error` is `Class: message`; what names no class is not known."""
    if _NEVER_TEXT.search(error):
        return False
    found = _CLASS.match(error)
    return found is None or found[1] in _MAY_PASS or _MAY_PASS_TEXT.search(error) is not None


@contextmanager
def tell_cause(context: Context, host: str | None) -> Iterator[None]:
    """Let a step fail with its cause: who does not answer, and what the last try died of.

    Dagster would say only that the tries are used up. `host` is the workspace's.
    """
    try:
        yield
    except dg.Failure as failure:
        failure.allow_retries = failure.allow_retries and not _is_last_try(context)
        raise
    except Exception as error:
        is_last, said = _is_last_try(context), f"{type(error).__name__}: {error}"
        if is_unanswered(error):
            said = f"The workspace at {host} does not answer ({said}). {_say_how_to_start(host or '')}"
        elif not is_last:
            raise
        raise dg.Failure(said, allow_retries=not is_last) from error


def _say_how_to_start(host: str) -> str:
    is_local = urlsplit(host).hostname in ("127.0.0.1", "localhost")
    return (
        "`lakehouse local up` starts it, and the run goes on from failure" if is_local else "Is it reachable from here?"
    )


def _is_last_try(context: Context) -> bool:
    policy = context.op_def.retry_policy
    return policy is not None and context.retry_number >= policy.max_retries
