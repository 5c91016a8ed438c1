"""The last commits of a Delta table, read from its log: what DESCRIBE HISTORY shows, without a Spark session."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from local_workspace.gateway.calls import Call
from local_workspace.services.pages.markup import Html, moment, table

SHOWN = 10
_METRICS = ("numOutputRows", "numTargetRowsInserted", "numDeletedRows", "numFiles", "numAddedFiles", "numRemovedFiles")


def show_history(call: Call, found: dict[str, Any]) -> Html:
    """Return a table of the last commits, for who may read the table.

    Raises:
        ApiError: 403 for who may not, or when the storage is closed.
    """
    unity = call.workspace.unity
    unity.check(call.caller, "SELECT", "table", found["full_name"])
    unity.require_open(found["storage_location"], write=False)
    rows = [
        [version, moment(commit.get("timestamp")), commit.get("operation", ""), _tell_parameters(commit), _tell(commit)]
        for version, commit in _read_commits(call.workspace.aws("s3"), found["storage_location"])
    ]
    return table(("Version", "Time", "Operation", "Parameters", "Metrics"), rows, "There is no commit.")


def _read_commits(s3: Any, location: str) -> list[tuple[int, dict[str, Any]]]:
    place = urlsplit(location)
    prefix = f"{place.path.strip('/')}/_delta_log/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.netloc, Prefix=prefix, Delimiter="/")
    keys = [one["Key"] for page in pages for one in page.get("Contents") or []]
    commits = sorted(key for key in keys if key.endswith(".json") and key[len(prefix) : -len(".json")].isdecimal())
    return [
        (int(key[len(prefix) : -len(".json")]), _read_commit(s3, place.netloc, key))
        for key in reversed(commits[-SHOWN:])
    ]


def _read_commit(s3: Any, bucket: str, key: str) -> dict[str, Any]:
    lines = s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines()
    actions = (json.loads(line) for line in lines if line.strip())
    return next((dict(action["commitInfo"]) for action in actions if "commitInfo" in action), {})


def _tell_parameters(commit: dict[str, Any]) -> str:
    given = commit.get("operationParameters") or {}
    return ", ".join(f"{name}: {value}" for name, value in given.items() if value not in ("", "[]", None))


def _tell(commit: dict[str, Any]) -> str:
    metrics = commit.get("operationMetrics") or {}
    return ", ".join(f"{name}: {metrics[name]}" for name in _METRICS if name in metrics)
