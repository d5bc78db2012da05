"""The comparison as SARIF 2.1.0.

The specification's schema is not shipped with this project. These strict models hold the fields that are written, as
the specification (OASIS, SARIF 2.1.0, sections 3.13 to 3.58) requires them; with IMGAUDIT_SARIF_SCHEMA naming the
published schema file, the logs are validated by that as well.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from made import SCRIPT
from made_comparison import CASES, compared, comparison, large, mover, passed
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imgaudit.comparison import ComparedRuns
from imgaudit.reporters._comparison import sarif
from imgaudit.reporters._comparison.sarif import text_of, write

UriReference = Annotated[str, Field(pattern=r"^(?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})+$")]
Level = Literal["none", "note", "warning", "error"]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Message(Strict):
    text: str = Field(min_length=1)


class ArtifactLocation(Strict):
    uri: UriReference | None = None
    uriBaseId: str | None = None
    description: Message | None = None


class Physical(Strict):
    artifactLocation: ArtifactLocation


class Logical(Strict):
    fullyQualifiedName: str


class Location(Strict):
    physicalLocation: Physical
    logicalLocations: Annotated[list[Logical], Field(min_length=1)] | None = None


class Result(Strict):
    ruleId: str
    ruleIndex: int = Field(ge=0)
    kind: Literal["notApplicable", "pass", "fail", "review", "open", "informational"]
    level: Level
    message: Message
    locations: list[Location]
    partialFingerprints: dict[str, str]
    properties: dict[str, Any]


class Configuration(Strict):
    level: Level


class Rule(Strict):
    id: str = Field(min_length=1)
    name: str
    shortDescription: Message
    fullDescription: Message
    help: Message
    defaultConfiguration: Configuration
    properties: dict[str, Any]


class Driver(Strict):
    name: str = Field(min_length=1)
    version: str
    rules: list[Rule]


class Tool(Strict):
    driver: Driver


class Notification(Strict):
    level: Level
    message: Message


class Invocation(Strict):
    executionSuccessful: bool
    exitCode: int
    exitCodeDescription: str
    toolExecutionNotifications: list[Notification] | None = None


class Automation(Strict):
    id: str


class Run(Strict):
    tool: Tool
    automationDetails: Automation
    invocations: list[Invocation]
    originalUriBaseIds: dict[str, ArtifactLocation]
    results: list[Result]
    columnKind: Literal["utf16CodeUnits", "unicodeCodePoints"]
    properties: dict[str, Any]


class Log(Strict):
    schema_: UriReference = Field(alias="$schema")
    version: Literal["2.1.0"]
    runs: list[Run]


def read(runs: ComparedRuns) -> Run:
    return Log.model_validate_json(write(runs)).runs[0]


@pytest.fixture(scope="module")
def run() -> Run:
    return read(compared())


def checked(run: Run) -> None:
    """What the specification asks of fields together."""
    rules = run.tool.driver.rules
    for result in run.results:
        assert rules[result.ruleIndex].id == result.ruleId  # 3.27.6
        assert (result.kind == "fail") or result.level == "none"  # 3.27.9
        base = result.locations[0].physicalLocation.artifactLocation.uriBaseId
        assert base is None or base in run.originalUriBaseIds  # 3.4.4
    assert len({rule.id for rule in rules}) == len(rules)


@pytest.mark.parametrize("made", [compared, passed, lambda: large(30, 4, SCRIPT)], ids=["all", "passed", "large"])
def test_the_log_is_as_the_specification_asks(made: Any) -> None:
    checked(read(made()))


def test_the_models_refuse_what_is_no_log() -> None:
    log = json.loads(write(compared()))
    log["runs"][0]["results"][0]["levle"] = "error"

    with pytest.raises(ValidationError, match="levle"):
        Log.model_validate_json(json.dumps(log))


@pytest.mark.parametrize("made", [compared, passed, lambda: large(30, 4, SCRIPT)], ids=["all", "passed", "large"])
def test_the_log_is_valid_by_the_published_schema(made: Any) -> None:
    path = os.environ.get("IMGAUDIT_SARIF_SCHEMA")
    if not path:
        pytest.skip("IMGAUDIT_SARIF_SCHEMA names no schema file of SARIF 2.1.0")
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(Path(path).read_text("utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)

    assert [error.message for error in validator.iter_errors(json.loads(write(made())))] == []


def test_there_is_one_result_for_everything_that_decides_and_did_not_pass(run: Run) -> None:
    found = [(result.ruleId.removeprefix("compare/"), result.level) for result in run.results]

    assert found == [
        ("regressed", "error"),
        ("regressed", "error"),
        ("abstention", "error"),
        ("zero-tolerance", "error"),
        ("inconclusive", "warning"),
        ("inconclusive", "warning"),
        ("verdicts", "warning"),
        *[("mover", "note")] * 4,  # those that got better are no result
    ]


def test_a_comparison_that_passed_has_no_result() -> None:
    assert read(passed()).results == []


def test_a_loss_that_shrinkage_turns_into_a_gain_is_no_result() -> None:
    noise = mover(CASES[0], "adherence.match", -0.01).model_copy(update={"shrunk": 0.0001})
    runs = replace(compared(), comparison=comparison().model_copy(update={"movers": (noise,)}))

    assert not [result for result in read(runs).results if result.ruleId == "compare/mover"]


def test_every_rule_says_what_to_do(run: Run) -> None:
    assert all(len(rule.help.text) > 40 for rule in run.tool.driver.rules)


def test_a_loss_keeps_its_fingerprint_when_its_numbers_change(run: Run) -> None:
    tests = tuple(test.model_copy(update={"why": "other words"}) for test in comparison().tests)
    other = read(replace(compared(), comparison=comparison().model_copy(update={"tests": tests})))

    assert other.results[0].message != run.results[0].message
    assert [result.partialFingerprints for result in other.results] == [r.partialFingerprints for r in run.results]
    assert len({result.partialFingerprints["imgauditComparison/v1"] for result in run.results}) == len(run.results)


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("pictures/01 a.png", "pictures/01%20a.png"),
        ("/home/someone/x.png", "x.png"),
        ("C:\\Users\\someone\\x.png", "x.png"),
        ("../../etc/x.png", "x.png"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
    ],
)
def test_no_path_leads_out_of_the_run_folder(path: str, told: str) -> None:
    first = compared()
    images = [record.model_copy(update={"path": path}) for record in first.candidate.images]

    results = read(replace(first, candidate=replace(first.candidate, images=images))).results

    uris = {result.locations[0].physicalLocation.artifactLocation.uri for result in results if "mover" in result.ruleId}
    assert uris == {told}


def test_strings_of_a_run_are_neither_links_nor_placeholders(run: Run) -> None:
    for result in run.results:
        assert not re.search(r"\]\(", result.message.text)
        assert "{" not in result.message.text.replace("{{", "")
    assert text_of("{0} [here](http://evil.example)") == "{{0}} [here]\u200b(http://evil.example)"


def test_what_does_not_fit_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "LIMIT", 3)

    run = read(compared())

    assert [result.level for result in run.results] == ["error"] * 3
    (notification,) = run.invocations[0].toolExecutionNotifications or ()
    assert notification.message.text == "8 further results left out; comparison.json has all."


def test_there_are_never_more_than_five_thousand_results() -> None:
    movers = tuple(mover(CASES[0], f"checker.measure-{n}", -0.1) for n in range(5_100))
    runs = replace(compared(), comparison=comparison().model_copy(update={"movers": movers}))

    assert len(read(runs).results) == 5_000
