"""Each parser under hypothesis: bytes as they come, and pieces of what it reads put together at random."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzzing.parsers import PARSERS

# What the parsers look for. Deep nesting, halves of surrogates and numbers without end are in it on purpose.
PIECES = [
    *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"\\", b"\\ud800", b"[" * 100_000, b'{"a":' * 3000, b"NaN", b"1e999"),
    *(b"0", b"/", b"//", b"..", b".", b"=", b"&", b"%", b"%2F", b"%00", b"%zz", b"?", b"#", b"*", b"s3://"),
    *(b"bucket", b"+", b"'", b"`", b"--", b"/*", b"*/", b";", b"\n", b"\r", b"\0", b" ", b"\xff", b"\xed\xa0\x80"),
    *("ä名".encode(), b"TO", b"date=2013-02-30", b"date=2013-01-05/", b".json", b"_", b"$folder$", b"SELECT", b"ON"),
    *(b"TABLE", b"a.b.c", b"?", b'"Action":', b'"Condition":{"StringLike":', b'"Resource":"*"', b'"Effect":"Deny"'),
    *(b'"s3:*"', b"${aws:username}", b'"Records":[', b'"s3":{', b'"Operations":[{"op":"add"', b'"path":'),
    *(b'"value":', b"20260101T000000Z", b"9" * 5000, b"0 0 0 ? * MON", b"L", b"W", b"-", b"# COMMAND ----------"),
    *(b"# MAGIC %sql", b"<Tag><Key>", b"</Key></Tag>", b"1/2"),
]  # fmt: skip
INPUTS = st.binary(max_size=200) | st.lists(st.sampled_from(PIECES) | st.binary(max_size=4), max_size=12).map(b"".join)


@pytest.mark.parametrize("name", PARSERS)
@settings(derandomize=True)  # `make fuzz` looks for more
@given(raw=INPUTS)
@example(raw=b"[" * 100_000)
@example(raw=b'{"a":' * 3000)
@example(raw=b"9" * 5000)
@example(raw=b"")
def test_a_parser_keeps_its_promise(name: str, raw: bytes) -> None:
    PARSERS[name](raw)
