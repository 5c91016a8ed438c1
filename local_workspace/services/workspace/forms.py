"""Reads multipart/form-data bodies, as `WorkspaceClient.workspace.upload` and `dbfs` clients send them."""

from __future__ import annotations

import re

from local_workspace.gateway.app import has_type
from local_workspace.gateway.calls import Call
from local_workspace.gateway.errors import bad_request

MULTIPART = "multipart/form-data"
_NAME = re.compile(rb'name="([^"]*)"', re.IGNORECASE)
_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)


def is_form(call: Call) -> bool:
    """Say whether the call carries a multipart form instead of JSON."""
    return has_type(call.headers.get("content-type", ""), MULTIPART)


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
    return decode_field("name", name[1]), content


def decode_field(name: str, value: bytes) -> str:
    """Return a field of a form that is a text.

    Raises:
        ApiError: 400 when it is not UTF-8, or has a NUL.
    """
    try:
        text = value.decode()
    except UnicodeDecodeError:
        raise bad_request(f"The form's field {name} is not UTF-8", "MALFORMED_REQUEST") from None
    if "\0" in text:
        raise bad_request(f"The form's field {name} has a NUL character", "MALFORMED_REQUEST")
    return text
