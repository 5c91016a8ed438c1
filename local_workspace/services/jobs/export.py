"""The HTML of runs/export: a notebook's cells and what they printed."""

from __future__ import annotations

import html
from typing import Any

PAGE = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{title}</title></head>
<body><h1>{title}</h1>
{cells}
</body></html>"""


def export_views(task: dict[str, Any], output: dict[str, Any]) -> list[dict[str, str]]:
    """Return the ViewItems of a notebook task."""
    path = task["settings"]["notebook_task"]["notebook_path"]
    cells = "\n".join(_render_cell(cell) for cell in output.get("cells") or [])
    content = PAGE.format(title=html.escape(path.rpartition("/")[2]), cells=cells)
    return [{"content": content, "name": path.rpartition("/")[2], "type": "NOTEBOOK"}]


def _render_cell(cell: dict[str, Any]) -> str:
    source = f'<pre class="{cell["language"]}">{html.escape(cell["source"])}</pre>'
    return source + (f'<pre class="output">{html.escape(cell["output"])}</pre>' if cell.get("output") else "")
