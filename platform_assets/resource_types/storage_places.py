"""Folders within buckets that declarations name. Pure; the grammar is lakehouse/storage_urls.py."""

from __future__ import annotations

from lakehouse.storage_urls import find_path_problem
from platform_assets.resource_types.model import refuse


def require_folder(key: str, folder: str) -> None:
    """Refuse a folder that no storage URL can name, or that a service would show in another spelling.

    Raises:
        InvalidDeclaration: naming the resource, the folder and what to write.
    """
    problem = "it ends in a slash" if folder.endswith("/") else find_path_problem(folder)
    if problem:
        raise refuse(key, f"the folder {folder!r} is not taken: {problem}. Write it like tables/orders")
