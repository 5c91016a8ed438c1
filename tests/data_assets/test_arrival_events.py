"""What a message of the queue says: never an error, whatever it holds."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data_assets.arrival.events import LandedObject, Reading, read_message
from data_assets.arrival.plans import plan_runs
from data_assets.arrival.routes import Arrival, Layout, Refusal, route

DAYS = tuple(f"2013-01-{day:02}" for day in range(1, 32))
LAYOUT = Layout("landing", DAYS, frozenset({"flights"}), frozenset({"weather", "airlines"}))


def event(key: str, name: str = "ObjectCreated:Put", bucket: str = "landing", **described: Any) -> dict[str, Any]:
    return {
        "eventName": name,
        "eventTime": "2013-02-01T00:00:00.000Z",
        "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), "eTag": "e1", **described}},
    }


def body(*records: dict[str, Any]) -> str:
    return json.dumps({"Records": list(records)})


@given(st.text() | st.binary().map(lambda raw: raw.decode(errors="surrogateescape")))
@example("[" * 100_000)
@example('{"a":' * 100_000)
@example("9" * 5_000)
@example('{"Type": "Notification", "Message": "' + "[" * 100_000 + '"}')
def test_any_text_is_read(text: str) -> None:
    reading = read_message(text)
    assert reading.problems or not reading.objects


_NAMES = ("Records", "eventName", "s3", "bucket", "name", "object", "key", "eTag", "eventTime", "Type", "Message")
_NAMES += ("source", "detail-type", "detail", "etag", "time")
_TEXTS = st.sampled_from(["ObjectCreated:Put", "Notification", "aws.s3", "Object Created", "\ud800"])
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(_json)
def test_any_json_is_read_and_what_it_says_can_be_stored(document: Any) -> None:
    assert_harmless(json.dumps(document))


def assert_harmless(message: str) -> None:
    """Whatever was read can be routed, planned and sent to the dead letters."""
    reading = read_message(message)
    routes = [route(found, LAYOUT) for found in reading.objects]
    plan_runs((found for found in routes if isinstance(found, Arrival)), LAYOUT)
    reasons = [*reading.problems, *(found.reason for found in routes if isinstance(found, Refusal))]
    assert all(reason.encode() for reason in reasons)


def _places(document: Any) -> list[tuple[Any, Any]]:
    pairs = document.items() if isinstance(document, dict) else enumerate(document)
    return [place for key, value in pairs for place in [(document, key), *_places_of(value)]]


def _places_of(value: Any) -> list[tuple[Any, Any]]:
    return _places(value) if isinstance(value, dict | list) else []


@given(st.sampled_from(["s3", "bridge"]), st.data(), _json)
def test_an_event_with_any_part_replaced_is_read(kind: str, data: st.DataObject, replacement: Any) -> None:
    document = json.loads(body(event("flights/date=2013-01-05/f.json")) if kind == "s3" else bridge("airlines/a.json"))
    inside, key = data.draw(st.sampled_from(_places(document)))
    inside[key] = replacement
    assert_harmless(json.dumps(document))


def bridge(key: str, kind: str = "Object Created") -> str:
    described = {"key": key, "size": 5, "etag": "e1", "sequencer": "1"}
    detail = {"version": "0", "bucket": {"name": "landing"}, "object": described, "reason": "PutObject"}
    return json.dumps({"version": "0", "source": "aws.s3", "detail-type": kind, "time": "2013-02-01", "detail": detail})


@pytest.mark.parametrize(
    ("part", "replacement", "problem"),
    [
        ("object", "text", "a record without 'object', or it is no object"),
        ("bucket", None, "a record without 'bucket', or it is no object"),
    ],
)
def test_a_part_of_another_type_is_the_problem_of_its_message(part: str, replacement: Any, problem: str) -> None:
    record = event("flights/date=2013-01-05/f.json")
    record["s3"][part] = replacement
    assert read_message(body(record)).problems == (problem,)


def test_a_key_with_half_a_character_is_refused() -> None:
    record = event("x")
    record["s3"]["object"]["key"] = "airlines/\ud800.json"
    assert read_message(body(record)).problems == ("a text that is no Unicode: 'airlines/\\ud800.json'",)


def test_an_event_in_the_envelope_of_sns_is_read() -> None:
    inner = body(event("flights/date=2013-01-05/a+b.json"))
    envelope = json.dumps({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:…", "Message": inner})
    assert read_message(envelope) == read_message(inner)
    assert read_message(envelope).objects[0].key == "flights/date=2013-01-05/a+b.json"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
@example("flights/date=2013-01-05/a+b.json")
@example("weather/100%.json")
def test_a_key_from_eventbridge_is_not_encoded(key: str) -> None:
    (found,) = read_message(bridge(key)).objects
    assert (found.bucket, found.key) == ("landing", key)


def test_a_removal_from_eventbridge_is_settled() -> None:
    assert read_message(bridge("flights/x.json", "Object Deleted")) == Reading()
    assert read_message(bridge("flights/x.json", "Object Tags Added")).problems


@pytest.mark.parametrize(
    "key",
    [
        *("flights/date=2013-02-13/", "flights/", "hotels/", "flights/date=2013-02-13_$folder$", "flights/_SUCCESS"),
        *("flights/date=2013-02-13/_SUCCESS", "flights_$folder$", "weather/_started_123", "weather/_committed_123"),
    ],
)
def test_a_marker_is_settled_in_silence(key: str) -> None:
    assert route(LandedObject("landing", key, "e1"), LAYOUT) is None


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_keys_are_decoded(key: str) -> None:
    (found,) = read_message(body(event(key))).objects
    assert found.key == key


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "s3:ObjectRemoved:DeleteMarkerCreated"])
def test_removals_are_ignored(name: str) -> None:
    reading = read_message(body(event("flights/x.json", name)))
    assert (reading.objects, reading.problems) == ((), ())


def test_the_test_event_is_ignored() -> None:
    reading = read_message(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "landing"}))
    assert (reading.objects, reading.problems) == ((), ())


def test_one_bad_record_does_not_hide_the_good_one() -> None:
    reading = read_message(body(event("weather/weather.json"), {"eventName": "ObjectCreated:Put"}))
    assert [found.key for found in reading.objects] == ["weather/weather.json"]
    assert reading.problems == ("a record without 's3', or it is no object",)


def test_two_writes_of_a_key_have_two_identities() -> None:
    one, two = (
        read_message(body(event("weather/weather.json", sequencer=sequencer))).objects[0] for sequencer in ("1", "2")
    )
    assert one.identity != two.identity
