"""Rows of system.access.audit, made of the audit log's lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from local_workspace.gateway.workspace import DATABRICKS_ACCOUNT, WORKSPACE_ID
from local_workspace.services.unity_catalog.securables import METASTORE_ID

VERSION = "2.0"
_ACCOUNT_WIDE = "0"  # what is recorded for the account has no workspace
_LOOPBACK = "127.0.0.1"  # the gateway listens nowhere else


def audit_rows(events: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each event."""
    for event in events:
        moment = datetime.fromtimestamp(event["event_time"], UTC)
        is_account_level = event["is_account_level"]
        place = {"workspace_id": str(WORKSPACE_ID), "metastore_id": METASTORE_ID} if is_account_level else {}
        yield {
            "account_id": DATABRICKS_ACCOUNT,
            "workspace_id": _ACCOUNT_WIDE if is_account_level else str(WORKSPACE_ID),
            "version": VERSION,
            "event_time": moment,
            "event_date": moment.date(),
            "source_ip_address": _LOOPBACK,
            "user_agent": event["user_agent"],
            "session_id": None,
            "user_identity": {"email": event["email"], "subject_name": None},
            "service_name": event["service_name"],
            "action_name": event["action_name"],
            "request_id": event["request_id"],
            "request_params": list({**event["request_params"], **place}.items()),
            "response": event["response"],
            "audit_level": "ACCOUNT_LEVEL" if is_account_level else "WORKSPACE_LEVEL",
            "event_id": event["event_id"],
            "identity_metadata": {"run_by": None, "run_as": None},
        }
