"""Paths under /Volumes: what a caller may write and which volume and key it means.

Pure; permissions and S3 are in storage.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from local_workspace.gateway.errors import bad_request

ROOT = "/Volumes"
VOLUME_DEPTH = 3  # catalog, schema, volume


@dataclass(frozen=True)
class VolumePath:
    """A place in a volume; `relative` has no leading or trailing slash and is "" for the volume's root."""

    volume: str
    relative: str

    @property
    def text(self) -> str:
        """The absolute path as callers write it."""
        root = f"{ROOT}/{self.volume.replace('.', '/')}"
        return f"{root}/{self.relative}" if self.relative else root

    @property
    def ancestors(self) -> list[str]:
        """The relative paths of the directories above, outermost first, the volume's root left out."""
        parts = self.relative.split("/")[:-1]
        return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]


def parse_volume_path(path: str) -> VolumePath:
    """Split /Volumes/<catalog>/<schema>/<volume>[/...].

    Raises:
        ApiError: 400 saying which form is expected.
    """
    parts = [part for part in path.removeprefix("dbfs:").split("/") if part]
    if not parts or f"/{parts[0]}" != ROOT or len(parts) <= VOLUME_DEPTH:
        expected = "/Volumes/<catalog>/<schema>/<volume>/<path>"
        raise bad_request(f"Invalid path: '{path}'. Only paths in volumes are supported: {expected}")
    if any(part in (".", "..") for part in parts):
        raise bad_request(f"Invalid path: '{path}'. Path segments '.' and '..' are not allowed.")
    volume, relative = parts[1 : VOLUME_DEPTH + 1], parts[VOLUME_DEPTH + 1 :]
    return VolumePath(".".join(volume), "/".join(relative))


def parse_file_path(path: str) -> VolumePath:
    """Parse the path of a file, which lies below the volume's root and ends without a slash."""
    parsed = parse_volume_path(path)
    if not parsed.relative or path.endswith("/"):
        raise bad_request(f"Invalid path: '{path}' names a directory, a file is expected.")
    return parsed
