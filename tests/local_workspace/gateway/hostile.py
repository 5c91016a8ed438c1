"""Makes hostile requests of a seed: routes with the fields that they take, some of another type, texts of ill will."""

from __future__ import annotations

import json
import random
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from local_workspace.gateway.app import load_routes
from local_workspace.gateway.shapes import load_shapes

TEXTS = [
    *("", " ", "a", "0", "-1", "7", "true", "null", "99999999999999999999", "1e999", "ä", "名", "👩‍🚀", "\u202e", "①"),
    *("a.b", "a.b.c", "main.default.x", ".", "..", "...", "/", "//", "a/b", "/Users/x", "/Shared/x", "/Volumes/a/b/c"),
    *("../../etc/passwd", "/Shared/../x", "'", '"', "`", "\\", ";", "%", "%25", "{{x}}", "${x}", "a\nb", "\t", "\x7f"),
    *("s3://b/k", "s3://", "s3:///x", "s3://b/../k", "file:/etc/passwd", "http://[", "https://x:99999999/y", "x" * 300),
    *("arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:role/x", "SELECT 1", "READ", "WRITE", "MANAGED", "EXTERNAL"),
    *("admins", "users", "account users", "admin@lakehouse.example", "CAN_MANAGE", "CAN_VIEW", "IS_OWNER", "SELECT"),
    *("ALL_PRIVILEGES", "catalog", "schema", "0 0 0 * * ?", "* * * * * *", "0 0 25 * * ?", "UTC", "Mars/Base", "10s"),
    *("main", "system", 'userName eq "x"', "displayName co 'x", 'members[value eq "1"]', "eyJhIjoxfQ", "ZnJvbTox"),
    *("====", "2024-13-45", "Thu, 01 Jan 1970 00:00:00 -0000", "9" * 40, "²", "PYTHON", "SOURCE", "JUPYTER", "{}"),
    *('{"a": NaN}', "[[[[", "add", "remove", "replace", "members", "displayName", "bytes=0-", "https://git.example/a/b"),
    *("urn:ietf:params:scim:api:messages:2.0:PatchOp", "PAUSED", "MULTI_TASK", "ALL_DONE", "dapi", "OPEN", "ISOLATED"),
]  # fmt: skip
CONTENT_TYPES = ["application/json", "", "text/plain", "application/scim+json", "application/x-www-form-urlencoded"]
COMMON_QUERY = [
    "page_token",
    "max_results",
    "page_size",
    "limit",
    "filter",
    "count",
    "startIndex",
    "force",
    "path",
    "since",
]
ROUTES = [(method, template) for method, template, _ in load_routes()]


@dataclass(frozen=True)
class Hostile:
    """One request; `url` is escaped."""

    method: str
    url: str
    content: bytes
    headers: dict[str, str]


class Maker:
    """Makes them; `known` are ids and names of what there is, so that some get past the search for it."""

    def __init__(self, seed: int, known: list[str]) -> None:
        self._random = random.Random(seed)
        self._known = known

    def request(self) -> Hostile:
        """Return one to any of the routes."""
        method, template = self._random.choice(ROUTES)
        shape = load_shapes()["routes"].get(f"{method} {template}", {"body": {}, "query": {}})
        path = re.sub(r"\{\w+(:path)?\}", lambda match: quote(self.text(), safe="/" if match[1] else ""), template)
        names = self._some([*shape["query"], *COMMON_QUERY], 4)
        query = "&".join(f"{quote(name)}={quote(self.text())}" for name in names)
        body = b"" if method in ("GET", "HEAD") else json.dumps(self._object(shape["body"], 0)).encode()
        headers = {"Content-Type": self._random.choice(CONTENT_TYPES)}
        if self._random.random() < 0.1:
            name = self._random.choice(["If-Unmodified-Since", "Range", "User-Agent"])
            headers[name] = self.text().encode("ascii", "ignore").decode().replace("\n", "")
        return Hostile(method, f"{path}?{query}" if query else path, body, headers)

    def text(self) -> str:
        """Return a text, now and then of something that there is."""
        dice = self._random.random()
        if dice < 0.4:
            return self._random.choice(self._known)
        if dice < 0.9:
            return self._random.choice(TEXTS)
        letters = [chr(self._random.choice([self._random.randrange(1, 128), self._random.randrange(160, 0xD800)]))]
        return "".join(letters * self._random.randrange(1, 9))

    def _object(self, shape: dict[str, str], depth: int) -> dict[str, Any]:
        if not shape or self._random.random() < 0.03:
            return {self.text(): self._anything(depth) for _ in range(self._random.randrange(3))}
        share = self._random.choice([0.2, 0.5, 0.9]) if depth < 4 else 0.2
        return {name: self._value(kind, depth) for name, kind in shape.items() if self._random.random() < share}

    def _value(self, kind: str, depth: int) -> Any:
        if self._random.random() < 0.05 or depth > 8:
            return self._anything(depth)
        if kind.startswith("["):
            return [self._value(kind[1:-1], depth + 1) for _ in range(self._random.randrange(3))]
        if kind.startswith("{"):
            return {self.text(): self._value(kind[1:-1], depth + 1) for _ in range(self._random.randrange(3))}
        if kind in load_shapes()["objects"]:
            return self._object(load_shapes()["objects"][kind], depth + 1)
        return {"text": self.text, "whole": self._whole, "number": self._whole, "flag": self._flag}.get(
            kind, lambda: self._anything(depth)
        )()

    def _whole(self) -> Any:
        return self._random.choice([0, 1, -1, 2, 7, 100, 2**31, 2**62, -(2**63), "5", "-0", 10**15, 1234567890123456])

    def _flag(self) -> bool:
        return self._random.random() < 0.5

    def _anything(self, depth: int) -> Any:
        makers = [self.text, self._whole, self._flag, lambda: None, lambda: 0.5, list, dict]
        if depth < 9:
            makers += [
                lambda: [self._anything(depth + 3) for _ in range(3)],
                lambda: {self.text(): self._anything(depth + 3)},
            ]
        return self._random.choice(makers)()

    def _some(self, names: list[str], most: int) -> list[str]:
        return [self._random.choice(names) for _ in range(self._random.randrange(most + 1))]
