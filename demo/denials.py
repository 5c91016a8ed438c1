"""What a mistake looks like: HelloSpark run as a Dagster step with one thing wrong each time, and what the step says.

On an estate of its own beside the real one (prefix `-denials`), which is bent for each trial and mended after it.
"""

import io
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, replace
from typing import Any

import dagster as dg

from demo.dagster_runs import QUIET
from demo.failures import DemoFailed
from demo.phases import Say
from lakehouse.jars import HELLO_SPARK, build_jar, java_environment
from lakehouse.names import volume_path
from lakehouse.serverless import ServerlessRuns
from lakehouse.targets import Settings, Target
from lakehouse.workspace import open_workspace
from platform_assets.estate import apply_estate
from platform_assets.resource_types.model import Clients

VOLUME = "flights.ops.artifacts"
ESTATE = (
    *("kms_key/lake", "s3_bucket/lake", "s3_bucket/artifacts", "iam_role/storage", "storage_credential/lake_storage"),
    *("external_location/lake", "external_location/artifacts", "catalog/flights", "schema/flights/ops"),
    *("volume/flights/ops/artifacts", "volume/flights/ops/pipes"),
    # and not grants/volume/flights/ops/artifacts: the pipeline may not read the JAR there
    *("grants/catalog/flights", "grants/schema/flights/ops", "grants/volume/flights/ops/pipes"),
)
PRINTS = "Count is: 99"
OTHER_ID = "99999999-9999-4999-8999-999999999999"
Bend = Callable[[Clients], None]


@dataclass(frozen=True)
class Trial:
    """One mistake: who runs the JAR from where, what is bent before; cause and remedy that the step must tell."""

    tried: str
    role: str
    path: str
    cause: str
    remedy: str
    bend: Bend | None = None


@dataclass(frozen=True)
class Outcome:
    """What a trial should have shown and what it did."""

    tried: str
    expected: str
    seen: str
    as_expected: bool


def try_all(settings: Settings, say: Say, trials: Sequence[Trial] = ()) -> list[Outcome]:
    """Make the estate, run every trial, leave the estate as declared.

    Raises:
        DemoFailed: the estate cannot be made.
    """
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    target = denials_target(settings.target)
    _mend(target)
    _put_jar(target, build_jar(HELLO_SPARK, settings.cache_home))
    outcomes = []
    for trial in trials or list_trials(target):
        say(trial.tried)
        with _bent(target, trial.bend):
            outcomes.append(_judge(trial, *run_step(target, trial.role, trial.path)))
    return outcomes


def denials_target(target: Target) -> Target:
    """Return the target of the estate beside the real one."""
    return replace(
        target, bucket_prefix=f"{target.bucket_prefix}-denials", catalog_prefix=f"{target.catalog_prefix}denials_"
    )


def list_trials(target: Target) -> tuple[Trial, ...]:
    """Return the trials; the first two, with nothing wrong, succeed."""
    bucket, role = target.bucket("artifacts"), target.iam_role("storage")
    in_s3, in_volume = f"s3://{bucket}/libs/hello-spark.jar", f"{volume_path(target, VOLUME)}/hello-spark.jar"
    gone, elsewhere = f"{volume_path(target, VOLUME)}/gone.jar", f"s3://{bucket}-elsewhere/libs/hello-spark.jar"
    pipeline, volume = target.principals["pipeline"], f"{target.catalog('flights')}.ops.artifacts"
    demand = f"Remedy: let the trust policy of role {role} demand"
    return (
        Trial("everything right, from S3", "deployer", in_s3, "", ""),
        Trial("everything right, from the volume", "deployer", in_volume, "", ""),
        Trial(
            "no permission on the volume",
            "pipeline",
            in_volume,
            f"PERMISSION_DENIED: User does not have READ VOLUME on Volume '{volume}'. The user is '{pipeline}'.",
            f"Remedy: GRANT READ VOLUME ON VOLUME {volume} TO `{pipeline}`",
        ),
        Trial("missing JAR", "deployer", gone, f"not found: {gone}", f"Remedy: put the file at {gone}"),
        Trial(
            "wrong prefix: a path that no external location covers",
            "deployer",
            elsewhere,
            f"cannot access '{elsewhere}': no external location covers it",
            f"Remedy: correct the path {elsewhere}",
        ),
        Trial(
            "wrong IAM role: it opens another bucket",
            "deployer",
            in_s3,
            f"no policy of {target.iam_role_arn('storage')} allows s3:",
            f"Remedy: let a policy of {target.iam_role_arn('storage')} allow s3:",
            _leave_out_bucket,
        ),
        Trial("wrong External ID", "deployer", in_s3, "with External ID", f"{demand} sts:ExternalId", _wrong_id),
        Trial("no External ID", "deployer", in_s3, "does not demand an External ID", demand, _no_id),
        Trial(
            "bucket policy that leaves out the role",
            "deployer",
            in_s3,
            f"of the policy of bucket {bucket} denies s3:",
            "Remedy: except the storage role from statement",
            _leave_out_role,
        ),
    )


