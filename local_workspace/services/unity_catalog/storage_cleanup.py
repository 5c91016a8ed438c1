"""Removes the data of dropped managed tables and volumes; external data is never touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_workspace.gateway.store import Document
from local_workspace.services.unity_catalog.storage_urls import split_url

if TYPE_CHECKING:
    from local_workspace.gateway.workspace import Workspace


def remove_storage(workspace: Workspace, document: Document) -> None:
    """Delete every object under a managed table's or volume's location."""
    kind = document.get("table_type") or document.get("volume_type")
    if kind != "MANAGED":
        return
    bucket, prefix = split_url(document["storage_location"])
    s3 = workspace.aws("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        keys = [{"Key": item["Key"]} for item in page.get("Contents", [])]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
