"""Asset keys: the parts that Dagster takes, and which keys are one to it.

https://docs.dagster.io/api/dagster/assets#dagster.AssetKey
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakehouse.grammar.texts import show_characters

_OTHER = re.compile(r"[^A-Za-z0-9_.-]")


def key_problems(key: str) -> Iterator[str]:
    """Yield why a key, written with slashes, is no asset key."""
    if any(not part for part in key.split("/")):
        yield "a part of its name is empty: write at least one letter or digit on each side of a dot or slash"
    elif odd := _OTHER.findall(key.replace("/", "")):
        yield f"its name holds {show_characters(odd)}: Dagster's keys take letters A to Z, digits, _ - and . alone"


def fold_key(key: str) -> str:
    """Return what Dagster makes of a key where it names an output: two keys with the same cannot stand together."""
    return re.sub(r"[-.]", "_", key.replace("/", "__"))
