"""Which failures of a step another try may mend, and how the last try fails.

A step's own error is retried only where its cause may pass by itself: a connection, a throttled service, a conflict of
writers. An error of the code ends the same way each time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import dagster as dg

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
def tell_cause(context: Context) -> Iterator[None]:
    """Let the last try of a step fail with its cause: Dagster would say only that the tries are used up."""
    try:
        yield
    except dg.Failure as failure:
        failure.allow_retries = failure.allow_retries and not _is_last_try(context)
        raise
    except Exception as error:
        if not _is_last_try(context):
            raise
        raise dg.Failure(f"{type(error).__name__}: {error}", allow_retries=False) from error


def _is_last_try(context: Context) -> bool:
    policy = context.op_def.retry_policy
    return policy is not None and context.retry_number >= policy.max_retries
