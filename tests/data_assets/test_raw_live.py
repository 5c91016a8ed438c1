"""Landed lines of every kind as bronze rows, on the real Spark server."""

from __future__ import annotations

import json
from typing import Any

LINES: dict[str, dict[str, str]] = {
    '{"a": 1, "b": "x"}': {"a": "1", "b": "x"},
    '{"b": null, "a": true}': {"a": "true"},
    '{"a": {"n": [1, 2.5]}, "b": [1, "x"]}': {"a": '{"n":[1,2.5]}', "b": '[1,"x"]'},
    '{"\\u0061": "\\u00e9"}': {"a": "é"},
    '{"a": 1, "a": 2}': {"a": "2"},
    "{} \t\r": {},
    '{"A": 1}': {"_rescued": '{"A":"1"}'},
    '{"a": 1, "c": null, "d": {"a": 2}}': {"a": "1", "_rescued": '{"c":null,"d":"{\\"a\\":2}"}'},
    '{"a": 1, "c": NaN}': {"a": "1", "_rescued": '{"c":"NaN"}'},
    '{"a": 12345678901234567.89, "b": 0.1000000000000000055511151231257827}': {
        "a": "12345678901234567.89",
        "b": "0.1000000000000000055511151231257827",
    },
    '{"a": 1e400, "b": 1.10, "c": {"id": 12345678901234567890.12}}': {
        "a": "1e400",
        "b": "1.10",
        "_rescued": '{"c":"{\\"id\\":12345678901234567890.12}"}',
    },
    '{"a": "\\\\ud800", "b": "\\ud83d\\ude00"}': {"a": "\\ud800", "b": "\U0001f600"},
    "{'a': 1, 'c': 2}": {"a": "1", "_rescued": '{"c":"2"}'},
}
CORRUPT = (
    *('{"a": 1', '{"a": 1}}', '{"a": 1} x', '{"a": 1}{"b": 2}', '{"a": 1}, {"b": 2}', '{"a": 1},', '{"a": tru}'),
    *('{"c": tru}', '{"a": "x}', '[{"a": 1}]', "[]", "null", "5", '"a"', "a", '{"a": 01}'),
    *('{"a": "\\ud800"}', '{"\\udc00": 1}', '{"c": "\\ude00\\ud83d"}', '{"a": ["\\ud83d\\ude00\\uD83D\\u0041"]}'),
    *('{"a": 1}]', '{"a": 1}]{"b": 2}', '{"a": 1}, {"b": 2}]', '{"a": 1}, {}]', '{"a": 1}, 5', '{"a": 1}, "x"]'),
)


def parse(session: Any, lines: list[str], required: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    from data_assets.steps._raw import parse_lines

    landed = session.createDataFrame(
        [(line, "f", 1) for line in lines], "value string, _source_file string, _source_version bigint"
    )
    rows = [row.asDict() for row in parse_lines(landed, ["a", "b"], required).collect()]
    for row in rows:
        assert row.pop("_loaded_at") and (row.pop("_source_file"), row.pop("_source_version")) == ("f", 1)
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def test_every_line_is_a_row_and_nothing_of_it_is_lost(session: Any) -> None:
    rows = parse(session, [*LINES, *CORRUPT])
    assert dict(zip(LINES, rows, strict=False)) == LINES
    assert [row.pop("_corrupt_record") for row in rows[len(LINES) :]] == list(CORRUPT)
    assert not any(rows[len(LINES) :])


def test_without_a_required_field_a_line_is_corrupt(session: Any) -> None:
    without = json.dumps({"b": 1, "c": 2})
    assert parse(session, ['{"a": 1}', without], required=("a",)) == [
        {"a": "1"},
        {"b": "1", "_rescued": '{"c":"2"}', "_corrupt_record": without},
    ]
