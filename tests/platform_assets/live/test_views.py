"""Views on a real workspace: over a declared shell, for those who may not read it; replaced with their grants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.estate import apply_estate, plan_estate
from platform_assets.reconcile.plan import Action, Plan, Prune
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients, Resource
from platform_assets.resource_types.ownership import mark_labels
from platform_assets.resource_types.sql_statements import list_properties
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.table_columns import Column
from platform_assets.resource_types.view import View
from tests.platform_assets.live.conftest import Gateway, run_sql

SECRETS = Table("flights.silver.secrets", columns=(Column("id", "BIGINT"), Column("secret", "STRING")))
PUBLIC = View(
    "flights.ops.public",
    """
    SELECT id, 'a  --  b' AS text -- the secret stays out
    FROM {secrets};
    """,
    reads={"secrets": SECRETS},
    purpose="What isn't secret",
)
ABOVE = View("flights.ops.above", "SELECT max(id) AS id FROM {public}", reads={"public": PUBLIC})
READERS = (
    Grants("view.flights.ops.public", {"analysts": ("SELECT",)}),
    Grants("schema.flights.ops", {"pipeline": ("USE_SCHEMA",), "analysts": ("USE_SCHEMA",)}),
)
OTHERS = tuple(one for one in RESOURCES if one.key != READERS[1].key)
KEYS = ["table", "view", "grants/view", "grants/schema/flights/ops"]


def declare(*views: Resource) -> tuple[Resource, ...]:
    return (*OTHERS, ABOVE, *views, SECRETS, *READERS)  # in no helpful order


def plan(target: Target, *views: Resource) -> Plan:
    return plan_estate(target, KEYS, resources=declare(*views))


@pytest.fixture(scope="module")
def target(applied: Target) -> Iterator[Target]:
    assert apply_estate(applied, KEYS, resources=declare(PUBLIC)).failures == ()
    assert run_sql(applied, "pipeline", "INSERT INTO flights.silver.secrets VALUES (1, 'x'), (2, 'y')") == []
    yield applied
    for one in (ABOVE, PUBLIC, SECRETS):
        one.delete(Clients(applied))
    revoked = replace(READERS[1], to={"pipeline": ("USE_SCHEMA",), "analysts": ()})
    assert apply_estate(applied, [revoked.key], resources=(*OTHERS, revoked)).failures == ()


def test_a_second_apply_writes_nothing(target: Target, gateway: Gateway) -> None:
    since = gateway.now()
    assert apply_estate(target, KEYS, resources=declare(PUBLIC)).changed_nothing
    assert gateway.writes(since) == []


def test_readers_see_the_view_and_not_what_is_below_it(target: Target) -> None:
    assert run_sql(target, "analyst", "SELECT * FROM flights.ops.public ORDER BY id") == [
        ["1", "a  --  b"],
        ["2", "a  --  b"],
    ]
    assert "USE SCHEMA on Schema" in str(run_sql(target, "analyst", "SELECT * FROM flights.silver.secrets"))
    assert "SELECT on Table" in str(run_sql(target, "analyst", "SELECT * FROM flights.ops.above"))
    assert "MANAGE" in str(run_sql(target, "analyst", "CREATE OR REPLACE VIEW flights.ops.public AS SELECT 1 AS id"))


def test_it_is_replaced_in_place_and_its_grants_stay(target: Target) -> None:
    marked = f"TBLPROPERTIES {list_properties(mark_labels(target))}"
    by_hand = f"CREATE OR REPLACE VIEW flights.ops.public {marked} AS SELECT 7 AS id"
    assert run_sql(target, "deployer", by_hand) == []
    drifted = plan(target, PUBLIC)
    assert [(step.key, step.action) for step in drifted.changed] == [("view/flights/ops/public", Action.UPDATE)]
    changed = replace(PUBLIC, query="SELECT id + 1 AS id FROM {secrets}", purpose="")
    assert apply_estate(target, KEYS, resources=declare(changed)).failures == ()
    assert plan(target, changed).is_empty
    assert run_sql(target, "analyst", "SELECT max(id) FROM flights.ops.public") == [["3"]]
    assert apply_estate(target, KEYS, resources=declare(PUBLIC)).failures == ()


def test_an_update_keeps_comments_and_properties_that_others_gave(target: Target) -> None:
    view, name = View("flights.ops.told", "SELECT 1 AS `a b`, 2 AS n"), "flights.ops.told"
    assert apply_estate(target, [view.key], resources=(*RESOURCES, view)).failures == ()
    assert run_sql(target, "deployer", f"ALTER VIEW {name} SET TBLPROPERTIES ('theirs' = '1')") == []
    marked = list_properties({**mark_labels(target), "theirs": "1"})
    columns = "`a b` COMMENT 'It''s theirs', n COMMENT 'gone soon'"
    by_hand = f"CREATE OR REPLACE VIEW {name} ({columns}) TBLPROPERTIES {marked} AS SELECT 1 AS `a b`, 2 AS n"
    assert run_sql(target, "deployer", by_hand) == []
    changed = replace(view, query="SELECT 3 AS m, 1 AS `a b`", purpose="Told")
    assert apply_estate(target, [view.key], resources=(*RESOURCES, changed)).failures == ()
    found = view.find_answer(Clients(target))
    assert found is not None and found.comment == "Told"
    assert [(one.name, one.comment) for one in found.columns or []] == [("m", None), ("a b", "It's theirs")]
    assert (found.properties or {})["theirs"] == "1"
    assert plan_estate(target, [view.key], resources=(*RESOURCES, changed)).is_empty
    view.delete(Clients(target))


def test_a_table_is_not_dropped_for_a_view(target: Target) -> None:
    usurper = View("flights.silver.secrets", "SELECT 1 AS id")
    shown = plan_estate(target, ["view"], resources=(*RESOURCES, usurper))
    assert [step.action for step in shown.steps] == [Action.BLOCKED]


def test_an_answer_lost_after_create_makes_it_once(target: Target, gateway: Gateway) -> None:
    view = View("flights.ops.again", "SELECT 1 AS id")
    gateway.add_fault(method="POST", path="*/sql/statements*", drop="after", times=1)
    assert apply_estate(target, ["view"], resources=(*RESOURCES, view)).failures == ()
    assert plan_estate(target, ["view"], resources=(*RESOURCES, view)).is_empty
    assert apply_estate(target, prune=Prune(True), resources=declare(PUBLIC)).failures == ()
    assert view.read(Clients(target)) is None, "a view holds no data"
