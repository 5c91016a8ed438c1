"""Folders of declarations: what no storage URL can name is refused as declared."""

from collections.abc import Callable

import pytest

from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.model import InvalidDeclaration, Resource
from platform_assets.resource_types.table import Table


@pytest.mark.parametrize(
    "declare",
    [
        lambda folder: Catalog("flights", folder=folder),
        lambda folder: Table("flights.bronze.orders", bucket="lake", folder=folder),
    ],
)
@pytest.mark.parametrize(
    "folder", ["a*", "a?x=1", "a#b", "/a", "a/", "a//b", "../a", "a/.", "a\\b", "${aws:userid}", "a%2Fb"]
)
def test_a_folder_that_no_url_can_name_is_refused(declare: Callable[[str], Resource], folder: str) -> None:
    assert declare("täbles/my orders")
    with pytest.raises(InvalidDeclaration, match="the folder .* is not taken"):
        declare(folder)
