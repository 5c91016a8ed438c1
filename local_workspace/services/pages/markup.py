"""HTML from Python values. Text is escaped unless it is `Html`, which only the functions here make."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

_VOID = ("input", "meta")


class Html(str):
    """Text that is HTML already."""


def text(value: object) -> Html:
    """Return a value as HTML; nothing for None."""
    if isinstance(value, Html):
        return value
    return Html("" if value is None else escape(str(value)))


def element(tag: str, /, *content: object, **attributes: object) -> Html:
    """Return an element; attributes that are None are left out, `class_` is written class."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{tag}{given}>" if tag in _VOID else f"<{tag}{given}>{join(content)}</{tag}>")


def join(parts: Iterable[object]) -> Html:
    """Return the parts one after the other."""
    return Html("".join(text(part) for part in parts))


def link(path: Iterable[object], label: object) -> Html:
    """Return a link to a page of this workspace; `path` is its segments, which are quoted."""
    return element("a", label, href=address(path))


def address(path: Iterable[object]) -> str:
    """Return the path of a page."""
    return "/" + "/".join(quote(str(part), safe="") for part in path)


def table(headings: Iterable[object], rows: Iterable[Iterable[object]], empty: str) -> Html:
    """Return a table, or the sentence `empty` when it has no rows."""
    lines = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    if not lines:
        return element("p", empty, class_="empty")
    head = element("tr", *(element("th", heading) for heading in headings))
    return element("table", element("thead", head), element("tbody", *lines))


def facts(pairs: Iterable[tuple[str, object]]) -> Html:
    """Return names and values as a list; pairs without a value are left out."""
    shown = [(name, value) for name, value in pairs if value not in (None, "", [], {})]
    return element("dl", *(join([element("dt", name), element("dd", _fact(value))]) for name, value in shown))


def section(title: str, *content: object) -> Html:
    """Return a part of a page under a heading."""
    return element("section", element("h2", title), *content)


def state(word: str) -> Html:
    """Return a state as a coloured word."""
    return element("span", word, class_=f"state {word.lower()}")


def moment(milliseconds: int | None) -> Html:
    """Return a time in UTC, given in ms since 1970; nothing for 0."""
    if not milliseconds:
        return Html()
    told = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return element("time", f"{told:%Y-%m-%d %H:%M:%S} UTC", datetime=told.isoformat())


def duration(milliseconds: int | None) -> Html:
    """Return how long something took, given in ms."""
    if not milliseconds:
        return Html()
    minutes, seconds = divmod(milliseconds / 1000, 60)
    told = f"{int(minutes)} min {int(seconds)} s" if minutes else f"{seconds:.1f} s"
    return element("span", told, class_="unbroken")


def preformatted(content: str) -> Html:
    """Return text as it is, with its line breaks."""
    return element("pre", content)


def _fact(value: object) -> object:
    if isinstance(value, Mapping | list | tuple):
        return element("pre", json.dumps(value, indent=2, ensure_ascii=False, default=str))
    return _yes_or_no(value)


def _yes_or_no(value: Any) -> object:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
