"""`display` and `displayHTML`: what a notebook cell shows, as text; collected for the run's export."""

from __future__ import annotations

from typing import Any

SHOWN_ROWS = 1000


def display(value: Any = None, *_: Any, **__: Any) -> None:
    """Print a table or a value."""
    text = render(value)
    if text:
        print(text)


def display_html(html: str) -> None:
    """Print the HTML as it is."""
    print(html)


def render(value: Any) -> str:
    """Return a value as a notebook's output shows it; a DataFrame as a table of its first rows."""
    if value is None:
        return ""
    if hasattr(value, "toPandas") and hasattr(value, "limit"):
        value = value.limit(SHOWN_ROWS).toPandas()
    if type(value).__module__.startswith("pandas") and hasattr(value, "to_string"):
        return str(value.to_string(max_rows=SHOWN_ROWS))
    return value if isinstance(value, str) else repr(value)


def is_table(value: Any) -> bool:
    """Say whether the value is a pandas DataFrame or Series, shown as a table; Spark's are shown by display."""
    return type(value).__module__.startswith("pandas.") and hasattr(value, "to_string")
