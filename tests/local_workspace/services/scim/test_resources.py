"""What SCIM shows of principals while others change groups."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from local_workspace.gateway import principals
from local_workspace.gateway.store import Document, Store
from local_workspace.services.scim.resources import user_resource


def test_a_group_that_is_made_meanwhile_is_seen_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, numbers = Store(tmp_path / "state.sqlite"), count()
    user = principals.put_principal(store, "ann@example.com", "user", "Ann")
    principals.put_group(store, "inner", ["ann@example.com"])
    scan = store.scan

    def scan_and_grow(kind: str, prefix: str = "") -> list[tuple[str, Document]]:
        found = scan(kind, prefix)
        monkeypatch.setattr(store, "scan", scan)
        principals.put_group(store, f"outer-{next(numbers)}", ["inner"])
        monkeypatch.setattr(store, "scan", scan_and_grow)
        return found

    monkeypatch.setattr(store, "scan", scan_and_grow)
    assert [one["display"] for one in user_resource(store, user)["groups"]] == ["inner"]
