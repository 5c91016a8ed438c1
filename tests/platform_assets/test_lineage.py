"""The drawn edges: the fewest that say the same as all dependencies."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lakehouse.names import parse_table_name
from platform_assets.declarations import RESOURCES
from platform_assets.lineage import draw_edges, find_last
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.query import Query


@st.composite
def estates(draw: st.DrawFn) -> list[Resource]:
    """Directories, each after some of those before it."""
    made: list[Resource] = []
    for number in range(draw(st.integers(1, 9))):
        after = tuple(one.key for one in made if draw(st.booleans()))
        made.append(Directory(f"d{number}", after=after))
    return draw(st.permutations(made))


def reach(edges: dict[str, tuple[str, ...]], key: str) -> set[str]:
    return {other for one in edges[key] for other in {one, *reach(edges, one)}}


@given(estates())
def test_drawn_edges_imply_all_dependencies_and_none_implies_another(resources: list[Resource]) -> None:
    needs, drawn = {one.key: one.dependencies for one in resources}, draw_edges(resources)
    for key in needs:
        assert reach(drawn, key) == reach(needs, key)
        assert set(drawn[key]) <= set(needs[key])
        for edge in drawn[key]:
            assert not any(edge in reach(drawn, other) for other in drawn[key] if other != edge)


@given(estates())
def test_what_comes_after_the_last_comes_after_all(resources: list[Resource]) -> None:
    needs, last = {one.key: one.dependencies for one in resources}, find_last(resources)
    assert {other for key in last for other in {key, *reach(needs, key)}} == set(needs)


def test_a_table_stands_for_its_schema() -> None:
    table, schemas = parse_table_name("a.s.t"), ("schema/a/s", "schema/a/other")
    query = Query("q", text="SELECT * FROM {t}", reads={"t": table}, after=schemas)
    assert draw_edges([query])["query/q"] == ("schema/a/other",)


def test_the_order_of_an_apply_is_all_dependencies_still() -> None:
    bucket = next(one for one in RESOURCES if one.key == "external_location/lake")
    assert "s3_bucket/lake" in bucket.dependencies
    assert "s3_bucket/lake" not in draw_edges(RESOURCES)["external_location/lake"]
