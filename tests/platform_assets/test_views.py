"""Views: what their queries name must be declared, and what does not change a query is no difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakehouse.names import parse_table_name
from lakehouse.targets import REMOTE, local_target
from platform_assets.grammar.sql_lexer import normalize_sql
from platform_assets.resource_types.model import InvalidDeclaration
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.view import View

RUNS = Table("flights.ops.runs")
BUILT = parse_table_name("flights.silver.flights")


@pytest.mark.parametrize(
    "text",
    ["SELECT  1\n AS x", "select_1 /* no */ from t;", "SELECT 1 AS x -- one\n;", "\tSELECT\t1 AS x\n"],
)
def test_blanks_comments_and_the_last_semicolon_are_no_difference(text: str) -> None:
    assert normalize_sql(text) in ("SELECT 1 AS x", "select_1 from t")


@pytest.mark.parametrize(
    "text", ["SELECT 'a  -- b'", 'SELECT "/* c */"', "SELECT `x  y`", "SELECT /*+ BROADCAST(t) */ 1"]
)
def test_what_is_quoted_or_a_hint_stays(text: str) -> None:
    assert normalize_sql(text) == text


def test_names_follow_the_target_and_the_order_follows_the_declarations() -> None:
    view = View("flights.gold.v", "SELECT '{2}' FROM {runs}, {flights}", {"runs": RUNS, "flights": BUILT})
    assert view.dependencies == ("schema/flights/gold", "table/flights/ops/runs")
    assert view.tables_read == (BUILT,)
    local, dev = (view.desired(target)["query"] for target in (local_target(Path("/nowhere")), REMOTE["dev"]))
    assert local == "SELECT '{2}' FROM `flights`.`ops`.`runs`, `flights`.`silver`.`flights`"
    assert dev == local.replace("`flights`.`", "`dev_flights`.`")


def test_a_place_without_a_name_and_a_name_without_a_place_are_refused() -> None:
    with pytest.raises(InvalidDeclaration, match=r"view/flights/gold/v: nothing is declared for the place \{flights\}"):
        View("flights.gold.v", "SELECT * FROM {flights}")
    with pytest.raises(InvalidDeclaration, match=r"view/flights/gold/v: its SQL has no place \{runs\}"):
        View("flights.gold.v", "SELECT 1", {"runs": RUNS})
