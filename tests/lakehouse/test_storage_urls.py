"""The parser of storage URLs: a table of spellings, shared with the local workspace, and what one place covers."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.storage_urls import InvalidStorageUrl, StorageUrl, parse_storage_url

SPELLINGS = json.loads((Path(__file__).parents[1] / "storage_urls.json").read_text())


@pytest.mark.parametrize(("given_url", "kept"), SPELLINGS["taken"].items())
def test_a_storage_url_is_kept_as_given(given_url: str, kept: str) -> None:
    assert str(parse_storage_url(given_url)) == kept


@pytest.mark.parametrize("url", SPELLINGS["refused"])
def test_a_storage_url_that_reads_in_two_ways_is_refused(url: str) -> None:
    with pytest.raises(InvalidStorageUrl) as refusal:
        parse_storage_url(url)
    assert repr(url) in str(refusal.value)


def test_a_key_is_at_most_1024_bytes() -> None:
    parse_storage_url(f"s3://lake/{'ä' * 512}")
    with pytest.raises(InvalidStorageUrl, match="1024 bytes"):
        parse_storage_url(f"s3://lake/{'ä' * 513}")


@pytest.mark.parametrize(
    ("one", "other", "covers"),
    [
        ("s3://lake", "s3://lake/t", True),
        ("s3://lake/t", "s3://lake/t", True),
        ("s3://lake/t", "s3://lake/t/x", True),
        ("s3://lake/t", "s3://lake/table", False),
        ("s3://lake/t", "s3://lake", False),
        ("s3://lake/t", "s3://lake/T", False),
        ("s3://lake", "s3://lake2/t", False),
    ],
)
def test_a_place_covers_itself_and_what_lies_below(one: str, other: str, covers: bool) -> None:
    assert parse_storage_url(one).covers(parse_storage_url(other)) == covers


@given(st.text(max_size=30))
def test_what_is_taken_is_read_back_as_itself(text: str) -> None:
    try:
        place = parse_storage_url(f"s3://lake/{text}")
    except InvalidStorageUrl:
        return
    assert parse_storage_url(str(place)) == place
    assert place == StorageUrl("lake", text.removesuffix("/"))
    assert not set("*?#\\") & set(str(place)) and "${" not in str(place)
