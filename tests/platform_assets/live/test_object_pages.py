"""Each materialized asset links to the page of its object, and the page is there."""

from __future__ import annotations

import urllib.request

from lakehouse.targets import Target
from platform_assets.declarations import RESOURCES
from platform_assets.object_pages import find_page
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.model import Clients
from tests.platform_assets.live.test_in_dagster import run_estate

WITH_PAGES = {"catalog", "schema", "volume", "external_location", "storage_credential", "job", "grants"}


def read_page(clients: Clients, url: str) -> str:
    token = clients.workspace.config.token
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
        return str(answer.read().decode())


def test_every_link_leads_to_the_page_of_its_object(estate: Target) -> None:
    clients = Clients(estate)
    pages = {one.key: page for one in RESOURCES if (page := find_page(one, clients))}
    assert {key.split("/")[0] for key in pages} == WITH_PAGES
    for resource in (one for one in RESOURCES if one.key in pages):
        assert resource.physical_name(estate) in read_page(clients, pages[resource.key]), resource.key
        assert not isinstance(resource, Grants) or "Granted on" in read_page(clients, pages[resource.key])


def test_a_materialization_links_to_its_object(estate: Target) -> None:
    keys = ["grants/schema/flights/gold", "job/test-jar-job", "s3_bucket/lake"]
    events = run_estate(keys).get_asset_materialization_events()
    told = {event.asset_key.to_user_string(): event.materialization.metadata for event in events if event.asset_key}
    host = str(Clients(estate).workspace.config.host)
    assert told[keys[0]]["page"].value == f"{host}/explore/data/flights/gold"
    assert str(told[keys[1]]["page"].value).startswith(f"{host}/jobs/")
    assert "page" not in told[keys[2]], "the local workspace's AWS has no pages"
