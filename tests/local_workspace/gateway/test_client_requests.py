"""Requests as other people's clients send them, to Unity Catalog and SCIM."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from local_workspace.gateway.workspace import Workspace
from local_workspace.services.jobs.records import key_of

UC = "/api/2.1/unity-catalog"


@pytest.fixture(scope="module")
def schema(admin: TestClient) -> str:
    admin.post(f"{UC}/catalogs", json={"name": "bundle"})
    assert admin.post(f"{UC}/schemas", json={"name": "s", "catalog_name": "bundle"}).status_code == 200
    return "bundle.s"


def change(admin: TestClient, schema: str, **changes: Any) -> Any:
    return admin.patch(f"{UC}/permissions/schema/{schema}", json={"changes": [{"principal": "analysts", **changes}]})


def test_these_privileges_and_nothing_else(admin: TestClient, schema: str) -> None:
    change(admin, schema, add=["SELECT", "USE_SCHEMA"])
    answer = change(admin, schema, add=["CREATE_TABLE"], remove=["ALL_PRIVILEGES"])
    assert answer.json()["privilege_assignments"] == [{"principal": "analysts", "privileges": ["CREATE_TABLE"]}]


def test_a_privilege_both_added_and_removed_is_refused(admin: TestClient, schema: str) -> None:
    before = admin.get(f"{UC}/permissions/schema/{schema}").json()
    answer = change(admin, schema, add=["SELECT", "MODIFY"], remove=["SELECT"])
    assert answer.status_code == 400
    assert answer.json()["message"] == "Duplicate privileges to add and delete for principal analysts."
    assert admin.get(f"{UC}/permissions/schema/{schema}").json() == before


def test_a_managed_volume_has_no_location_of_the_callers(admin: TestClient, schema: str) -> None:
    body = {"name": "v", "catalog_name": "bundle", "schema_name": "s", "volume_type": "MANAGED"}
    answer = admin.post(f"{UC}/volumes", json={**body, "storage_location": "s3://b/k"})
    assert (answer.status_code, answer.json()["message"]) == (400, "CreateVolume storage_location can not be provided.")
    assert admin.get(f"{UC}/volumes/bundle.s.v").status_code == 404
    assert admin.post(f"{UC}/catalogs", json={"comment": "no name"}).status_code == 400


@pytest.mark.parametrize("text", ['"analysts"', "'analysts'", "analysts"])
def test_a_filter_takes_either_quotes(admin: TestClient, text: str) -> None:
    found = admin.get("/api/2.0/preview/scim/v2/Groups", params={"filter": f"displayName eq {text}"}).json()
    assert [one["displayName"] for one in found["Resources"]] == ["analysts"]


@pytest.mark.parametrize("text", ["displayName eq 'a\"", "nickName eq 'a'", "displayName eq 'a' and id eq '1'"])
def test_a_filter_that_is_not_understood_is_refused_and_not_ignored(admin: TestClient, text: str) -> None:
    answer = admin.get("/api/2.0/preview/scim/v2/Groups", params={"filter": text})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_ids_have_sixteen_digits(admin: TestClient) -> None:
    made = [
        admin.post("/api/2.2/jobs/create", json={"name": "j"}).json()["job_id"],
        admin.get("/api/2.0/preview/scim/v2/Me").json()["id"],
        admin.post("/api/2.0/preview/scim/v2/Groups", json={"displayName": "of sixteen"}).json()["id"],
        admin.get("/api/2.0/workspace/get-status", params={"path": "/Shared"}).json()["object_id"],
    ]
    assert [len(str(one)) for one in made] == [16] * 4, made
    assert max(map(int, made)) < 2**53, "exact in JavaScript"


def test_jobs_of_a_state_with_small_ids_are_still_there(whole_workspace: Workspace, admin: TestClient) -> None:
    new = admin.post("/api/2.2/jobs/create", json={"name": "small or not"}).json()["job_id"]
    old = {**(whole_workspace.store.get("job", key_of(new)) or {}), "job_id": 12}
    whole_workspace.store.put("job", key_of(12), old)
    assert admin.get("/api/2.2/jobs/get", params={"job_id": 12}).json()["settings"]["name"] == "small or not"
    found = admin.get("/api/2.2/jobs/list", params={"name": "small or not"}).json()["jobs"]
    assert [one["job_id"] for one in found] == [new, 12], "newest first"
