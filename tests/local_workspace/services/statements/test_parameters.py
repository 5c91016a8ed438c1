"""Named parameters become typed literals, and nothing else in the statement changes."""

import pytest

from local_workspace.gateway.errors import ApiError
from local_workspace.services.statements.parameters import bind_parameters
from local_workspace.services.statements.requests import Parameter


def test_markers_become_literals_of_their_type() -> None:
    parameters = [
        Parameter("s", "it's \\ here", "STRING"),
        Parameter("i", "7", "INT"),
        Parameter("d", "2020-01-02", "date"),
        Parameter("n", None, "DECIMAL(10, 2)"),
    ]
    bound = bind_parameters("SELECT :s, :i, :d, :n", parameters)
    assert bound == ("SELECT 'it\\'s \\\\ here', 7, CAST('2020-01-02' AS DATE), CAST(NULL AS DECIMAL(10, 2))")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ':a'",
        'SELECT ":a"',
        "SELECT `:a`",
        "SELECT 1 -- :a",
        "/* :a */ SELECT 1",
        "SELECT x::a",
        "cast(s AS STRUCT<b:a>)",
    ],
)
def test_what_is_no_marker_stays(text: str) -> None:
    assert bind_parameters(text, [Parameter("a", "1", "INT")]) == text


def test_a_value_cannot_leave_its_literal() -> None:
    for value in ("' OR 1=1 --", "\\' OR 1=1 --", "\\", ":b"):
        bound = bind_parameters("SELECT :a, :b", [Parameter("a", value, "STRING"), Parameter("b", "1", "INT")])
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        assert bound == f"SELECT '{escaped}', 1"


@pytest.mark.parametrize("kind", ["INT) OR (1", "ARRAY<INT>", "TABLE"])
def test_unknown_types_are_refused(kind: str) -> None:
    with pytest.raises(ApiError, match="Parameter a"):
        bind_parameters("SELECT :a", [Parameter("a", "1", kind)])


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(ApiError, match="twice"):
        bind_parameters("SELECT :a", [Parameter("a", "1", "INT"), Parameter("a", "2", "INT")])
