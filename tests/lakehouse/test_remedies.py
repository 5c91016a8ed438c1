"""Known causes get what mends them; what is not known gets nothing made up."""

from __future__ import annotations

import pytest

from lakehouse.remedies import find_remedies

CASES = {
    "User 'p@x' does not have READ VOLUME on Volume 'a.b.c'.": "GRANT READ VOLUME ON VOLUME a.b.c TO `p@x`",
    "User does not have SELECT on Table 'a.b.c'. The user is 'p@x'.": "GRANT SELECT ON TABLE a.b.c TO `p@x`",
    "does not have USE_SCHEMA on Schema 'a.b'.": "GRANT USE SCHEMA ON SCHEMA a.b TO the run's principal",
    "User 'p@x' does not have CAN_RUN on Workspace object '/a/b'.": (
        "give `p@x` CAN_RUN on Workspace object /a/b, in its declaration or in its permissions"
    ),
    "User p does not have READ permission on scope a.b to perform this action.": (
        "declare who needs it as a reader or writer of the secret scope (`lakehouse apply -s secret_scope`), or "
        "`databricks secrets put-acl a.b p READ`"
    ),
    "Library installation failed for '/Volumes/a/b/c/x.jar': Cannot read it: The file being accessed is not found: x": (
        "put the file at /Volumes/a/b/c/x.jar, or correct the path in the task's environment"
    ),
    "Library installation failed for '/Volumes/a/b/c/my_steps-1.0+0123456789ab-py3-none-any.whl': it is not found": (
        "the source of wheel/my_steps was changed since it was applied: `lakehouse apply -s wheel/my_steps`, "
        "or materialize that asset"
    ),
    "Library installation failed for '/Volumes/a/b/c/hello-spark-1.0+0123456789ab.jar': The file does not exist": (
        "the source of jar/hello-spark was changed since it was applied: `lakehouse apply -s jar/hello-spark`, "
        "or materialize that asset"
    ),
    "Library installation failed for 'sixx': error: No solution found\n  cause: Because sixx was not found in the "
    "package registry and you require sixx, we can": "correct sixx in the environment's dependencies: no index has it",
    "Library installation failed for 'six==99': cause: Because there is no version of six==99 and you require": (
        "correct six==99 in the environment's dependencies: no index has it"
    ),
    "ERROR: No matching distribution found for six==99": (
        "correct six==99 in the environment's dependencies: no index has it"
    ),
    "Cannot read /Volumes/a/b/c/x.py: The file being accessed is not found: /Volumes/a/b/c/x.py": (
        "put the file at /Volumes/a/b/c/x.py, or correct the path"
    ),
    "FileNotFoundError: [Errno 2] No such file or directory: '/Volumes/a/b/c/x.csv'": (
        "put the file at /Volumes/a/b/c/x.csv, or correct the path"
    ),
    "[PATH_NOT_FOUND] Path does not exist: dbfs:/Volumes/a/b/c/x.csv. SQLSTATE: 42K03": (
        "put the file at dbfs:/Volumes/a/b/c/x.csv, or correct the path"
    ),
    "ClassNotFoundException: Main class 'a.B' is in none of the task's JARs: x.jar": (
        "correct main_class_name, or build a.B into x.jar"
    ),
    "User 'p' cannot access 's3://b/x': no external location covers it.": (
        "correct the path s3://b/x, or declare an external location that covers it"
    ),
    "failed: the trust policy of role r does not demand an External ID; add a condition": (
        "let the trust policy of role r demand the account's id as sts:ExternalId (`lakehouse apply -s iam_role`)"
    ),
    "no statement of the trust policy of role r allows sts:AssumeRole on r for arn:m with External ID 1-2.": (
        "let the trust policy of role r demand sts:ExternalId 1-2 (`lakehouse apply -s iam_role`)"
    ),
    "the IAM role arn:aws:iam::1:role/r does not exist.": (
        "name a role that exists, or create arn:aws:iam::1:role/r (`lakehouse apply -s iam_role`)"
    ),
    "no policy of role arn:r allows s3:GetObject on arn:aws:s3:::b/x/probe. Fix the role": (
        "let a policy of arn:r allow s3:GetObject on arn:aws:s3:::b/x/probe"
    ),
    "no policy of arn:r allows s3:ListBucket on arn:aws:s3:::b.": (
        "let a policy of arn:r allow s3:ListBucket on arn:aws:s3:::b"
    ),
    "statement NamedPrincipalsOnly of the policy of bucket b denies s3:GetObject on x": (
        "except the storage role from statement NamedPrincipalsOnly of bucket b (`lakehouse apply -s s3_bucket`)"
    ),
}


@pytest.mark.parametrize(("error", "remedy"), CASES.items())
def test_a_known_cause_has_its_remedy(error: str, remedy: str) -> None:
    assert find_remedies(f"It went wrong: {error}\n{error}") == [f"Remedy: {remedy}"]


def test_what_is_not_known_has_none() -> None:
    assert find_remedies("ValueError: 12 does not have two digits; no policy") == []
    assert find_remedies("ValueError: Because the index was not found: Cannot read x") == []
