"""CREATE FUNCTION and DROP FUNCTION: what they parse to, what is no function here, what does not parse."""

from __future__ import annotations

import pytest

from local_workspace.services.statements.commands import API, RestCall
from local_workspace.services.statements.failures import StatementFailed
from local_workspace.services.statements.grammar import try_parse


def test_a_function_is_read_whole() -> None:
    text = """CREATE OR REPLACE FUNCTION c.s.`f` (`a b` MAP<STRING, DECIMAL(10, 2)> COMMENT 'it''s', n INT)
        RETURNS STRING NOT DETERMINISTIC LANGUAGE SQL COMMENT 'Why' RETURN concat(n, ', RETURN') -- said"""
    command = try_parse(text, None, None)
    assert command is not None
    assert command.call.path == f"{API}/functions"
    assert command.call.body["or_replace"] is True
    info = command.call.body["function_info"]
    assert [info[name] for name in ("catalog_name", "schema_name", "name")] == ["c", "s", "f"]
    assert info["input_params"]["parameters"] == [
        {
            "name": "a b",
            "type_text": "MAP<STRING, DECIMAL(10, 2)>",
            "type_name": "MAP",
            "position": 0,
            "comment": "it's",
        },
        {"name": "n", "type_text": "INT", "type_name": "INT", "position": 1},
    ]
    assert (info["data_type"], info["full_data_type"], info["comment"]) == ("STRING", "STRING", "Why")
    assert info["routine_definition"] == "concat(n, ', RETURN')"
    assert not info["is_deterministic"]
    assert "CAST((concat(n, ', RETURN')) AS STRING) IS NULL" in command.analysis


def test_names_are_filled_up_and_what_exists_may_be_forgiven() -> None:
    made = try_parse("create function if not exists f() returns int return 1", "c", "s")
    gone = try_parse("DROP FUNCTION IF EXISTS s.f;", "c", None)
    assert made is not None and gone is not None
    assert made.call.body["function_info"]["catalog_name"] == "c"
    assert (made.ignore_status, gone.ignore_status) == (409, 404)
    assert gone.call == RestCall("DELETE", f"{API}/functions/c.s.f")


@pytest.mark.parametrize("text", ["CREATE TEMPORARY FUNCTION f() RETURNS INT RETURN 1", "DESCRIBE FUNCTION c.s.f"])
def test_other_statements_on_functions_are_sparks(text: str) -> None:
    assert try_parse(text, None, None) is None


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("(x INT) RETURNS INT LANGUAGE PYTHON AS $$ return x $$", "functions in PYTHON"),
        ("(x INT) RETURNS TABLE (a INT) RETURN SELECT 1", "return a table"),
        ("(x INT) RETURNS INT RETURN (SELECT max(id) FROM t)", "read tables"),
        ("(x INT) RETURNS INT READS SQL DATA RETURN x", "read tables"),
        ("(x INT DEFAULT 1) RETURNS INT RETURN x", "a default"),
        ("(x INT) RETURN x", "without RETURNS"),
        ("(x WORD) RETURNS INT RETURN x", "UNSUPPORTED_DATATYPE"),
        ("(x INT RETURNS INT RETURN x", "PARSE_SYNTAX_ERROR"),
        ("(x INT) RETURNS INT", "PARSE_SYNTAX_ERROR"),
        ("(x INT) RETURNS INT RETURN", "PARSE_SYNTAX_ERROR"),
        ("RETURNS INT RETURN 1", "PARSE_SYNTAX_ERROR"),
    ],
)
def test_what_is_not_served_or_does_not_parse_says_so(rest: str, said: str) -> None:
    with pytest.raises(StatementFailed, match=said):
        try_parse(f"CREATE FUNCTION c.s.f {rest}", None, None)


def test_words_of_queries_in_other_places_are_no_queries() -> None:
    body = "extract(year FROM d) + length('select') + length(trim(BOTH 'x' FROM `select`))"
    assert try_parse(f"CREATE FUNCTION c.s.f(d DATE, `select` STRING) RETURNS INT RETURN {body}", None, None)
