"""The authorization matrix on the session's workspace: a seeded part of it; `make matrix` tries every cell."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo.authorization import removal, report, stage, trial
from demo.authorization.expectation import Expected, Need, expect
from demo.authorization.page import PATH, render_page
from demo.authorization.roles import CONTAINERS, ROLES
from demo.authorization.rules import RULES, Rule
from demo.authorization.run_verbs import CODE, WAYS
from demo.authorization.trial import ALLOWED, DENIED, FAILED, Cell, Seen
from lakehouse.cli import app
from lakehouse.targets import Target
from lakehouse.workspace import open_workspace

CELLS, SEED = 150, 2013
BY_NAME = {role.name: role for role in ROLES}
GET_CATALOG = next(rule for rule in RULES if rule.name == "REST: get catalog")


@pytest.fixture(scope="module")
def opened(warm_target: Target) -> Iterator[stage.Stage]:
    with stage.open_stage(warm_target) as opened:
        yield opened
    admin = open_workspace(warm_target, "admin")
    assert not [one.name for one in admin.catalogs.list() if "matrix" in (one.name or "")]
    assert not [one.display_name for one in admin.service_principals.list() if "matrix" in (one.display_name or "")]
    assert not [one.name for one in admin.warehouses.list() if "matrix" in (one.name or "")]
    assert not [one for found in removal.list_others(admin).values() for one in found]
    assert not [one.path for one in admin.workspace.list("/") if "matrix" in (one.path or "")]


def test_the_workspace_answers_as_the_rules_say(opened: stage.Stage) -> None:
    cells = trial.try_cells(opened, trial.sample_cells(CELLS, SEED), lambda cell: None)
    assert [(cell.role.name, cell.rule.name, cell.expected, cell.seen) for cell in cells if not cell.is_right] == []
    assert len(cells) == CELLS
    assert {cell.rule.way for cell in cells} == {"REST", "Files", "SQL", *WAYS}
    assert {cell.seen.outcome for cell in cells} == {ALLOWED, DENIED}


@pytest.fixture
def on_stage(opened: stage.Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    @contextmanager
    def open_stage(target: Target) -> Iterator[stage.Stage]:
        yield opened

    monkeypatch.setattr(stage, "open_stage", open_stage)
    monkeypatch.setattr(report, "HTML", tmp_path / "build" / "authorization.html")
    return report.HTML


def test_a_mismatch_is_told_by_the_exit_code(on_stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that says too little, one that says too much, and one that is right."""
    everybody, nobody = replace(GET_CATALOG, needs="MEMBER on workspace"), replace(GET_CATALOG, needs="ADMIN")
    tried = [(BY_NAME["viewer"], everybody), (BY_NAME["analyst"], nobody), (BY_NAME["browser"], GET_CATALOG)]
    monkeypatch.setattr(trial, "list_cells", lambda: tried)
    done = CliRunner().invoke(app, ["demo", "matrix", "--json"])
    said = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [one["right"] for one in said["results"]] == [False, False, True]
    assert (said["cells"], said["mismatches"]) == (3, 2)
    assert "does not have USE CATALOG on Catalog 'matrix_shop'." in said["results"][0]["message"]


def test_the_page_for_reviewers_needs_nothing_else(on_stage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "list_cells", lambda: [(BY_NAME["outsider"], GET_CATALOG)])
    done = CliRunner().invoke(app, ["demo", "matrix"])
    assert done.exit_code == 0, done.output
    assert "1 of 1 cells as the rules say" in done.stdout
    page = on_stage.read_text()
    assert not re.search(r"""(src|href)=|https?://|@import|url\(""", page)
    (data,) = re.findall(r"const matrix = (\{.*\});", page)
    assert json.loads(data)["results"][0]["role"] == "outsider"


def test_the_documented_page_is_what_the_rules_say() -> None:
    assert PATH.read_text() == render_page(), "python -m demo.authorization.page writes it"


def test_every_rule_can_be_tried_and_every_verb_has_a_rule() -> None:
    known = {*trial.VERBS, *CODE}
    assert {(rule.way, rule.verb) for rule in RULES} == known
    assert {rule.target for rule in RULES} <= CONTAINERS.keys()
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert len(ROLES) * len(RULES) >= 1_000


def test_every_rule_lets_somebody_in_and_keeps_somebody_out() -> None:
    answers = {rule.name: {expect(role, rule).allowed for role in ROLES} for rule in RULES}
    assert [name for name, seen in answers.items() if len(seen) < 2] == []


def test_every_holding_of_a_role_matters() -> None:
    """Without it some cell would be answered otherwise; what the levels below a level say is said by the level."""
    idle = []
    for role in ROLES:
        answers = [expect(role, rule) for rule in RULES]
        for line in role.holds:
            less = replace(role, holds=tuple(one for one in role.holds if one != line))
            if [expect(less, rule) for rule in RULES] == answers:
                idle.append(f"{role.name}: {line}")
    assert idle == []


WRONG = {
    "allowed, but should not be": (Expected(False, (Need("USE CATALOG", "catalog"),)), Seen(ALLOWED)),
    "denied, but should not be": (
        Expected(True),
        Seen(DENIED, "User does not have USE CATALOG on Catalog 'b'."),
    ),
    "denied for what is not missing": (
        Expected(False, (Need("USE CATALOG", "catalog"),)),
        Seen(DENIED, "User does not have USE SCHEMA on Schema 'b.c'."),
    ),
    "not denied, but not found": (Expected(False, (Need("USE CATALOG", "catalog"),)), Seen(FAILED, "NotFound: b")),
    "not allowed, but failed": (Expected(True), Seen(FAILED, "InternalError: oh")),
}


@pytest.mark.parametrize(("expected", "seen"), WRONG.values(), ids=WRONG)
def test_only_the_right_answer_for_the_right_reason_is_right(expected: Expected, seen: Seen) -> None:
    assert not Cell(ROLES[0], GET_CATALOG, expected, seen).is_right


def test_a_denial_that_names_what_is_missing_is_right() -> None:
    seen = Seen(DENIED, "User does not have USE CATALOG on Catalog 'b'.")
    assert Cell(ROLES[0], GET_CATALOG, Expected(False, (Need("USE CATALOG", "catalog"),)), seen).is_right


@pytest.mark.parametrize(("level", "right"), [("CAN_EDIT", True), ("CAN_RUN", False)])
def test_a_denial_may_name_a_lower_level_that_the_role_has_not_either(level: str, right: bool) -> None:
    rule = next(rule for rule in RULES if rule.name == "REST: permit on query")
    role = BY_NAME["operator"]  # who may run it
    seen = Seen(DENIED, f"User 'a' does not have {level} on Query 'b'.")
    assert Cell(role, rule, expect(role, rule), seen).is_right is right


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("True", ALLOWED),
        ("None", ALLOWED),
        ("False", FAILED),
        ("PermissionError: no", DENIED),
        ("AnalysisException: [INSUFFICIENT_PERMISSIONS] no", DENIED),
        ("AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] no", FAILED),
    ],
)
def test_how_a_piece_of_a_run_ended(text: str, outcome: str) -> None:
    assert trial.read_ended(text).outcome == outcome


def test_a_rule_reads_its_needs() -> None:
    rule = Rule("REST", "x", "table", "USE, SELECT | MANAGE on catalog")
    assert expect(BY_NAME["analyst"], rule) == Expected(True)
    missing = expect(BY_NAME["half_admitted"], rule).missing
    assert [str(need) for need in missing] == ["USE SCHEMA on schema", "MANAGE on catalog"]
