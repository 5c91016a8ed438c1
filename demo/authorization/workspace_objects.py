"""What lies in no folder: pipelines, serving endpoints, cluster policies, secret scopes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from demo.authorization.kind import Kind, by_permissions_api

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from demo.authorization.stage import Stage

KEY, VALUE = "key", "value"  # of the secret in each scope
MODEL = "hall.open.served"  # what endpoints serve
POLICY = json.dumps({"num_workers": {"type": "range", "maxValue": 4}})


def put_secret(client: WorkspaceClient, scope: str) -> None:
    """Put the secret into a scope, as it is there already."""
    client.secrets.put_secret(scope, KEY, string_value=VALUE)


def _make_pipeline(stage: Stage, name: str) -> str:
    """Make one as the job's creator, who then owns it."""
    made = stage.clients["job_creator"].pipelines.create(name=name, catalog="matrix", schema="open", serverless=True)
    return str(made.pipeline_id)


def _change_pipeline(client: WorkspaceClient, pipeline: str, text: str) -> None:
    client.pipelines.update(
        pipeline,
        name="matrix_pipeline",
        catalog="matrix",
        schema="open",
        serverless=True,
        configuration={"matrix": text},
    )


def _make_endpoint(stage: Stage, name: str) -> str:
    """Make one as the estate's maker, who may execute the model."""
    from databricks.sdk.service.serving import EndpointCoreConfigInput, ServedEntityInput

    from lakehouse.names import physical_name

    model = physical_name(stage.target, MODEL)
    served = ServedEntityInput(entity_name=model, entity_version="1", workload_size="Small", scale_to_zero_enabled=True)
    stage.maker.serving_endpoints.create(name, config=EndpointCoreConfigInput(served_entities=[served]))
    return name


def _make_scope(stage: Stage, name: str) -> str:
    stage.admin.secrets.create_scope(name)
    put_secret(stage.admin, name)
    return name


def _share_scope(stage: Stage, client: WorkspaceClient, scope: str, levels: Mapping[str, str]) -> None:
    from databricks.sdk.service.workspace import AclPermission

    for name, level in levels.items():
        client.secrets.put_acl(scope, name, AclPermission(level))


# What runs is not tried, for nothing here runs a pipeline or serves a model; nor is who changes an endpoint, for the
# documented tables differ.
OTHERS: dict[str, Kind] = {
    "pipeline": Kind(
        told=r"does not have {level} on Pipeline",
        make=_make_pipeline,
        get=lambda client, pipeline: client.pipelines.get(pipeline),
        change=_change_pipeline,
        share=by_permissions_api("pipelines"),
        delete=lambda client, pipeline: client.pipelines.delete(pipeline),
    ),
    "serving endpoint": Kind(
        told=r"does not have {level} on Serving endpoint",
        make=_make_endpoint,
        get=lambda client, endpoint: client.serving_endpoints.get(endpoint),
        share=by_permissions_api("serving-endpoints", lambda admin, name: admin.serving_endpoints.get(name).id),
        delete=lambda client, endpoint: client.serving_endpoints.delete(endpoint),
    ),
    "cluster policy": Kind(
        told=r"does not have {level} on Cluster policy",
        make=lambda stage, name: str(stage.admin.cluster_policies.create(name=name, definition=POLICY).policy_id),
        get=lambda client, policy: client.cluster_policies.get(policy),
        change=lambda client, policy, text: client.cluster_policies.edit(
            policy, name="matrix_cluster_policy", definition=POLICY, description=text
        ),
        share=by_permissions_api("cluster-policies"),
        delete=lambda client, policy: client.cluster_policies.delete(policy),
    ),
    "secret scope": Kind(
        told=r"does not have {level} permission on scope",
        make=_make_scope,
        share=_share_scope,
        delete=lambda client, scope: client.secrets.delete_scope(scope),
    ),
}
