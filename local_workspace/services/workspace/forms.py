"""Reads multipart/form-data bodies, as `WorkspaceClient.workspace.upload` and `dbfs` clients send them."""

from __future__ import annotations

import re

from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request

_NAME = re.compile(rb'name="([^"]*)"', re.IGNORECASE)
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)


def is_form(call: Call) -> bool:
    """Say whether the call carries a multipart form instead of JSON."""
    return call.headers.get("content-type", "").startswith("multipart/form-data")


def parse_form(call: Call) -> dict[str, bytes]:
    """Return the form's fields by name.

    Raises:
        ApiError: 400 when the body is not the form its header announces.
    """
    boundary = _BOUNDARY.search(call.headers["content-type"])
    if boundary is None:
        raise bad_request("multipart/form-data without a boundary", "MALFORMED_REQUEST")
    sections = (b"\r\n" + call.raw).split(b"\r\n--" + boundary[1].encode())
    if len(sections) < 3 or not sections[-1].startswith(b"--"):
        raise bad_request("The multipart form ends early; send it again", "MALFORMED_REQUEST")
    return dict(_parse_section(section) for section in sections[1:-1])


def _parse_section(section: bytes) -> tuple[str, bytes]:
    head, separator, content = section.partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not separator or name is None:
        raise bad_request("A section of the multipart form has no name", "MALFORMED_REQUEST")
    return name[1].decode(), content
