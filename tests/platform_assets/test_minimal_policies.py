"""The generated policies are minimal: without any of their parts, some probe of the table is answered otherwise.

A probe is a request with the answer that is wanted and who makes it. It is put to the evaluator that the local
workspace decides credentials with; tests/platform_assets/live/test_refusals.py does the same through Unity Catalog.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from lakehouse.targets import REMOTE, Target, local_target
from local_workspace.iam.evaluation import Policies, decide
from local_workspace.iam.statements import Request
from platform_assets.declarations import RESOURCES
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.policies import UNITY_CATALOG_ROLE

TARGETS = {target.name: target for target in (local_target(Path("/nowhere")), *REMOTE.values())}
BUCKETS = ("landing", "lake", "artifacts")
TLS, PLAIN = {"aws:securetransport": "true"}, {"aws:securetransport": "false"}
WRONG_ID = "99999999-9999-4999-8999-999999999999"

Documents = dict[str, dict[str, Any]]  # what a policy is of -> the document


@dataclass(frozen=True)
class Probe:
    """A request, whose answer is decided by these policies, and the wanted answer."""

    why: str
    wanted: bool
    action: str
    resource: str
    principal: str
    context: Mapping[str, str] = field(default_factory=dict)
    identity: str | None = None
    of_resource: str | None = None
    assumed: bool = False  # a role's trust must allow, whatever the caller's own policies say
    account: str = ""  # of the resource, where it is not the caller's

    def ask(self, documents: Documents) -> bool:
        # those whose own policies are none of ours may do everything, as far as they are concerned
        everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        own = documents[self.identity] if self.identity else everything
        resource = (self.of_resource, documents[self.of_resource]) if self.of_resource else None
        policies = Policies((("own", own),), resource, resource_must_allow=self.assumed)
        request = Request(self.action, self.resource, self.principal, self.context, resource_account=self.account)
        return decide(policies, request).allowed


def generate(target: Target) -> Documents:
    """All policies of the declared estate, with a queue of file events for the storage role."""
    resources = [replace(one, queues=("changes",)) if isinstance(one, StorageRole) else one for one in RESOURCES]
    states = {one.key: one.desired(target) for one in resources}
    buckets = {f"bucket {name}": states[f"s3_bucket/{name}"]["policy"] for name in BUCKETS}
    role, queue = states["iam_role/storage"], states["sqs_queue/landing-events"]["Policy"]
    return {**buckets, "trust": role["trust"], "access": role["policy"], "queue": queue}


def sign(principal: str, transport: Mapping[str, str]) -> dict[str, str]:
    """The context of a principal's request to S3."""
    return {"aws:principalarn": principal, **transport}


def probe_role(target: Target) -> Iterator[Probe]:
    """Unity Catalog through the storage role: what it does, and the neighbour of each that it must not."""
    role = target.iam_role_arn("storage")
    key = f"arn:aws:kms:{target.region}:{target.aws_account}:key/1"
    for bucket in (target.bucket(name) for name in BUCKETS):
        one, own = f"arn:aws:s3:::{bucket}/a/b", f"bucket {bucket.removeprefix(f'{target.bucket_prefix}-')}"
        for action, why in (("Get", "reads"), ("Put", "writes"), ("Delete", "vacuums")):
            yield Probe(f"it {why} objects", True, f"s3:{action}Object", one, role, sign(role, TLS), "access", own)
        for action, why in (("ListBucket", "lists"), ("GetBucketLocation", "finds the region of")):
            place = f"arn:aws:s3:::{bucket}"
            yield Probe(f"it {why} a bucket", True, f"s3:{action}", place, role, sign(role, TLS), "access", own)
        for action in ("s3:DeleteBucket", "s3:PutBucketPolicy", "s3:GetObjectAcl", "s3:DeleteObjectVersion"):
            yield Probe("it administers nothing", False, action, one, role, sign(role, TLS), "access", own)
    alias = f"alias/{target.bucket_prefix}-lake"
    # S3 asks for the first two; Databricks' documented policy for buckets with SSE-KMS names Encrypt as well
    for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:Encrypt"):
        for name, wanted in ((alias, True), ("alias/other", False)):
            context = {"kms:resourcealiases": name}
            yield Probe("S3 uses the lake's key for it", wanted, action, key, role, context, "access")
        yield Probe("no key without an alias", False, action, key, role, {}, "access")
    yield Probe(
        "it deletes no key", False, "kms:ScheduleKeyDeletion", key, role, {"kms:resourcealiases": alias}, "access"
    )
    yield Probe("another's bucket", False, "s3:GetObject", "arn:aws:s3:::other/a", role, sign(role, TLS), "access")
    yield Probe("it assumes itself", True, "sts:AssumeRole", role, role, {}, "access")
    yield Probe("it assumes nobody else", False, "sts:AssumeRole", f"{role}2", role, {}, "access")


def probe_trust(target: Target) -> Iterator[Probe]:
    """Who becomes the storage role."""
    role, right = target.iam_role_arn("storage"), {"sts:externalid": target.databricks_account}
    for who, identity in ((UNITY_CATALOG_ROLE, None), (role, "access")):
        trust = ("sts:AssumeRole", role, who)
        yield Probe("with the External ID", True, *trust, right, identity, "trust", True)
        yield Probe("with a wrong one", False, *trust, {"sts:externalid": WRONG_ID}, identity, "trust", True)
        yield Probe("with none", False, *trust, {}, identity, "trust", True)
    for who in (f"{UNITY_CATALOG_ROLE}2", f"arn:aws:iam::{target.aws_account}:user/anybody"):
        yield Probe("nobody else", False, "sts:AssumeRole", role, who, right, None, "trust", True)


