"""Whom a job tells and who pays for it: e-mail, notification destinations, tags, budget policies. Pure.

Addresses are kept and nothing is sent from here; what would have to exist in the account and does not is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local_workspace.gateway.errors import bad_request

EVENTS = (
    "on_start",
    "on_success",
    "on_failure",
    "on_duration_warning_threshold_exceeded",
    "on_streaming_backlog_exceeded",
)
MAX_DESTINATIONS = 3
MAX_TAGS = 25


def check_notices(settings: Mapping[str, Any]) -> None:
    """Check notifications, tags and budget policy of a job or a submitted run.

    Raises:
        ApiError: 400 naming the field.
    """
    for event in EVENTS:
        for address in (settings.get("email_notifications") or {}).get(event) or []:
            if not isinstance(address, str) or "@" not in address.strip("@"):
                raise bad_request(f"Invalid e-mail address {address!r} in email_notifications.{event}")
        destinations = (settings.get("webhook_notifications") or {}).get(event) or []
        if not isinstance(destinations, list) or not all(isinstance(one, dict) for one in destinations):
            raise bad_request(f"webhook_notifications.{event} must be a list of objects, got {destinations!r}")
        if len(destinations) > MAX_DESTINATIONS:
            raise bad_request(f"webhook_notifications.{event} takes at most {MAX_DESTINATIONS} destinations")
        for destination in destinations:
            raise bad_request(f"Notification destination '{destination.get('id')}' does not exist.")
    tags = settings.get("tags") or {}
    if len(tags) > MAX_TAGS:
        raise bad_request(f"A job may have at most {MAX_TAGS} tags, got {len(tags)}")
    if settings.get("budget_policy_id"):
        raise bad_request(f"Budget policy '{settings['budget_policy_id']}' does not exist.")
