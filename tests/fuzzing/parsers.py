"""Each parser of what strangers send, as a function of bytes that fails when the parser breaks its promise.

The promise: it returns, or raises the error that it names. Some promise more, as that pieces together are the text.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from moto.s3.exceptions import S3ClientError

from data_assets.arrival.events import read_message
from data_assets.steps._landing import LandedKey, Marker, NoFile, read_key
from lakehouse.identifiers import find_name_problem, quote_identifier
from lakehouse.names import InvalidName, parse_table_name
from lakehouse.storage_urls import InvalidStorageUrl, parse_storage_url
from local_workspace.engines.moto_s3_request import ALGORITHM, read_conditions, read_signed_query, read_tags
from local_workspace.gateway import decoding
from local_workspace.gateway.errors import ApiError
from local_workspace.iam.evaluation import Policies, decide
from local_workspace.iam.statements import Request
from local_workspace.serverless_runtime.notebook_runner import split_statements
from local_workspace.serverless_runtime.notebook_source import HEADER, NotebookError, parse_notebook
from local_workspace.services.cluster_policies.definition import parse_definition
from local_workspace.services.dashboards.definition import read_definition
from local_workspace.services.files.paths import parse_volume_path
from local_workspace.services.jobs.quartz import InvalidSchedule, parse_schedule
from local_workspace.services.scim.patches import PATCH_SCHEMA, parse_patch
from local_workspace.services.statements.failures import StatementFailed
from local_workspace.services.statements.grammar import to_spark, try_parse
from local_workspace.services.statements.requests import parse_request
from local_workspace.services.unity_catalog.storage_urls import normalize, split_url
from platform_assets.grammar.sql_lexer import normalize_sql, split_sql
from platform_assets.reconcile.saved import InvalidPlanFile, read_plan
from platform_assets.recovery.snapshot import InvalidSnapshot, read_snapshot

_REQUEST = Request("s3:GetObject", "arn:aws:s3:::lake/a", "arn:aws:iam::123456789012:role/r")


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _json(raw: bytes) -> Any:
    """Return the JSON of the bytes as the gateway takes it; an empty object where it takes none."""
    try:
        return decoding.read_json(raw)
    except ApiError:
        return {}


def _refusing(parse: Callable[[Any], object], *errors: type[Exception]) -> Callable[[Any], None]:
    def attempt(given: Any) -> None:
        try:
            parse(given)
        except errors:
            return

    return attempt


def _body(raw: bytes) -> None:
    try:
        body = decoding.read_json(raw)
    except ApiError as error:
        assert error.status == 400
        return
    assert decoding.read_json(json.dumps(body).encode()) == body


def _message(raw: bytes) -> None:
    for text in (_text(raw), raw.decode("latin-1"), json.dumps({"Type": "Notification", "Message": _text(raw)})):
        for found in read_message(text).objects:
            assert (found.bucket + found.key + found.identity).encode() is not None


def _landing_key(raw: bytes) -> None:
    found = read_key(raw.decode(errors="surrogateescape"))
    assert isinstance(found, LandedKey | Marker) or (isinstance(found, NoFile) and found.reason)


def _sql(raw: bytes) -> None:
    text = _text(raw)
    assert "".join(piece.text for piece in split_sql(text)) == text
    assert normalize_sql(normalize_sql(text)) == normalize_sql(text)


def _statement(raw: bytes) -> None:
    text = _text(raw)
    to_spark(text)
    for start in ("", "GRANT ", "SHOW GRANTS ", "CREATE VOLUME ", "CREATE FUNCTION ", "DROP CATALOG "):
        _refusing(lambda given: try_parse(given, "main", "s"), StatementFailed)(start + text)


def _identifier(raw: bytes) -> None:
    name = _text(raw)
    if find_name_problem(name) is None:
        assert quote_identifier(name)[1:-1].replace("``", "`") == name


def _storage_url(raw: bytes) -> None:
    text = _text(raw)
    try:
        found = parse_storage_url(text)
    except InvalidStorageUrl:
        return
    assert parse_storage_url(str(found)) == found and not set("*?#\\") & set(str(found))
    assert split_url(normalize(text))[0] == found.bucket


def _storage_request(raw: bytes) -> None:
    text = _text(raw)
    read_tags(text)
    signed = f"X-Amz-Algorithm={ALGORITHM}&X-Amz-Signature=0&X-Amz-Date={text}"
    for path in (text, f"/b/k?{text}", f"/b/k?{quote(text)}", f"/b/k?{signed}", f"/b/k?{signed}&X-Amz-Expires={text}"):
        read_conditions(path)
        _refusing(read_signed_query, S3ClientError)(path)


def _schedule(raw: bytes) -> None:
    text = _text(raw)
    _refusing(lambda given: parse_schedule(given, "UTC"), InvalidSchedule)(text)
    _refusing(lambda given: parse_schedule("0 0 0 * * ?", given), InvalidSchedule)(text)


def _notebook(raw: bytes) -> None:
    for text in (_text(raw), f"{HEADER}\n{_text(raw)}"):
        _refusing(parse_notebook, NotebookError)(text)
    assert all(statement.strip() for statement in split_statements(_text(raw)))


def _policy(raw: bytes) -> None:
    statement = _json(raw)
    for policy in (statement, {"Statement": statement}, {"Statement": [{"Effect": "Allow", **statement}]}):
        assert decide(Policies(identity=[("p", policy)]), _REQUEST).reason


def _saved_file(raw: bytes) -> None:
    _refusing(lambda text: read_snapshot(text, "here"), InvalidSnapshot)(_text(raw))
    with tempfile.NamedTemporaryFile() as file:
        file.write(raw)
        file.flush()
        _refusing(read_plan, InvalidPlanFile)(Path(file.name))


PARSERS: dict[str, Callable[[bytes], None]] = {
    "body": _body,
    "path": _refusing(decoding.read_path, ApiError),
    "query": _refusing(decoding.read_query, ApiError),
    "message": _message,
    "landing_key": _landing_key,
    "sql": _sql,
    "statement": _statement,
    "statement_request": lambda raw: _refusing(parse_request, ApiError)(_json(raw)),
    "scim_patch": lambda raw: _refusing(parse_patch, ApiError)({"schemas": [PATCH_SCHEMA], **_json(raw)}),
    "identifier": _identifier,
    "table_name": lambda raw: _refusing(parse_table_name, InvalidName)(_text(raw)),
    "storage_url": _storage_url,
    "storage_request": _storage_request,
    "volume_path": lambda raw: _refusing(parse_volume_path, ApiError)(_text(raw)),
    "schedule": _schedule,
    "notebook": _notebook,
    "policy": _policy,
    "dashboard": lambda raw: _refusing(read_definition, ApiError)(_text(raw)),
    "cluster_policy": lambda raw: _refusing(parse_definition, ApiError)(_text(raw)),
    "saved_file": _saved_file,
}
