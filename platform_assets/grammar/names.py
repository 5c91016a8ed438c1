"""Names that are one part or a path, whichever service keeps them."""

from __future__ import annotations

from collections.abc import Iterator

from lakehouse.grammar.texts import length_problems, pattern_problems


def simple_name_problems(name: str, physical: str, most: int = 255) -> Iterator[str]:
    """Yield why a name is not one part, or too long on the target: a dot or slash would be two parts of its key."""
    yield from pattern_problems("its name", name, r"[A-Za-z0-9_-]+", "letters, digits, - and _, without dot or slash")
    yield from length_problems(f"its name on the target, {physical[:80]},", physical, most)


def path_problems(name: str, most: int = 255) -> Iterator[str]:
    """Yield why a name is no path such as reports/thresholds.json; `most` is how long a part may be."""
    for part in name.split("/"):
        if part in ("", ".", ".."):
            yield f"its name is a path such as reports/thresholds.json, not {name[:80]!r}"
            return
        yield from length_problems(f"the part {part[:40]!r} of its name", part, most)