def run_step(target: Target, role: str, path: str) -> tuple[str, str]:
    """Run HelloSpark from the path as a Dagster step; return its failure, if any, and what it printed."""
    from databricks.sdk.service.jobs import JobEnvironment, SparkJarTask, SubmitTask

    runs = ServerlessRuns(open_workspace(target, role), volume_path(target, "flights.ops.pipes"))
    task = SubmitTask("hello", spark_jar_task=SparkJarTask(main_class_name=HELLO_SPARK.main_class))
    task.environment_key = "java"
    environments = [JobEnvironment("java", java_environment(target.environment_version, [path]))]

    @dg.asset(name="hello_spark")
    def hello_spark(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from runs.run(context=context, task=task, environments=environments).get_results()

    printed = io.StringIO()  # stdout is the command's own, which may be JSON
    with dg.DagsterInstance.ephemeral() as instance, redirect_stdout(printed):
        result = dg.materialize([hello_spark], instance=instance, raise_on_error=False, run_config=QUIET)
    for event in result.all_events:
        if event.is_step_failure and (error := event.step_failure_data.error):
            return (error.cause or error).message, printed.getvalue().strip()
    return "", printed.getvalue().strip()


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Return the outcomes for machines."""
    return json.dumps([asdict(outcome) for outcome in outcomes], indent=2)


def _judge(trial: Trial, failure: str, printed: str) -> Outcome:
    if not trial.cause:
        return Outcome(trial.tried, PRINTS, failure or printed, printed == PRINTS and not failure)
    told = [line for line in failure.splitlines() if line.startswith(("Task ", "Remedy"))]
    seen = "\n".join(told) or failure or printed
    return Outcome(
        trial.tried, f"{trial.cause}\n{trial.remedy}", seen, trial.cause in failure and trial.remedy in failure
    )


@contextmanager
def _bent(target: Target, bend: Bend | None) -> Iterator[None]:
    if bend is None:
        yield
        return
    try:
        bend(Clients(target))
        time.sleep(target.iam_settle_seconds)
        yield
    finally:
        _mend(target)


def _mend(target: Target) -> None:
    report = apply_estate(target, ESTATE)
    if report.failures:
        raise DemoFailed("\n".join(result.error for result in report.failures))


def _put_jar(target: Target, jar: bytes) -> None:
    clients = Clients(target)
    clients.aws("s3").put_object(Bucket=target.bucket("artifacts"), Key="libs/hello-spark.jar", Body=jar)
    path = f"{volume_path(target, VOLUME)}/hello-spark.jar"
    clients.workspace.files.upload(path, io.BytesIO(jar), overwrite=True)


def _leave_out_bucket(clients: Clients) -> None:
    iam, name = clients.aws("iam"), clients.target.iam_role("storage")
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    text = json.dumps(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"])
    bucket = clients.target.bucket("artifacts")
    iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=text.replace(bucket, f"{bucket}-other"))


def _wrong_id(clients: Clients) -> None:
    _change_trust(clients, lambda text: text.replace(clients.target.databricks_account, OTHER_ID))


def _no_id(clients: Clients) -> None:
    def leave_out(text: str) -> str:
        trust = json.loads(text)
        for statement in trust["Statement"]:
            statement.pop("Condition", None)
        return json.dumps(trust)

    _change_trust(clients, leave_out)


def _change_trust(clients: Clients, change: Callable[[str], str]) -> None:
    iam, name = clients.aws("iam"), clients.target.iam_role("storage")
    trust = json.dumps(iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"])
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=change(trust))


def _leave_out_role(clients: Clients) -> None:
    s3, target = clients.aws("s3"), clients.target
    text = s3.get_bucket_policy(Bucket=target.bucket("artifacts"))["Policy"]
    arn = target.iam_role_arn("storage")
    s3.put_bucket_policy(Bucket=target.bucket("artifacts"), Policy=text.replace(arn, f"{arn}-other"))
