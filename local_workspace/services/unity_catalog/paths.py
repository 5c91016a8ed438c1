"""What an s3:// URL belongs to: managed storage, a table, a volume, an external location; and what overlaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from local_workspace.gateway.errors import bad_request
from local_workspace.gateway.store import Document
from local_workspace.services.unity_catalog.securables import METASTORE, Securables

MANAGED_FOLDER = "__unitystorage"


@dataclass(frozen=True)
class Owner:
    """The securable that a path belongs to: type, full name, its URL."""

    kind: str
    full_name: str
    url: str


def is_under(url: str, parent: str) -> bool:
    """Say whether `url` is `parent` or lies below it."""
    return url == parent or url.startswith(parent.rstrip("/") + "/")


def overlap(one: str, other: str) -> bool:
    """Say whether one URL contains the other."""
    return is_under(one, other) or is_under(other, one)


class Paths:
    """Looks URLs up in the stored securables."""

    def __init__(self, securables: Securables) -> None:
        self._securables = securables

    def location_of(self, url: str) -> Document | None:
        """Return the external location that covers the URL."""
        for location in self._securables.list_all("external_location"):
            if is_under(url, location["url"].rstrip("/")):
                return location
        return None

    def owner_of(self, url: str) -> Owner | None:
        """Return the table or volume that the URL lies in."""
        return next((owner for owner in self._owners() if is_under(url, owner.url)), None)

    def overlapping(self, url: str) -> Owner | None:
        """Return a table or volume whose storage contains the URL or lies in it."""
        return next((owner for owner in self._owners() if overlap(url, owner.url)), None)

    def managed_overlapping(self, url: str) -> str | None:
        """Return a managed storage location that contains the URL or lies in it."""
        return next((root for root in self._storage_roots() if overlap(url, root)), None)

    def closed_within(self, url: str) -> tuple[str, ...]:
        """Return the URLs below `url` that open by their own grants only: volumes and managed storage.

        External tables are not among them: who may read the files of their location may read theirs, as in the service.
        """
        volumes = [owner.url for owner in self._owners() if owner.kind == "volume"]
        return tuple(sorted(place for place in [*volumes, *self._managed_roots()] if is_under(place, url)))

    def _managed_roots(self) -> Iterator[str]:
        return (f"{root}/{MANAGED_FOLDER}" for root in self._storage_roots())

    def _storage_roots(self) -> Iterator[str]:
        for kind in (METASTORE, "catalog", "schema"):
            for document in self._securables.list_all(kind):
                if document.get("storage_root"):
                    yield document["storage_root"].rstrip("/")

    def is_managed_storage(self, url: str) -> bool:
        """Say whether the URL lies where Unity Catalog keeps managed tables and volumes."""
        return f"/{MANAGED_FOLDER}/" in f"{url}/"

    def managed_location(self, full_schema: str, folder: str, securable_id: str) -> str:
        """Return where a new managed table or volume of the schema goes: the nearest storage root."""
        catalog_name = full_schema.split(".")[0]
        chain = (("schema", full_schema), ("catalog", catalog_name), (METASTORE, METASTORE))
        for kind, name in chain:
            document = self._securables.load(kind, name)
            if document.get("storage_root"):
                part = f"{kind}s/{document.get('schema_id') or document.get('catalog_id') or document['metastore_id']}"
                return f"{document['storage_root'].rstrip('/')}/{MANAGED_FOLDER}/{part}/{folder}/{securable_id}"
        raise bad_request(f"Neither schema {full_schema}, its catalog nor the metastore has a storage root")

    def _owners(self) -> Iterator[Owner]:
        for kind in ("volume", "table"):
            for document in self._securables.list_all(kind):
                if document.get("storage_location"):
                    yield Owner(kind, document["full_name"], document["storage_location"].rstrip("/"))


def require_free(paths: Paths, path: str) -> None:
    """Refuse a place that contains, or lies in, a table, a volume or a managed storage location.

    https://docs.databricks.com/aws/en/volumes/paths
    Raises:
        ApiError: 400 naming what is there.
    """
    taken = paths.overlapping(path)
    if taken is not None or paths.is_managed_storage(path) or paths.managed_overlapping(path):
        what = f"{taken.kind} '{taken.full_name}'" if taken else "managed storage"
        raise bad_request(f"Input path url '{path}' overlaps with {what}.", "LOCATION_OVERLAP")