def probe_buckets(target: Target) -> Iterator[Probe]:
    """Who reaches the buckets, from the side of the buckets; each caller's own policies allow everything."""
    named = [target.iam_role_arn("storage"), *target.bucket_principals]
    for name in BUCKETS:
        bucket, own = f"arn:aws:s3:::{target.bucket(name)}", f"bucket {name}"
        for place, action in ((bucket, "s3:ListBucket"), (f"{bucket}/a", "s3:GetObject")):
            for who in named:
                yield Probe("named, over TLS", True, action, place, who, sign(who, TLS), None, own)
                yield Probe("named, in plain", False, action, place, who, sign(who, PLAIN), None, own)
            for who in (f"{named[0]}2", f"arn:aws:iam::{target.aws_account}:user/anybody"):
                yield Probe("not named", False, action, place, who, sign(who, TLS), None, own)
        yield Probe("nobody deletes it unnamed", False, "s3:DeleteBucket", bucket, f"{named[0]}2", TLS, None, own)


def probe_queue(target: Target) -> Iterator[Probe]:
    """Who sends to the queue of events: S3, for the landing bucket of this account."""
    queue = f"arn:aws:sqs:{target.region}:{target.aws_account}:{target.queue('landing-events')}"
    landing, own = f"arn:aws:s3:::{target.bucket('landing')}", ("queue", True)
    right = {"aws:sourcearn": landing, "aws:sourceaccount": target.aws_account}
    s3, send = "s3.amazonaws.com", "sqs:SendMessage"
    yield Probe("S3 tells of objects", True, send, queue, s3, right, None, *own)
    yield Probe("of another bucket", False, send, queue, s3, {**right, "aws:sourcearn": f"{landing}2"}, None, *own)
    yield Probe("of another account", False, send, queue, s3, {**right, "aws:sourceaccount": "9" * 12}, None, *own)
    yield Probe("another service", False, send, queue, "sns.amazonaws.com", right, None, *own)
    yield Probe("S3 reads nothing", False, "sqs:ReceiveMessage", queue, s3, right, None, *own)
    yield Probe("another queue", False, send, f"{queue}2", s3, right, None, *own)


def probe_file_events(target: Target) -> Iterator[Probe]:
    """What Unity Catalog does with the messages of the queue that the role may take file events from."""
    role = target.iam_role_arn("storage")
    queue = f"arn:aws:sqs:{target.region}:{target.aws_account}:{target.queue('changes')}"
    for action in ("ReceiveMessage", "ChangeMessageVisibility", "DeleteMessage", "PurgeQueue"):
        yield Probe("it takes events", True, f"sqs:{action}", queue, role, {}, "access")
        yield Probe("of no other queue", False, f"sqs:{action}", f"{queue}2", role, {}, "access")
    for action in ("GetQueueUrl", "GetQueueAttributes"):
        yield Probe("it finds the queue", True, f"sqs:{action}", queue, role, {}, "access")
    for action in ("SendMessage", "SetQueueAttributes", "DeleteQueue", "CreateQueue"):
        yield Probe("it sends and administers nothing", False, f"sqs:{action}", queue, role, {}, "access")


def list_probes(target: Target) -> list[Probe]:
    return [
        *probe_role(target),
        *probe_trust(target),
        *probe_buckets(target),
        *probe_queue(target),
        *probe_file_events(target),
    ]


def mutate(documents: Documents) -> Iterator[tuple[str, Documents]]:
    """The documents without each of their statements, and without each part of a statement."""
    for name, document in documents.items():
        for number, statement in enumerate(document["Statement"]):
            fewer = [one for at, one in enumerate(document["Statement"]) if at != number]
            yield f"{name}: {statement['Sid']}", {**documents, name: {**document, "Statement": fewer}}
            for part, changed in leave_out_parts(statement):
                statements = [*document["Statement"]]
                statements[number] = changed
                yield f"{name}: {statement['Sid']}.{part}", {**documents, name: {**document, "Statement": statements}}


def leave_out_parts(statement: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Without each value of a list, each key of a condition, each whole element but those that a statement needs."""
    for path, value in list_parts(statement):
        copy = json.loads(json.dumps(statement))
        parent = copy
        for step in path[:-1]:
            parent = parent[step]
        if isinstance(parent, list):
            parent.remove(value)
        else:
            del parent[path[-1]]
        yield ".".join(map(str, path)), copy


def list_parts(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All parts of a statement. AWS takes none without principal, action and resource: their values go one by one."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        if key not in ("Sid", "Effect"):
            if key not in ("Principal", "Action", "Resource"):
                yield (*path, key), inner
            yield from list_parts(inner, (*path, key))


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_every_probe_is_answered_as_wanted(target: Target) -> None:
    documents = generate(target)
    assert [probe for probe in list_probes(target) if probe.ask(documents) != probe.wanted] == []


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_no_part_of_any_policy_can_be_left_out(target: Target) -> None:
    probes, mutants = list_probes(target), list(mutate(generate(target)))
    unneeded = [name for name, documents in mutants if all(probe.ask(documents) == probe.wanted for probe in probes)]
    assert unneeded == []
    assert len(mutants) > 100


def test_what_is_too_much_would_be_found() -> None:
    """An action that nobody asks for, a bucket that is not there, a principal without a probe."""
    target = TARGETS["local"]
    documents, probes = generate(target), list_probes(target)
    documents["access"]["Statement"][1]["Action"].append("s3:RestoreObject")
    documents["trust"]["Statement"][0]["Principal"]["AWS"].append("arn:aws:iam::123456789012:role/spare")
    unneeded = [name for name, one in mutate(documents) if all(probe.ask(one) == probe.wanted for probe in probes)]
    assert len(unneeded) == 2
    assert unneeded[0].startswith("trust:") and unneeded[1].startswith("access:")
