"""Jobs: how many tasks there may be, and what their keys look like.

https://docs.databricks.com/api/workspace/jobs/create
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lakehouse.grammar.texts import pattern_problems

MOST_TASKS = 1_000


def task_problems(keys: Sequence[str]) -> Iterator[str]:
    """Yield why tasks of these keys make no job."""
    if not 1 <= len(keys) <= MOST_TASKS:
        yield f"a job has 1 to {MOST_TASKS} tasks, not {len(keys)}: declare several jobs"
    for key in dict.fromkeys(keys):
        yield from pattern_problems(
            "the key of a task", key, r"[A-Za-z0-9_-]{1,100}", "1 to 100 letters, digits, - and _"
        )
        if keys.count(key) > 1:
            yield f"two of its tasks are called {key}: rename the JAR or the notebook"
