"""No request, however malformed, is the gateway's own error: each route is tried with hostile paths and bodies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.local_workspace.gateway.hostile import Hostile, Maker

BATCH = 20


@pytest.fixture(scope="module")
def known(admin: TestClient) -> list[str]:
    """Ids and names of what there is."""
    scim = "/api/2.0/preview/scim/v2"
    kinds = ("Users", "Groups", "ServicePrincipals")
    found = [one["id"] for kind in kinds for one in admin.get(f"{scim}/{kind}").json()["Resources"]]
    made = {
        "/api/2.0/sql/queries": {"query": {"display_name": "q", "query_text": "SELECT 1"}},
        "/api/2.0/lakeview/dashboards": {"display_name": "d"},
        "/api/2.0/pipelines": {"name": "p", "serverless": True, "catalog": "main", "schema": "s", "libraries": []},
        "/api/2.0/mlflow/experiments/create": {"name": "/Shared/e"},
        "/api/2.0/policies/clusters/create": {"name": "p", "definition": "{}"},
        "/api/2.2/jobs/create": {"name": "j"},
        "/api/2.1/unity-catalog/catalogs": {"name": "fuzz"},
        "/api/2.1/unity-catalog/schemas": {"name": "fuzz", "catalog_name": "fuzz"},
        "/api/2.0/workspace/mkdirs": {"path": "/Shared/fuzz"},
        "/api/2.0/secrets/scopes/create": {"scope": "fuzz"},
    }
    for path, body in made.items():
        answer = admin.post(path, json=body).json()
        found += [str(value) for name, value in answer.items() if name != "message" and isinstance(value, str | int)]
    warehouses = [one["id"] for one in admin.get("/api/2.0/sql/warehouses").json()["warehouses"]]
    return [*found, *warehouses, "fuzz", "fuzz.fuzz", "fuzz.default", "/Shared/fuzz", "admins", "catalog", "schema"]


def test_each_route_answers_malformed_requests_with_an_error_of_the_callers(
    admin: TestClient, known: list[str], pytestconfig: pytest.Config
) -> None:
    @settings(max_examples=pytestconfig.getoption("--requests") // BATCH, deadline=None, database=None)
    @given(st.integers(0, 2**63))
    def attempt(seed: int) -> None:
        maker = Maker(seed, known)
        for _ in range(BATCH):
            check(admin, maker.request())

    attempt()


def check(admin: TestClient, request: Hostile) -> None:
    """Send a request, which must be answered with what its sender did, not with what went wrong inside."""
    answer = admin.request(request.method, request.url, content=request.content, headers=request.headers)
    assert answer.status_code < 500 or answer.status_code == 501, (answer.status_code, answer.text[:300], request)
    assert answer.headers["X-Databricks-Org-Id"]
    if (
        answer.status_code >= 400 and request.method != "HEAD" and request.url.startswith("/api/")
    ):  # pages answer in HTML
        assert answer.json()["error_code"], request
