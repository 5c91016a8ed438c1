"""Requests of other people's clients, one after the other, from the files in `replays`: adding a case is adding lines.

A line is a request, the `status` (or several), `fields` of the answer (null: not there) and what to `keep` of it under
a name for later lines, which say `${NAME}`, or `#{NAME}` for a number. `text` is a body of bytes; no body has a content
type but of `headers`. The first line says what the file holds and where the facts are from.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

REPLAYS = Path(__file__).parent.parent / "replays"
FILES = sorted(REPLAYS.glob("*.jsonl"))
ADMIN = "admin@lakehouse.example"


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_client_gets_what_it_asks_for(admin: TestClient, path: Path) -> None:
    about, *lines = path.read_text().splitlines()
    assert {"about", "sources"} == json.loads(about).keys()
    kept = {"ME": ADMIN}
    wrong = [told for number, line in enumerate(lines, 2) if (told := replay(admin, line, kept, number))]
    assert wrong == []


def replay(admin: TestClient, line: str, kept: dict[str, str], number: int) -> str:
    """Send the request of a line; return what is wrong with the answer, if anything is."""
    step = fill(json.loads(line), kept)
    headers = {} if step.get("token", True) else {"authorization": ""}
    request = admin.build_request(
        step["method"],
        step["path"],
        params=step.get("query"),
        headers={**headers, **step.get("headers", {})},
        content=json.dumps(step["body"]).encode() if "body" in step else step.get("text", "").encode(),
    )
    answer = admin.send(request)
    seen = read_answer(answer.content)
    for name, field in step.get("keep", {}).items():
        kept[name] = str(seen[field]) if isinstance(seen, dict) and field in seen else f"no {name}"
    statuses = step["status"] if isinstance(step["status"], list) else [step["status"]]
    problems = [] if answer.status_code in statuses else [f"status {answer.status_code}: {answer.text[:300]}"]
    if not problems and "fields" in step:
        problems = find_differences(step["fields"], seen, "")
    return f"line {number}, {step['method']} {step['path']}: {'; '.join(problems)}" if problems else ""


def read_answer(content: bytes) -> Any:
    """Return the JSON of an answer, or None."""
    try:
        return json.loads(content)
    except ValueError:
        return None


def fill(value: Any, kept: dict[str, str]) -> Any:
    """Return the value with `${NAME}` and `#{NAME}` replaced."""
    if isinstance(value, dict):
        return {name: fill(one, kept) for name, one in value.items()}
    if isinstance(value, list):
        return [fill(one, kept) for one in value]
    if not isinstance(value, str):
        return value
    if number := re.fullmatch(r"#\{(\w+)\}", value):
        return int(kept[number[1]])
    return re.sub(r"\$\{(\w+)\}", lambda match: kept[match[1]], value)


def find_differences(wanted: Any, seen: Any, where: str) -> list[str]:
    """Return where the answer differs: of objects the named fields count, of lists all entries, of ids the digits."""
    if isinstance(wanted, dict) and isinstance(seen, dict):
        return [one for name in wanted for one in find_differences(wanted[name], seen.get(name), f"{where}.{name}")]
    if isinstance(wanted, list) and isinstance(seen, list) and len(wanted) == len(seen):
        return [
            one
            for n, pair in enumerate(zip(wanted, seen, strict=True))
            for one in find_differences(*pair, f"{where}[{n}]")
        ]
    is_same = wanted == seen or (isinstance(wanted, str) and isinstance(seen, int) and wanted == str(seen))
    return [] if is_same else [f"{where} is {seen!r}, not {wanted!r}"]
