"""Which keys below the landing volume are files, of which data set, of which day.

A key is `<dataset>/<file>.json` or `<dataset>/date=YYYY-MM-DD/<file>.json`. The arrival of events, the search for
lost ones and the steps ask here. `describe_files` and `relative_path` say the same of a path in Spark. Only the
standard library: orchestrator and steps both import it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

# Leap years spelled out: Spark and Python then agree on which days there are, without a date type.
_LEAP = r"(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_DAY = (
    r"(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP}-02-29)"
)
# Spark does not read files whose name begins with _ or . and says nothing; so they are no files here, either.
_FILE = r"(?![_.])[^/]+\.json"
_FOLDER, _KEY = re.compile(rf"date=({_DAY})"), re.compile(rf"(?:date=({_DAY})/)?{_FILE}", re.DOTALL)
_MARKERS = re.compile(r".*_\$folder\$|_SUCCESS|_(?:started|committed)_[0-9]+", re.DOTALL)
_COMPRESSED = (".gz", ".bz2", ".zst", ".zip", ".xz", ".lz4", ".snappy", ".deflate")
_SCHEME = r"^[A-Za-z][A-Za-z0-9+.-]*:"


@dataclass(frozen=True)
class LandedKey:
    """A key that is a file of a data set; `day` is the day of its folder, None beside the day folders."""

    dataset: str
    day: str | None


@dataclass(frozen=True)
class Marker:
    """A key that stands for a folder or a finished write, with no data of its own: nothing to do, nothing to report."""


@dataclass(frozen=True)
class NoFile:
    """A key that no step reads, and why."""

    reason: str


def read_key(key: str) -> LandedKey | Marker | NoFile:
    """Return what a key in the landing volume is."""
    *parts, name = key.split("/")
    if (parts and not name) or _MARKERS.fullmatch(name):
        return Marker()
    if not parts:
        return NoFile("files stand in a dataset's folder")
    dataset, *folders = parts
    if found := _KEY.fullmatch("/".join([*folders, name])):
        return LandedKey(dataset, found[1])
    return NoFile(_refuse(folders, name))


def _refuse(folders: list[str], name: str) -> str:
    if len(folders) > 1:
        return "files stand in the dataset's folder or in one date=YYYY-MM-DD/"
    if folders and not _FOLDER.fullmatch(folders[0]):
        return f"{folders[0]!r} is no date=YYYY-MM-DD"
    if name.startswith(("_", ".")):
        return f"{name!r} is hidden: Spark reads no file whose name begins with _ or . ; land it under another name"
    if name.endswith(_COMPRESSED):
        return "not a .json file: compressed files are not read; land it uncompressed"
    return "not a .json file"


def describe_files(landing: str) -> str:
    """Return the regular expression, for Java, that the path of a file below a data set's folder matches as a whole.

    It is of a path as Spark gives it: with or without a scheme, escaped as a URI. Groups: the day.
    """
    depth = len([part for part in landing.split("/") if part])
    return rf"{_SCHEME[:-1]}?:?/*(?:[^/]+/){{{depth}}}(?:date(?:=|%3D)({_DAY})/)?{_FILE}"


def relative_path(path: str, landing: str) -> str:
    """Return what stands behind the data set's folder in a path as Spark gives it, unescaped."""
    depth = len([part for part in landing.split("/") if part])
    parts = [part for part in re.sub(_SCHEME, "", path).split("/") if part]
    return unquote("/".join(parts[depth:]), errors="surrogateescape")
