"""Requests to moto's S3 as policies see them: presigned, anonymous, or about many objects at once.

Runs inside the moto process only. moto's own knows the Authorization header only, and one resource per request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode, urlparse, urlsplit
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import unescape

import xmltodict  # type: ignore[import-untyped]
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from moto.iam.access_control import S3IAMRequest
from moto.s3.exceptions import MalformedXML, S3AccessDeniedError, S3ClientError

from local_workspace.engines.moto_policies import asked_with
from local_workspace.iam.request_keys import describe_principal

SIGNATURE = "X-Amz-Signature"
_CONDITIONS = ("prefix", "delimiter", "max-keys")
ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_KEY = 1024  # bytes
LONGEST_S = 7 * 24 * 3600  # of a presigned URL, as AWS has it


class RequestExpired(S3ClientError):
    """The presigned URL is past its end."""

    def __init__(self) -> None:
        super().__init__("AccessDenied", "Request has expired")


class MalformedQuery(S3ClientError):
    """The presigned URL lacks a parameter, or has one that cannot be read."""

    def __init__(self, name: str) -> None:
        super().__init__("AuthorizationQueryParametersError", f"{name} is missing or malformed")


class KeyTooLong(S3ClientError):
    """No object can have that key; moto would make one."""

    def __init__(self) -> None:
        super().__init__("KeyTooLongError", "Your key is too long")


class InvalidCopySource(S3ClientError):
    """The header x-amz-copy-source cannot be read in one way."""

    def __init__(self) -> None:
        super().__init__(
            "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"
        )


class S3Request(S3IAMRequest):
    """A request to S3 whose signature stands in the Authorization header or in the query."""

    _is_presigned = False

    def __init__(self, **request: Any) -> None:
        if "Authorization" not in request["headers"]:
            signed = read_signed_query(request["path"])
            self._is_presigned = True
            request["headers"] = {**request["headers"], **describe_authorization(signed)}
        super().__init__(**request)

    def check_action_permitted(self, resource: str) -> None:
        """Raise unless policies allow it; of a bulk deletion, for each of its objects."""
        known = {**describe_principal(self._access_key.arn), "aws:requestedregion": self._region}
        with asked_with({**known, **read_conditions(self._path)}):
            self._check(resource)

    def _check(self, resource: str) -> None:
        if self._action == "s3:DeleteObject" and self._method == "POST":
            for key, version in read_deletions(self._body):
                self._check_as("s3:DeleteObjectVersion" if version else "s3:DeleteObject", f"{resource}/{key}")
            return
        if self._action == "s3:PutObject" and len(resource.partition("/")[2].encode()) > LONGEST_KEY:
            raise KeyTooLong()
        super().check_action_permitted(resource)
        if source := read_copy_source(self._headers):
            key, version = source
            self._check_as("s3:GetObjectVersion" if version else "s3:GetObject", f"{resource.split(':::')[0]}:::{key}")
        if self._action == "s3:CreateBucket" and read_tags(self._text()):
            self._action = "s3:TagResource"
            super().check_action_permitted(resource)

    def _check_as(self, action: str, resource: str) -> None:
        asked, self._action = self._action, action
        try:
            super().check_action_permitted(resource)
        finally:
            self._action = asked

    def _text(self) -> str:
        return self._body.decode() if isinstance(self._body, bytes) else str(self._body)

    def _create_auth(self, credentials: Any) -> Any:
        if not self._is_presigned:
            return super()._create_auth(credentials)
        return S3SigV4QueryAuth(credentials, self._service, self._region)

    def _create_aws_request(self) -> Any:
        if not self._is_presigned:
            return super()._create_aws_request()
        signed = read_signed_query(self._path)
        names = signed["X-Amz-SignedHeaders"].lower().split(";")
        headers = self._create_headers_for_aws_request(names, self._headers)
        request = AWSRequest(method=self._method, url=drop_signature(self._path), headers=headers)
        request.context["timestamp"] = signed["X-Amz-Date"]
        return request


def read_conditions(path: str) -> dict[str, str | None]:
    """Return the condition keys that a request to S3 brings along, None for those that it could and does not.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
    """
    query = parse_qs(urlsplit(path).query, keep_blank_values=True)
    return {f"s3:{name}": query[name][0] if name in query else None for name in _CONDITIONS}


def read_copy_source(headers: Mapping[str, str]) -> tuple[str, str | None] | None:
    """Return bucket/key and version of what a request copies, as moto reads the header; None when it copies nothing.

    Raises:
        InvalidCopySource: the header names no object.
    """
    source = next((value for name, value in headers.items() if name.lower() == "x-amz-copy-source"), None)
    if source is None:
        return None
    parsed = urlparse(source)
    key = unquote(parsed.path).lstrip("/")
    if parsed.scheme or parsed.netloc or parsed.params or parsed.fragment or not key.partition("/")[2]:
        raise InvalidCopySource()
    return key, parse_qs(parsed.query).get("versionId", [None])[0]


def read_deletions(body: bytes | str) -> list[tuple[str, str | None]]:
    """Return key and version of each object that a bulk deletion names, by the parser that moto deletes by.

    Raises:
        MalformedXML: it names none, or cannot be read.
    """
    try:
        objects = xmltodict.parse(body, strip_whitespace=False)["Delete"]["Object"]
        listed = objects if isinstance(objects, list) else [objects]
        return [(str(one["Key"]), one.get("VersionId")) for one in listed]
    except (ExpatError, KeyError, TypeError, AttributeError, ValueError):
        raise MalformedXML() from None


def read_tags(body: str) -> dict[str, str]:
    """Return the tags in the body of CreateBucket."""
    tags = re.findall(r"<Tag>(.*?)</Tag>", body, re.DOTALL)
    return {_element("Key", tag): _element("Value", tag) for tag in tags}


def _element(name: str, text: str) -> str:
    match = re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return unescape(match[1]) if match else ""


def read_signed_query(path: str) -> dict[str, str]:
    """Return the parameters of a presigned path, those that signing added.

    Raises:
        S3AccessDeniedError: nobody signed it.
        MalformedQuery: a parameter is missing, or its time cannot be read.
        RequestExpired: its time is over.
    """
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items() if name.startswith("X-Amz-")}
    if query.get("X-Amz-Algorithm") != ALGORITHM or SIGNATURE not in query:
        raise S3AccessDeniedError()
    for name in ("X-Amz-Credential", "X-Amz-SignedHeaders", "X-Amz-Date", "X-Amz-Expires"):
        if not query.get(name):
            raise MalformedQuery(name)
    if datetime.now(UTC) > _read_end(query["X-Amz-Date"], query["X-Amz-Expires"]):
        raise RequestExpired()
    return query


def _read_end(begin: str, seconds: str) -> datetime:
    if not re.fullmatch(r"[0-9]{1,6}", seconds, re.ASCII) or int(seconds) > LONGEST_S:
        raise MalformedQuery("X-Amz-Expires")
    try:
        return datetime.strptime(begin, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) + timedelta(seconds=int(seconds))
    except (ValueError, OverflowError):
        raise MalformedQuery("X-Amz-Date") from None


def describe_authorization(signed: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that say the same as the signed query."""
    authorization = (
        f"{ALGORITHM} Credential={signed['X-Amz-Credential']}, SignedHeaders={signed['X-Amz-SignedHeaders']}, "
        f"Signature={signed[SIGNATURE]}"
    )
    token = signed.get("X-Amz-Security-Token")
    return {"Authorization": authorization} | ({"X-Amz-Security-Token": token} if token else {})


def drop_signature(path: str) -> str:
    """Return the path as it was signed."""
    bare, _, query = path.partition("?")
    kept = [item for item in parse_qsl(query, keep_blank_values=True) if item[0] != SIGNATURE]
    return f"{bare}?{urlencode(kept, quote_via=quote, safe='-_.~')}"
