"""File events of external locations: from a queue that is there and that the role may read, and from no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotImplemented, PermissionDenied
from databricks.sdk.service.catalog import AwsIamRoleRequest, AwsSqsQueue, AzureQueueStorage, FileEventQueue, Privilege

from tests.local_workspace.conftest import WarmWorkspace
from tests.local_workspace.scratch import grant, make_storage, storage_policy

NAME, BUCKET, ROLE, QUEUE = "events_test", "lakehouse-events", "lakehouse-events-storage", "lakehouse-events-changes"
URL = f"s3://{BUCKET}/data"
UC = "/api/2.1/unity-catalog/external-locations"
QUEUE_URL = f"https://sqs.eu-central-1.amazonaws.com/123456789012/{QUEUE}"
TAKES = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def provided(url: str | None = QUEUE_URL) -> FileEventQueue:
    return FileEventQueue(provided_sqs=AwsSqsQueue(queue_url=url))


def allow_queue(workspace: WarmWorkspace, role_arn: str, *actions: str) -> None:
    policy = storage_policy(BUCKET, role_arn)
    arn = f"arn:aws:sqs:eu-central-1:123456789012:{QUEUE}"
    policy["Statement"].append({"Sid": "Events", "Effect": "Allow", "Action": list(actions), "Resource": arn})
    document = json.dumps(policy)
    workspace.aws("iam").put_role_policy(RoleName=ROLE, PolicyName="storage", PolicyDocument=document)


@pytest.fixture(scope="module")
def role(workspace: WarmWorkspace) -> Iterator[str]:
    """A role with a credential and a queue beside it."""
    uc, sqs = workspace.client("deployer"), workspace.aws("sqs")
    url = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = make_storage(workspace, BUCKET, ROLE, workspace.target.databricks_account)
    uc.storage_credentials.create(NAME, aws_iam_role=AwsIamRoleRequest(arn))
    yield arn
    uc.storage_credentials.delete(NAME, force=True)
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def uc(workspace: WarmWorkspace, role: str) -> Iterator[WorkspaceClient]:
    """The deployer, with a location that has no events."""
    allow_queue(workspace, role, *TAKES)
    client = workspace.client("deployer")
    client.external_locations.create(NAME, URL, NAME)
    yield client
    client.external_locations.delete(NAME, force=True)


def events_of(uc: WorkspaceClient) -> tuple[bool | None, dict[str, Any] | None]:
    found = uc.external_locations.get(NAME)
    return found.enable_file_events, found.file_event_queue.as_dict() if found.file_event_queue else None


def test_events_are_turned_on_from_a_queue_and_off_again(uc: WorkspaceClient) -> None:
    assert events_of(uc) == (False, None)
    uc.external_locations.update(NAME, enable_file_events=True, file_event_queue=provided())
    assert events_of(uc) == (True, {"provided_sqs": {"queue_url": QUEUE_URL}})
    uc.external_locations.update(NAME, comment="no word of events")
    assert events_of(uc) == (True, {"provided_sqs": {"queue_url": QUEUE_URL}})
    uc.external_locations.update(NAME, enable_file_events=False)
    assert events_of(uc) == (False, None)


def test_a_queue_alone_turns_them_on_as_they_are_by_default(uc: WorkspaceClient) -> None:
    uc.external_locations.delete(NAME)
    made = uc.external_locations.create(NAME, URL, NAME, file_event_queue=provided())
    assert made.enable_file_events


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"enable_file_events": True}, "must have exactly one of managed_sqs, provided_sqs; got []"),
        ({"enable_file_events": "yes"}, "enable_file_events must be true or false, got 'yes'"),
        ({"enable_file_events": 1}, "enable_file_events must be true or false, got 1"),
        ({"file_event_queue": []}, "file_event_queue must be an object"),
        ({"file_event_queue": {"provided_sqs": "x"}}, "provided_sqs must be an object"),
        ({"file_event_queue": {"provided_sqs": {}}}, "queue_url must be https://sqs."),
        ({"file_event_queue": {"provided_sqs": {"queue_url": f"{QUEUE_URL}/x"}}}, f"got '{QUEUE_URL}/x'"),
        ({"file_event_queue": {"managed_sqs": {}, "provided_sqs": {}}}, "got ['managed_sqs', 'provided_sqs']"),
        ({"file_event_queue": {"colour": {}}}, "got ['colour']"),
        ({"file_event_queue": {"managed_pubsub": {}}}, "managed_pubsub is not of this cloud"),
        (
            {"enable_file_events": False, "file_event_queue": {"provided_sqs": {"queue_url": QUEUE_URL}}},
            "goes with enable_file_events, which is false",
        ),
    ],
)
def test_what_the_api_does_not_take_is_refused(uc: WorkspaceClient, body: dict[str, Any], said: str) -> None:
    for method, path, more in (("PATCH", f"{UC}/{NAME}", {}), ("POST", UC, {"name": "x", "url": URL})):
        with pytest.raises(InvalidParameterValue, match=re.escape(said)):
            uc.api_client.do(method, path, body={**body, **more, "credential_name": NAME})
    assert events_of(uc) == (False, None)


def test_a_queue_of_another_cloud_is_refused_as_the_sdk_sends_it(uc: WorkspaceClient) -> None:
    queue = FileEventQueue(provided_aqs=AzureQueueStorage(queue_url="https://x.queue.core.windows.net/y"))
    with pytest.raises(InvalidParameterValue, match="provided_aqs is not of this cloud"):
        uc.external_locations.update(NAME, enable_file_events=True, file_event_queue=queue)


def test_a_queue_that_databricks_would_make_is_not_pretended(uc: WorkspaceClient) -> None:
    with pytest.raises(NotImplemented, match="no control plane that makes a topic and a queue in your account"):
        uc.api_client.do("PATCH", f"{UC}/{NAME}", body={"file_event_queue": {"managed_sqs": {}}})


@pytest.mark.parametrize(
    "url",
    [f"{QUEUE_URL}2", QUEUE_URL.replace("123456789012", "999999999999"), QUEUE_URL.replace("central", "west")],
    ids=["another name", "another account", "another region"],
)
def test_a_queue_that_is_not_there_is_refused(uc: WorkspaceClient, url: str) -> None:
    with pytest.raises(BadRequest, match="validation failed for file events from .* there is no queue"):
        uc.external_locations.update(NAME, enable_file_events=True, file_event_queue=provided(url))
    assert events_of(uc) == (False, None)
    made = uc.external_locations.update(
        NAME, enable_file_events=True, file_event_queue=provided(url), skip_validation=True
    )
    assert made.enable_file_events


@pytest.mark.parametrize("action", TAKES)
def test_the_role_must_be_let_at_the_messages(
    workspace: WarmWorkspace, uc: WorkspaceClient, role: str, action: str
) -> None:
    allow_queue(workspace, role, *(one for one in TAKES if one != action))
    with pytest.raises(BadRequest, match=f"no policy of {role} allows {action} on arn:aws:sqs"):
        uc.external_locations.update(NAME, enable_file_events=True, file_event_queue=provided())


def test_a_queue_that_shuts_the_role_out_is_named(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    sqs = workspace.aws("sqs")
    url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
    statement = {"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "sqs:DeleteMessage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    try:
        with pytest.raises(BadRequest, match=f"statement Closed of the policy of queue {QUEUE} denies"):
            uc.external_locations.update(NAME, enable_file_events=True, file_event_queue=provided())
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def test_a_credential_that_may_not_read_the_queue_does_not_take_over(
    workspace: WarmWorkspace, uc: WorkspaceClient
) -> None:
    uc.external_locations.update(NAME, enable_file_events=True, file_event_queue=provided())
    arn = make_storage(workspace, f"{BUCKET}-2", f"{ROLE}-2", workspace.target.databricks_account)
    other = json.dumps(storage_policy(BUCKET, arn))
    workspace.aws("iam").put_role_policy(RoleName=f"{ROLE}-2", PolicyName="storage", PolicyDocument=other)
    uc.storage_credentials.create("events_other", aws_iam_role=AwsIamRoleRequest(arn))
    try:
        with pytest.raises(BadRequest, match=f"no policy of {arn} allows sqs:GetQueueAttributes"):
            uc.external_locations.update(NAME, credential_name="events_other")
        assert uc.external_locations.get(NAME).credential_name == NAME
    finally:
        uc.storage_credentials.delete("events_other", force=True)


def test_who_does_not_manage_the_location_turns_nothing_on(workspace: WarmWorkspace, uc: WorkspaceClient) -> None:
    grant(workspace, "external_location", NAME, "analyst", Privilege.READ_FILES)
    for role_name in ("analyst", "outsider"):
        with pytest.raises(PermissionDenied, match="MANAGE on External Location"):
            workspace.client(role_name).external_locations.update(
                NAME, enable_file_events=True, file_event_queue=provided()
            )
    assert events_of(uc) == (False, None)
