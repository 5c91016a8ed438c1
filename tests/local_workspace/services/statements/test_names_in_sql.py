"""Names in SQL: quoted once, decoded once, so that the call is on that very object whichever way it is made."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_workspace.gateway.app import RouteTable, load_routes
from local_workspace.gateway.decoding import read_path
from local_workspace.gateway.errors import ApiError
from local_workspace.services.statements.failures import StatementFailed
from local_workspace.services.statements.grammar import try_parse
from local_workspace.services.unity_catalog.object_names import MAX_NAME_LENGTH, find_name_problem, fold_name
from local_workspace.services.unity_catalog.securables import check_name

NAMES = json.loads((Path(__file__).parents[3] / "object_names.json").read_text())
ROUTES = RouteTable(load_routes(("unity_catalog",)))
STATEMENTS = (
    "GRANT SELECT ON TABLE {} TO g",
    "REVOKE SELECT ON {} FROM g",
    "SHOW GRANTS ON VOLUME {}",
    "DROP VOLUME {}",
    "DROP FUNCTION IF EXISTS {}",
)


def find_names(text: str) -> list[str]:
    """Return the object that a statement's call is on, as the call's two ways to a handler read it."""
    command = try_parse(text, None, None)
    assert command is not None
    method, path = command.call.method, command.call.path
    ways = (path, read_path(quote(path).encode()))  # in the gateway; over HTTP, as a run's client sends it
    return [next(reversed(ROUTES.find(method, way).params.values())) for way in ways]


@pytest.mark.parametrize("name", [*NAMES["taken"], "x" * MAX_NAME_LENGTH])
def test_a_name_with_any_letter_is_taken(name: str) -> None:
    assert check_name(name, "Table") == name


@pytest.mark.parametrize("name", [*NAMES["refused"], "x" * (MAX_NAME_LENGTH + 1), None, 1])
def test_a_name_that_unity_catalog_refuses_is_refused(name: object) -> None:
    with pytest.raises(ApiError, match="name") as refused:
        check_name(name, "Table")
    assert refused.value.status == 400


@given(st.lists(st.text(st.characters() | st.sampled_from("`.%/ '\"-#?+\\\0"), min_size=1), min_size=3, max_size=3))
@example(["täble", "vö", "a%20b"])
@example(["a`b", "``", "-- x"])
@example(["/* x */", "'", '"'])
@example(["a.b", "c", "d"])
def test_a_quoted_name_is_that_object_on_both_ways_or_is_refused(parts: list[str]) -> None:
    quoted = ".".join("`" + part.replace("`", "``") + "`" for part in parts)
    for statement in STATEMENTS:
        if any(find_name_problem(part) for part in parts):
            with pytest.raises(StatementFailed, match="must not contain"):
                find_names(statement.format(quoted))
        else:
            assert find_names(statement.format(quoted)) == [".".join(parts)] * 2


@given(st.lists(st.text(st.characters() | st.sampled_from("ΣσςİıẞK"), min_size=1), min_size=1, max_size=3))
@example(["ΑΣ", "b"])
def test_each_part_of_a_name_is_kept_in_lower_case_by_itself(parts: list[str]) -> None:
    parts = [part.replace(".", "") for part in parts]
    assert fold_name(".".join(parts)) == ".".join(map(fold_name, parts))


@pytest.mark.parametrize(("catalog", "schema"), [("a/b", "s"), ("c", "a b"), ("", "s"), ("c", "")])
def test_defaults_that_are_no_names_are_refused(catalog: str, schema: str) -> None:
    with pytest.raises(StatementFailed, match="must not contain|needs 3 parts"):
        try_parse("DROP VOLUME v", catalog, schema)


def test_a_principal_may_have_any_character() -> None:
    command = try_parse("GRANT SELECT ON TABLE a.b.c TO `a.b /``ü`", None, None)
    assert command is not None
    assert command.call.body["changes"][0]["principal"] == "a.b /`ü"


@pytest.mark.parametrize("name", ["täble", "a-b", "a$b"])
def test_other_than_ascii_words_are_names_between_backticks_only(name: str) -> None:
    with pytest.raises(StatementFailed, match=r"INVALID_IDENTIFIER|SYNTAX") as refused:
        find_names(f"DROP VOLUME a.b.{name}")
    assert name in str(refused.value)
    assert find_names(f"DROP VOLUME a.b.`{name}`") == [f"a.b.{name}"] * 2
