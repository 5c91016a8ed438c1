"""Errors as the Databricks REST API reports them: a status, an error code, a message.

The pairs of status and code decide which exception class databricks-sdk raises
(databricks/sdk/errors/platform.py), so services build errors only through the functions here.
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer other than 2xx: HTTP `status`, Databricks `error_code`, human `message`."""

    def __init__(self, status: int, error_code: str, message: str, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.retry_after_s = retry_after_s

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body of the error."""
        return {"error_code": self.error_code, "message": self.message}


def bad_request(message: str, code: str = "INVALID_PARAMETER_VALUE") -> ApiError:
    """Build a 400."""
    return ApiError(400, code, message)


def unauthenticated(message: str) -> ApiError:
    """Build a 401: no usable credential was sent."""
    return ApiError(401, "UNAUTHENTICATED", message)


def permission_denied(message: str) -> ApiError:
    """Build a 403: the caller is known and may not."""
    return ApiError(403, "PERMISSION_DENIED", message)


def not_found(message: str, code: str = "RESOURCE_DOES_NOT_EXIST") -> ApiError:
    """Build a 404."""
    return ApiError(404, code, message)


def already_exists(message: str, code: str = "RESOURCE_ALREADY_EXISTS") -> ApiError:
    """Build the error for a duplicate name; the service answers 400 or 409 by code, the SDK maps the code."""
    return ApiError(409, code, message)


def conflict(message: str, code: str = "RESOURCE_CONFLICT") -> ApiError:
    """Build a 409: the state of the resource forbids the call."""
    return ApiError(409, code, message)


def too_many_requests(message: str, retry_after_s: int) -> ApiError:
    """Build a 429 with Retry-After in seconds."""
    return ApiError(429, "REQUEST_LIMIT_EXCEEDED", message, retry_after_s)


def internal_error(message: str) -> ApiError:
    """Build a 500."""
    return ApiError(500, "INTERNAL_ERROR", message)


def not_implemented(message: str) -> ApiError:
    """Build a 501: what the local workspace cannot compute it refuses."""
    return ApiError(501, "NOT_IMPLEMENTED", message)
