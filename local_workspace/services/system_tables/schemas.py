"""The columns of the system tables, as documented; of the structs of billing those that a job's usage can fill.

https://docs.databricks.com/aws/en/admin/system-tables/jobs, .../billing and .../audit-logs
"""

from __future__ import annotations

import pyarrow as pa

_TEXT, _SECONDS, _TIME = pa.string(), pa.int64(), pa.timestamp("us", "UTC")
_TEXTS, _MAP = pa.list_(pa.string()), pa.map_(pa.string(), pa.string())


def _texts(names: str) -> list[tuple[str, pa.DataType]]:
    return [(name, _TEXT) for name in names.split()]


_PERIOD = [("period_start_time", _TIME), ("period_end_time", _TIME)]

JOB_RUN_TIMELINE = pa.schema(
    [
        *_texts("account_id workspace_id job_id run_id"),
        *_PERIOD,
        *_texts("trigger_type run_type run_name"),
        ("compute_ids", _TEXTS),
        *_texts("result_state termination_code"),
        ("job_parameters", _MAP),
        ("termination_type", _TEXT),
        ("setup_duration_seconds", _SECONDS),
        ("queue_duration_seconds", _SECONDS),
        ("run_duration_seconds", _SECONDS),
        ("cleanup_duration_seconds", _SECONDS),
        ("execution_duration_seconds", _SECONDS),
    ]
)

JOB_TASK_RUN_TIMELINE = pa.schema(
    [
        *_texts("account_id workspace_id job_id run_id job_run_id parent_run_id"),
        *_PERIOD,
        ("task_key", _TEXT),
        ("compute_ids", _TEXTS),
        *_texts("result_state termination_code termination_type"),
        ("setup_duration_seconds", _SECONDS),
        ("cleanup_duration_seconds", _SECONDS),
        ("execution_duration_seconds", _SECONDS),
    ]
)

_METADATA = pa.struct(
    _texts(
        "cluster_id job_id warehouse_id instance_pool_id node_type job_run_id notebook_id dlt_pipeline_id "
        "endpoint_name endpoint_id run_name job_name notebook_path budget_policy_id"
    )
)
_FEATURES = pa.struct([("jobs_tier", _TEXT), ("is_serverless", pa.bool_()), ("is_photon", pa.bool_())])

USAGE = pa.schema(
    [
        *_texts("record_id account_id workspace_id sku_name cloud"),
        ("usage_start_time", _TIME),
        ("usage_end_time", _TIME),
        ("usage_date", pa.date32()),
        ("custom_tags", _MAP),
        ("usage_unit", _TEXT),
        ("usage_quantity", pa.decimal128(38, 18)),
        ("usage_metadata", _METADATA),
        ("identity_metadata", pa.struct(_texts("run_as owned_by created_by"))),
        ("record_type", _TEXT),
        ("ingestion_date", pa.date32()),
        ("billing_origin_product", _TEXT),
        ("product_features", _FEATURES),
        ("usage_type", _TEXT),
    ]
)

AUDIT = pa.schema(
    [
        *_texts("account_id workspace_id version"),
        ("event_time", _TIME),
        ("event_date", pa.date32()),
        *_texts("source_ip_address user_agent session_id"),
        ("user_identity", pa.struct(_texts("email subject_name"))),
        *_texts("service_name action_name request_id"),
        ("request_params", _MAP),
        ("response", pa.struct([("status_code", pa.int32()), *_texts("error_message result")])),
        *_texts("audit_level event_id"),
        ("identity_metadata", pa.struct(_texts("run_by run_as"))),
    ]
)
