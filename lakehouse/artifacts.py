"""What is built from this repository and named by its content, so the same source is the same file."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path


class Artifact(ABC):
    """A file to build; `release` is the part of its version that people choose."""

    release: str

    @property
    @abstractmethod
    def digest(self) -> str:
        """Twelve hexadecimal digits of the SHA-256 of all that goes in."""

    @property
    @abstractmethod
    def file_name(self) -> str:
        """The file's name, which has the version in it."""

    @property
    def version(self) -> str:
        """The release with the content as its local part."""
        return f"{self.release}+{self.digest}"


def digest_content(content: bytes) -> str:
    """Return twelve hexadecimal digits of the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()[:12]


def digest_files(folder: Path, files: Iterable[Path], start: str = "") -> str:
    """Return twelve hexadecimal digits of the SHA-256 of a text and of files, with their paths in the folder."""
    total = hashlib.sha256(start.encode())
    for path in files:
        total.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return total.hexdigest()[:12]
