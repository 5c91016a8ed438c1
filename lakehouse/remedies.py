"""Known causes of a failure and what mends them: from an error's text to a line that says what to do. Pure.

A denial is worded by the service that refused; what is not recognised has no remedy here and speaks for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Remedy = Callable[[re.Match[str]], str]


def find_remedies(error: str) -> list[str]:
    """Return a line for each known cause in the text, each once."""
    return list(dict.fromkeys(_find(error)))


def _find(error: str) -> Iterator[str]:
    for pattern, remedy in _REMEDIES:
        for match in pattern.finditer(error):
            yield f"Remedy: {remedy(match)}"


def _grant(match: re.Match[str]) -> str:
    privilege = match["privilege"].strip().replace("_", " ")
    name = match["principal"] or match["user"]
    principal = f"`{name}`" if name else "the run's principal"
    if privilege.startswith("CAN "):  # a permission of an object of the workspace is no privilege of Unity Catalog
        level = privilege.replace(" ", "_")
        return f"give {principal} {level} on {match['kind']} {match['name']}, in its declaration or in its permissions"
    return f"GRANT {privilege} ON {match['kind'].upper()} {match['name']} TO {principal}"


def _put_file(match: re.Match[str]) -> str:
    return f"put the file at {match['path']}, or correct the path"


# A file that this repository builds is named by its content: where it is missing, the source is newer than the estate.
_BUILT = r"(?P<name>[\w.-]+?)-[\w.]+\+[0-9a-f]{12}(?:-py3-none-any\.whl|\.(?P<is_jar>jar))"


def _apply_artifact(match: re.Match[str]) -> str:
    key = f"{'jar' if match['is_jar'] else 'wheel'}/{match['name']}"
    return (
        f"the source of {key} was changed since it was applied: `lakehouse apply -s {key}`, or materialize that asset"
    )


_REMEDIES: tuple[tuple[re.Pattern[str], Remedy], ...] = (
    (
        re.compile(
            r"(?:User '(?P<principal>[^']+)' )?"
            r"does not have (?P<privilege>[A-Z_ ]+) on (?P<kind>[\w ]+?) '(?P<name>[^']+)'"
            r"(?:\. The user is '(?P<user>[^']+)'\.)?"  # the local workspace adds it to the service's words
        ),
        _grant,
    ),
    (
        re.compile(r"User (?P<principal>\S+) does not have (?P<permission>[A-Z]+) permission on scope (?P<scope>\S+)"),
        lambda match: (
            f"declare who needs it as a reader or writer of the secret scope (`lakehouse apply -s secret_scope`), or "
            f"`databricks secrets put-acl {match['scope']} {match['principal']} {match['permission']}`"
        ),
    ),
    (
        re.compile(rf"Library installation failed for '[^']*/{_BUILT}'.*?(not found|does not exist)"),
        _apply_artifact,
    ),
    (
        re.compile(
            rf"Library installation failed for '(?P<path>(?![^']*/{_BUILT}')[^']*/[^']+)'.*?(not found|does not exist)"
        ),
        lambda match: f"put the file at {match['path']}, or correct the path in the task's environment",
    ),
    (
        # of uv, twice, and of pip
        re.compile(
            r"(?:there is no version of |No matching distribution found for "
            r"|(?=\S+ was not found in the package registry))"
            r"(?P<what>[^\s,;]+)"
        ),
        lambda match: f"correct {match['what']} in the environment's dependencies: no index has it",
    ),
    (
        re.compile(r"Cannot read (?:the python file )?(?P<path>/\S+?):? .*?(not found|does not exist)", re.IGNORECASE),
        _put_file,
    ),
    (re.compile(r"No such file or directory: '(?P<path>/Volumes/[^']+)'"), _put_file),
    (re.compile(r"PATH_NOT_FOUND\] Path does not exist: (?P<path>\S+?)\.(?=\s|$)"), _put_file),
    (
        re.compile(r"Main class '(?P<name>[^']+)' is in none of the task's JARs: (?P<jars>.+)"),
        lambda match: f"correct main_class_name, or build {match['name']} into {match['jars']}",
    ),
    (
        re.compile(r"cannot access '(?P<path>[^']+)': no external location covers it"),
        lambda match: f"correct the path {match['path']}, or declare an external location that covers it",
    ),
    (
        re.compile(r"(?P<what>the trust policy of role \S+) does not demand an External ID"),
        lambda match: f"let {match['what']} demand the account's id as sts:ExternalId (`lakehouse apply -s iam_role`)",
    ),
    (
        re.compile(r"(?P<what>the trust policy of role \S+) .*?with External ID (?P<id>[\w-]+)"),
        lambda match: f"let {match['what']} demand sts:ExternalId {match['id']} (`lakehouse apply -s iam_role`)",
    ),
    (
        re.compile(r"the IAM role (?P<arn>arn:\S+) does not exist"),
        lambda match: f"name a role that exists, or create {match['arn']} (`lakehouse apply -s iam_role`)",
    ),
    (
        re.compile(
            r"no policy of (?:role )?(?P<role>\S+) allows (?P<action>\S+) on (?P<resource>[^\s;,]+?)[.;,]?(?=\s|$)"
        ),
        lambda match: f"let a policy of {match['role']} allow {match['action']} on {match['resource']}",
    ),
    (
        re.compile(r"statement (?P<sid>\S+) of the policy of bucket (?P<bucket>\S+) denies"),
        lambda match: (
            f"except the storage role from statement {match['sid']} of bucket {match['bucket']} "
            "(`lakehouse apply -s s3_bucket`)"
        ),
    ),
)
