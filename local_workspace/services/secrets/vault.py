"""Values of secrets at rest: encrypted with a key that lies beside the store, readable by its owner only.

A copy of the store alone shows no value.
"""

from __future__ import annotations

import contextlib
import os
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet


class Vault:
    """Encrypts and decrypts with the key of one workspace, made when it is first needed."""

    def __init__(self, home: Path) -> None:
        self._path = home / "secrets.key"

    def encrypt(self, value: bytes) -> str:
        """Return the value as it may be stored."""
        return self._cipher.encrypt(value).decode()

    def decrypt(self, stored: str) -> bytes:
        """Return the value of what `encrypt` returned."""
        return self._cipher.decrypt(stored.encode())

    @cached_property
    def _cipher(self) -> Fernet:
        if not self._path.exists():
            self._make_key()
        return Fernet(self._path.read_bytes())

    def _make_key(self) -> None:
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.{os.urandom(4).hex()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another request was first: its key holds
            os.link(temporary, self._path)
        temporary.unlink()
