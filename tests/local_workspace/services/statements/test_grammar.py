"""Governance SQL: what parses to which call, and what does not parse."""

import pytest

from local_workspace.services.statements.commands import API, Command, RestCall
from local_workspace.services.statements.failures import StatementFailed
from local_workspace.services.statements.grammar import try_parse


def parse(text: str, catalog: str | None = None, schema: str | None = None) -> Command:
    command = try_parse(text, catalog, schema)
    assert command is not None
    return command


def grant(privileges: list[str], principal: str, verb: str = "add") -> dict[str, object]:
    return {"changes": [{"principal": principal, verb: privileges}]}


@pytest.mark.parametrize(
    ("text", "path", "body"),
    [
        ("GRANT SELECT ON TABLE a.b.c TO `x@y.z`", "table/a.b.c", grant(["SELECT"], "x@y.z")),
        ("grant use catalog on catalog a to analysts;", "catalog/a", grant(["USE_CATALOG"], "analysts")),
        ("GRANT SELECT, MODIFY ON SCHEMA a.b TO g", "schema/a.b", grant(["SELECT", "MODIFY"], "g")),
        ("GRANT ALL PRIVILEGES ON VOLUME a.b.v TO g", "volume/a.b.v", grant(["ALL_PRIVILEGES"], "g")),
        (
            "GRANT READ FILES ON EXTERNAL LOCATION `the-lake` TO g",
            "external_location/the-lake",
            grant(["READ_FILES"], "g"),
        ),
        ("REVOKE SELECT ON a.b.c FROM `account users`", "table/a.b.c", grant(["SELECT"], "account users", "remove")),
        ("/* why */ GRANT SELECT -- this\n ON VIEW a.b.v TO g", "table/a.b.v", grant(["SELECT"], "g")),
    ],
)
def test_grants(text: str, path: str, body: dict[str, object]) -> None:
    assert parse(text).call == RestCall("PATCH", f"{API}/permissions/{path}", body)


def test_names_are_filled_up_from_the_defaults() -> None:
    assert parse("GRANT SELECT ON TABLE t TO g", "c", "s").call.path.endswith("/table/c.s.t")
    assert parse("GRANT SELECT ON TABLE s.t TO g", "c").call.path.endswith("/table/c.s.t")
    with pytest.raises(StatementFailed, match="needs 3 parts"):
        parse("GRANT SELECT ON TABLE s.t TO g")


def test_catalogs_and_volumes() -> None:
    created = parse("CREATE CATALOG IF NOT EXISTS c MANAGED LOCATION 's3://b/x' COMMENT 'it''s'")
    assert created.call.body == {"name": "c", "storage_root": "s3://b/x", "comment": "it's"}
    assert created.ignore_status == 409
    assert parse("DROP CATALOG c CASCADE").call == RestCall("DELETE", f"{API}/catalogs/c", query={"force": "true"})
    volume = parse("CREATE EXTERNAL VOLUME a.b.v LOCATION 's3://b/v'").call.body
    assert (volume["volume_type"], volume["storage_location"]) == ("EXTERNAL", "s3://b/v")
    assert parse("DROP VOLUME IF EXISTS v", "a", "b").call.path == f"{API}/volumes/a.b.v"
    assert parse("SHOW GRANTS g ON SCHEMA a.b").principal == "g"
    assert parse("SHOW VOLUMES IN a.b").call.query == {"catalog_name": "a", "schema_name": "b"}


@pytest.mark.parametrize(
    "text",
    [
        "GRANT",
        "GRANT SELECT",
        "GRANT ON TABLE a.b.c TO g",
        "GRANT SELECT ON TABLE a.b.c TO",
        "GRANT SELECT ON TABLE a.b.c FROM g",
        "GRANT SELECT ON TABLE a.b.c TO g WITH GRANT OPTION",
        "GRANT SELECT ON TABLE a.b.c.d TO g",
        "CREATE CATALOG",
        "CREATE CATALOG c USING delta",
        "CREATE EXTERNAL VOLUME a.b.v",
        "CREATE VOLUME a.b.v LOCATION 's3://b/v'",
        "DROP VOLUME a.b.v CASCADE",
    ],
)
def test_what_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(StatementFailed, match=r"PARSE_SYNTAX_ERROR|INVALID_NAME"):
        try_parse(text, None, None)


@pytest.mark.parametrize("text", ["SELECT 'GRANT x'", "CREATE TABLE c (a INT)", "SHOW TABLES", "DROP TABLE volume"])
def test_other_statements_are_left_to_spark(text: str) -> None:
    assert try_parse(text, None, None) is None
