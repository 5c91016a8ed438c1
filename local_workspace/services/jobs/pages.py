"""Jobs and runs in pages: an answer has at most 100 entries of each of its lists; a token leads to the next.

https://docs.databricks.com/api/workspace/jobs/get
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from local_workspace.gateway.calls import Call

PAGE = 100
OF_JOB = ("tasks", "environments", "parameters")
OF_RUN = ("tasks", "job_parameters")


def cut_page(call: Call, shown: dict[str, Any], lists: Sequence[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what is shown with the asked page of its lists, and the field with the next page's token, if any."""
    longest = max(len(shown.get(name) or ()) for name in lists)
    page = call.page(range(longest), "numbers", PAGE)
    start = page["numbers"][0] if page["numbers"] else 0
    cut = {name: shown[name][start : start + PAGE] for name in lists if shown.get(name)}
    return {**shown, **cut}, {name: token for name, token in page.items() if name == "next_page_token"}


def cut_first(shown: dict[str, Any], lists: Sequence[str]) -> tuple[dict[str, Any], bool]:
    """Return the same of an entry of a list call, which has the first page alone, and whether there is more."""
    longer = {name: shown[name][:PAGE] for name in lists if len(shown.get(name) or ()) > PAGE}
    return {**shown, **longer}, bool(longer)
