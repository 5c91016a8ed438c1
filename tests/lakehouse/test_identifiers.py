"""Names of objects: which are taken, and that a quoted name is read back as itself."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.identifiers import MAX_NAME_LENGTH, find_name_problem, quote_full_name, quote_identifier

NAMES = json.loads((Path(__file__).parents[1] / "object_names.json").read_text())


@pytest.mark.parametrize("name", [*NAMES["taken"], "x" * MAX_NAME_LENGTH])
def test_a_name_with_any_letter_is_taken(name: str) -> None:
    assert find_name_problem(name) is None


@pytest.mark.parametrize("name", [*NAMES["refused"], "x" * (MAX_NAME_LENGTH + 1)])
def test_a_name_that_unity_catalog_refuses_is_refused(name: str) -> None:
    assert find_name_problem(name)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=3))
def test_a_quoted_name_is_read_back_as_itself(parts: list[str]) -> None:
    tokens = re.findall(r"`((?:[^`]|``)*)`(?:\.|\Z)", quote_full_name(parts))
    assert [token.replace("``", "`") for token in tokens] == parts
    assert quote_full_name(parts) == ".".join(map(quote_identifier, parts))
