"""Ports of a local workspace: the same ones after every start when they are still free, always on loopback."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path

from local_workspace.engines.processes import free_port
from local_workspace.lifecycle.files import write_atomically


def listen(preferred: int | None) -> socket.socket:
    """Return a listening loopback socket, on the preferred port when that is free."""
    listener = _bind(preferred) if preferred and _is_free(preferred) else _bind(0)
    listener.listen(512)
    return listener


def choose_port(preferred: int | None) -> int:
    """Return the preferred port when it is free, else any free one."""
    return preferred if preferred and _is_free(preferred) else free_port()


def read_ports(home: Path) -> dict[str, int]:
    """Return the ports of the last start by engine name; empty before the first."""
    path = home / "ports.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write_ports(home: Path, ports: dict[str, int]) -> None:
    """Remember the ports: queue URLs and clients' settings name them."""
    write_atomically(home / "ports.json", json.dumps(ports))


def _bind(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


def _is_free(port: int) -> bool:
    with contextlib.suppress(OSError), contextlib.closing(_bind(port)):
        return True
    return False
