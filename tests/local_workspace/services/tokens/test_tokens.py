"""Personal access tokens over HTTP: made, listed, revoked by their principal, and by nobody else."""

import time

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, NotFound, PermissionDenied

from local_workspace.gateway import principals


def test_a_token_speaks_for_its_principal_until_it_is_revoked(served) -> None:
    ann = served.client("ann")
    made = ann.tokens.create(comment="mine", lifetime_seconds=3600)
    assert made.token_value and made.token_info
    as_ann = WorkspaceClient(host=served.workspace.host, token=made.token_value, auth_type="pat")
    (listed,) = as_ann.tokens.list()
    assert (listed.token_id, listed.comment) == (made.token_info.token_id, "mine")
    assert listed.expiry_time == (listed.creation_time or 0) + 3600_000
    ann.tokens.delete(listed.token_id or "")
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        list(as_ann.tokens.list())
    assert list(ann.tokens.list()) == []


def test_nobody_sees_or_revokes_a_neighbours_token(served) -> None:
    made = served.client("ann").tokens.create()
    assert made.token_info and made.token_info.expiry_time == -1
    token_id = made.token_info.token_id or ""
    assert list(served.client("bob").tokens.list()) == []
    with pytest.raises(NotFound, match=token_id):
        served.client("bob").tokens.delete(token_id)
    served.client("ann").tokens.delete(token_id)


def test_who_is_no_member_of_the_workspace_gets_none(served) -> None:
    with pytest.raises(PermissionDenied, match="'eve' does not have permission to use tokens"):
        served.client("eve").tokens.create()


def test_an_expired_token_opens_nothing(served) -> None:
    made = served.client("ann").tokens.create(lifetime_seconds=1)
    as_ann = WorkspaceClient(host=served.workspace.host, token=made.token_value, auth_type="pat")
    time.sleep(1.1)
    with pytest.raises(PermissionDenied, match="Access token has expired"):
        list(as_ann.tokens.list())


@pytest.mark.parametrize("lifetime", [0, -5, True, "long"])
def test_a_lifetime_is_a_positive_number_of_seconds(served, lifetime) -> None:
    with pytest.raises(BadRequest, match="lifetime_seconds"):
        served.client("ann").api_client.do("POST", "/api/2.0/token/create", body={"lifetime_seconds": lifetime})


def test_an_admin_makes_the_first_token_of_a_service_principal(served) -> None:
    principals.put_principal(served.workspace.store, "app", "service_principal", "app")
    made = served.client("root").token_management.create_obo_token("app", comment="first", lifetime_seconds=60)
    as_app = WorkspaceClient(host=served.workspace.host, token=made.token_value, auth_type="pat")
    assert [one.comment for one in as_app.tokens.list()] == ["first"]
    with pytest.raises(PermissionDenied, match="'ann' is not an admin"):
        served.client("ann").token_management.create_obo_token("app")
    for nobody in ("ann", "nobody"):  # a user's token is the user's own to make
        with pytest.raises(NotFound, match=f"application id {nobody}"):
            served.client("root").token_management.create_obo_token(nobody)
