"""All types of resource, in the order in which their resources need each other. Deletes go backwards."""

from __future__ import annotations

from platform_assets.resource_types.alert import Alert
from platform_assets.resource_types.catalog import Catalog
from platform_assets.resource_types.cluster_policy import ClusterPolicy
from platform_assets.resource_types.control_plane_role import ControlPlaneRole
from platform_assets.resource_types.dashboard import Dashboard
from platform_assets.resource_types.directory import Directory
from platform_assets.resource_types.experiment import Experiment
from platform_assets.resource_types.external_location import ExternalLocation
from platform_assets.resource_types.function import Function
from platform_assets.resource_types.grants import Grants
from platform_assets.resource_types.group import Group
from platform_assets.resource_types.iam_role import StorageRole
from platform_assets.resource_types.jar_upload import JarUpload
from platform_assets.resource_types.job import Job
from platform_assets.resource_types.kms_key import KmsKey
from platform_assets.resource_types.model import Resource
from platform_assets.resource_types.notebook import Notebook
from platform_assets.resource_types.pipeline import Pipeline
from platform_assets.resource_types.query import Query
from platform_assets.resource_types.registered_model import RegisteredModel
from platform_assets.resource_types.repo import Repo
from platform_assets.resource_types.s3_bucket import S3Bucket
from platform_assets.resource_types.schema import Schema
from platform_assets.resource_types.secret_scope import SecretScope
from platform_assets.resource_types.service_principal import ServicePrincipal
from platform_assets.resource_types.serving_endpoint import ServingEndpoint
from platform_assets.resource_types.sql_warehouse import SqlWarehouse
from platform_assets.resource_types.sqs_queue import SqsQueue
from platform_assets.resource_types.storage_credential import StorageCredential
from platform_assets.resource_types.table import Table
from platform_assets.resource_types.token_policy import TokenPolicy
from platform_assets.resource_types.user import User
from platform_assets.resource_types.view import View
from platform_assets.resource_types.volume import Volume
from platform_assets.resource_types.volume_file import VolumeFile
from platform_assets.resource_types.wheel_upload import WheelUpload
from platform_assets.resource_types.workspace_assignment import WorkspaceAssignment
from platform_assets.resource_types.workspace_file import WorkspaceFile

TYPES: tuple[type[Resource], ...] = (
    ServicePrincipal,
    User,
    Group,
    WorkspaceAssignment,
    TokenPolicy,
    SqlWarehouse,
    ClusterPolicy,
    SecretScope,
    Directory,
    WorkspaceFile,
    Experiment,
    Repo,
    KmsKey,
    SqsQueue,
    S3Bucket,
    StorageRole,
    ControlPlaneRole,
    StorageCredential,
    ExternalLocation,
    Catalog,
    Schema,
    Volume,
    VolumeFile,
    Table,
    Function,
    RegisteredModel,
    View,
    Query,
    Alert,
    Dashboard,
    WheelUpload,
    Notebook,
    JarUpload,
    Job,
    Pipeline,
    ServingEndpoint,
    Grants,
)
