"""The store: durable, ordered, atomic, safe from many threads."""

import threading
from pathlib import Path

import pytest

from local_workspace.gateway.store import AlreadyStored, Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "state.sqlite")


def test_documents_survive_reopening(store: Store, tmp_path: Path) -> None:
    store.put("volume", "a.b.c", {"id": 1})
    assert Store(tmp_path / "state.sqlite").get("volume", "a.b.c") == {"id": 1}


def test_insert_refuses_a_taken_key_and_keeps_the_first(store: Store) -> None:
    store.insert("schema", "a.b", {"id": 1})
    with pytest.raises(AlreadyStored, match="schema a.b"):
        store.insert("schema", "a.b", {"id": 2})
    assert store.get("schema", "a.b") == {"id": 1}


def test_scan_is_ordered_and_bound_to_kind_and_prefix(store: Store) -> None:
    for key in ("a.b", "a.ä", "a.a", "b.a"):
        store.put("schema", key, {"key": key})
    store.put("table", "a.z", {})
    assert [key for key, _ in store.scan("schema", "a.")] == ["a.a", "a.b", "a.ä"]


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.transaction():
        store.put("schema", "a.b", {})
        store.put("schema", "a.c", {})
        raise RuntimeError
    assert store.scan("schema") == []


def test_counters_never_repeat_across_threads(store: Store) -> None:
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.extend(store.next_id("run") for _ in range(20))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(10**15 + 1, 10**15 + 101))


def test_delete_says_whether_there_was_one(store: Store) -> None:
    store.put("token", "t", {})
    assert (store.delete("token", "t"), store.delete("token", "t")) == (True, False)
