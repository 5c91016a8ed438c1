"""Result chunks, limits, texts and signed links."""

from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pytest

from local_workspace.gateway.calls import Call, Principal
from local_workspace.gateway.errors import ApiError
from local_workspace.gateway.workspace import Workspace
from local_workspace.services.statements import links, rendering, results
from local_workspace.services.statements.results import Limits, ResultStore, ResultTooLarge

ROWS = pa.record_batch({"n": pa.array(range(1000), pa.int64())})
UNLIMITED = Limits(None, None, None)


def test_chunks_hold_every_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "CHUNK_BYTES", 2000)
    store = ResultStore(tmp_path)
    manifest = store.write("s", [ROWS, ROWS], ROWS.schema, UNLIMITED)
    assert manifest["total_row_count"] == 2000 and manifest["total_chunk_count"] > 5
    offset, rows = 0, []
    for index, chunk in enumerate(manifest["chunks"]):
        assert (chunk["chunk_index"], chunk["row_offset"]) == (index, offset)
        offset += chunk["row_count"]
        rows += rendering.read_rows(store.read("s", index))
    assert rows == [[str(n)] for n in range(1000)] * 2
    store.delete("s")
    with pytest.raises(FileNotFoundError):
        store.read("s", 0)


@pytest.mark.parametrize(
    ("limits", "kept", "truncated"),
    [
        (UNLIMITED, 1000, False),
        (Limits(1000, None, None), 1000, False),
        (Limits(999, None, None), 999, True),
        (Limits(None, 80, None), 10, True),
    ],
)
def test_limits_cut_and_say_so(tmp_path: Path, limits: Limits, kept: int, truncated: bool) -> None:
    manifest = ResultStore(tmp_path).write("s", [ROWS], ROWS.schema, limits)
    assert (manifest["total_row_count"], manifest["truncated"]) == (kept, truncated)


def test_too_much_for_inline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultTooLarge):
        ResultStore(tmp_path).write("s", [ROWS], ROWS.schema, Limits(None, None, 7999))


def test_an_empty_result_is_one_empty_chunk(tmp_path: Path) -> None:
    store = ResultStore(tmp_path)
    assert store.write("s", [], ROWS.schema, UNLIMITED)["total_chunk_count"] == 1
    assert rendering.read_rows(store.read("s", 0)) == []


def test_nested_values_are_json_and_null_is_null(tmp_path: Path) -> None:
    batch = pa.record_batch(
        {
            "a": pa.array([[1, 2], None], pa.list_(pa.int32())),
            "m": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int32())),
            "s": pa.array([{"x": 1.5, "y": "é"}, None]),
            "d": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
        }
    )
    store = ResultStore(tmp_path)
    store.write("s", [batch], batch.schema, UNLIMITED)
    assert rendering.read_rows(store.read("s", 0)) == [
        ["[1,2]", '{"k":1}', '{"x":1.5,"y":"é"}', "1.50"],
        [None, "{}", None, None],
    ]
    assert rendering.to_csv(store.read("s", 0), header=True).splitlines()[2] == b"null,{},null,null"


def test_links_open_what_they_were_signed_for_and_nothing_else(tmp_path: Path) -> None:
    workspace = Workspace("t", tmp_path, "http://h:1")
    url, _ = links.make_link(workspace.store, workspace.host, "abc", 0)
    query = dict(parse_qsl(urlsplit(url).query))

    def check(index: str = "0", **changes: str) -> tuple[str, int]:
        nobody = Principal("", "user", "", 0)
        params = {"statement_id": "abc", "index": index}
        return links.check_link(Call("GET", url, nobody, "", workspace, params, {**query, **changes}))

    assert check() == ("abc", 0)
    for refused in ({"index": "1"}, {"signature": "0" * 64}, {"expires": str(int(query["expires"]) + 1)}):
        with pytest.raises(ApiError, match="not valid"):
            check(**refused)


def test_a_link_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "LIFETIME_S", -1)
    workspace = Workspace("t", tmp_path, "http://h:1")
    url, _ = links.make_link(workspace.store, workspace.host, "abc", 0)
    query = dict(parse_qsl(urlsplit(url).query))
    call = Call("GET", url, Principal("", "user", "", 0), "", workspace, {"statement_id": "abc", "index": "0"}, query)
    with pytest.raises(ApiError, match="expired"):
        links.check_link(call)
