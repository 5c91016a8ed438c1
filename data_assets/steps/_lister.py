"""Which files have landed, asked of the volume itself. What cannot be listed is an error, never "nothing there".

Only calls that raise when they are denied: os.path.isdir, exists and isfile say False then, and are not used in steps.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from ._landing import LandedKey, read_key

_AT_ONCE = 8  # folders that are listed side by side


class _Listing(NamedTuple):
    """The names in a folder; a name may be in both, as S3 has keys `a.json` and `a.json/b.json` side by side."""

    files: list[str]
    folders: list[str]


class LandingUnreadable(Exception):
    """A landing folder could not be listed: what has landed is not known, so nothing is written."""


def list_files(landing: str, days: Sequence[str] | None) -> dict[str, str | None]:
    """Return the files of a data set by their path below its folder, each with its day: all, or those of the days.

    Raises:
        LandingUnreadable: the volume or a folder in it cannot be listed; it names the right that is missing.
    """
    found = _list_folders(landing, days)
    dataset = landing.rpartition("/")[2]
    keys = ((name, read_key(f"{dataset}/{name}")) for name in found)
    return {name: key.day for name, key in keys if isinstance(key, LandedKey)}


def has_landed(landing: str) -> bool:
    """Say whether there is a folder of the data set: the volume itself is listed.

    Raises:
        LandingUnreadable: it cannot be listed.
    """
    volume, _, dataset = landing.rpartition("/")
    return dataset in _list(volume, volume).folders


def _list_folders(landing: str, days: Sequence[str] | None) -> Iterator[str]:
    """Yield the paths of what stands in the data set's folder (unless days are asked for) and in its day folders."""
    if not has_landed(landing):
        return
    volume = landing.rpartition("/")[0]
    found = _list(landing, volume)
    if days is None:
        yield from found.files
    wanted = set(found.folders) if days is None else {f"date={day}" for day in days}
    folders = [name for name in found.folders if name in wanted and name.startswith("date=")]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        listings = threads.map(lambda folder: _list(f"{landing}/{folder}", volume), folders)
        for folder, inside in zip(folders, listings, strict=True):
            yield from (f"{folder}/{name}" for name in inside.files)


def is_empty(landing: str, file: str) -> bool:
    """Say whether a file that was listed holds nothing but a byte order mark, or is gone by now.

    Raises:
        LandingUnreadable: that cannot be said.
    """
    try:
        with open(f"{landing}/{file}", "rb") as opened:
            return opened.read(len(BOM_UTF8) + 1) in (b"", BOM_UTF8)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise _unreadable(f"{landing}/{file}", landing.rpartition("/")[0], error) from error


def _list(folder: str, volume: str) -> _Listing:
    try:
        with os.scandir(folder) as entries:
            found = sorted({(entry.name, entry.is_dir()) for entry in entries})
    except OSError as error:
        raise _unreadable(folder, volume, error) from error
    return _Listing(
        [name for name, is_folder in found if not is_folder], [name for name, is_folder in found if is_folder]
    )


def _unreadable(place: str, volume: str, error: OSError) -> LandingUnreadable:
    parts = volume.removeprefix("/Volumes/").split("/")
    name = ".".join(parts)
    schema, catalog = ".".join(parts[:-1]), parts[0]
    needs = f"READ VOLUME on VOLUME {name}, USE SCHEMA on SCHEMA {schema}, USE CATALOG on CATALOG {catalog}"
    return LandingUnreadable(
        f"{place} cannot be listed or read: {type(error).__name__} {error}. So it is not known what has landed, and "
        f"nothing was written. The volume must exist, and the principal of the run needs {needs}: grant what is "
        "missing (`lakehouse apply` grants what the estate declares) and run the step again"
    )
