"""Errors of the Files API, with the reason that the Databricks CLI and SDK read from their details."""

from __future__ import annotations

from typing import Any

from local_workspace.gateway.errors import ApiError

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class FilesError(ApiError):
    """An error whose `reason` clients tell apart (FILES_API_...)."""

    def __init__(self, status: int, error_code: str, message: str, reason: str) -> None:
        super().__init__(status, error_code, message)
        self.reason = reason

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON body with the reason in its details."""
        info = {"@type": ERROR_INFO, "reason": self.reason, "domain": "filesystem.databricks.com", "metadata": {}}
        return {**super().as_dict(), "details": [info]}


def file_not_found(path: str) -> FilesError:
    """Build the 404 of a missing file."""
    return FilesError(404, "NOT_FOUND", f"The file being accessed is not found: {path}", "FILES_API_FILE_NOT_FOUND")


def directory_not_found(path: str) -> FilesError:
    """Build the 404 of a missing directory."""
    message = f"The directory being accessed is not found: {path}"
    return FilesError(404, "NOT_FOUND", message, "FILES_API_DIRECTORY_IS_NOT_FOUND")


def file_exists(path: str) -> FilesError:
    """Build the 409 of a file in the way."""
    message = f"The file being created already exists: {path}"
    return FilesError(409, "ALREADY_EXISTS", message, "FILES_API_FILE_ALREADY_EXISTS")


def directory_exists(path: str) -> FilesError:
    """Build the 409 of a directory where a file is to be."""
    message = f"The given path points to an existing directory: {path}"
    return FilesError(409, "ALREADY_EXISTS", message, "FILES_API_DIRECTORY_ALREADY_EXISTS")


def directory_not_empty(path: str) -> FilesError:
    """Build the 400 of a directory that still holds something."""
    message = f"The directory is not empty: {path}. Delete its contents first."
    return FilesError(400, "BAD_REQUEST", message, "FILES_API_DIRECTORY_IS_NOT_EMPTY")


def is_modified(path: str) -> FilesError:
    """Build the 412 of a file that changed since the caller saw it."""
    message = f"The file was modified after the given If-Unmodified-Since time: {path}"
    return FilesError(412, "FAILED_PRECONDITION", message, "FILES_API_PRECONDITION_FAILED")


def range_not_satisfiable(path: str, text: str) -> FilesError:
    """Build the 416 of a range that the file does not have."""
    message = f"The range '{text}' is not in the file {path}"
    return FilesError(416, "OUT_OF_RANGE", message, "FILES_API_RANGE_NOT_SATISFIABLE")
