from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import pytest

from imgaudit.dimensions import BY_ID, DIMENSIONS
from imgaudit.errors import ConfigError, UsageError
from imgaudit.rubric import (
    SEVERITY,
    Rubric,
    exit_code,
    judge,
    judge_set,
    load_rubric,
    packaged_rubrics,
    parse_condition,
)
from imgaudit.types import Decision, Finding, GroupFinding, Region

COPYRIGHT = (
    "  copyright: {attestation: {scope: picture, valid_days: 365}, "
    'because: "A question of contracts, not of pixels."}\n'
)
LOADED = Finding(checker="load", version="1", outcome="measured")


def measured(checker: str, **measures: float) -> Finding:
    return Finding(checker=checker, version="1", outcome="measured", measures=measures)


def abstained(checker: str) -> Finding:
    return Finding(checker=checker, version="1", outcome="abstained", reason="too small")


@pytest.fixture(scope="module")
def publish() -> Rubric:
    return load_rubric("publish")


@pytest.fixture
def written(tmp_path: Path, publish: Rubric):
    """Writes the publish rubric with one text replaced by another, and gives its path."""
    source = Path(__file__).parent.parent / "rubrics" / "publish.yaml"

    def write(old: str, new: str) -> str:
        text = source.read_text()
        assert old in text
        path = tmp_path / "mine.yaml"
        path.write_text(text.replace(old, new, 1))
        return str(path)

    return write


def good(publish: Rubric) -> list[Finding]:
    """Findings of a picture without fault."""
    marked = measured("provenance", ai_disclosed=1)
    return [LOADED, measured("quality", blur=0.1), measured("text", gibberish=0.0), marked]


@pytest.mark.parametrize("name", packaged_rubrics())
def test_every_packaged_rubric_names_every_dimension_and_defends_every_threshold(name: str):
    rubric = load_rubric(name)

    assert set(rubric.dimensions) == {dimension.id for dimension in DIMENSIONS}
    for entry in rubric.dimensions.values():
        assert entry.because
        assert all(len(rule.because) > 20 for rule in entry.rules)


def test_a_picture_without_fault_is_published(publish: Rubric):
    verdict = judge(good(publish), publish)

    assert (verdict.machine, verdict.final) == (Decision.PUBLISH, Decision.PUBLISH)


def test_an_edit_says_where_and_how(publish: Rubric):
    region = Region(label="left hand", box=(1, 2, 30, 40))
    hands = measured("hands", defect=0.8).model_copy(update={"regions": (region,)})

    verdict = judge([*good(publish), hands], publish)

    assert verdict.machine is Decision.EDIT
    assert [(r.code, r.rule) for r in verdict.reasons] == [("hands.malformed", "hands.malformed")]
    assert verdict.edits[0].region == region
    assert verdict.edits[0].instruction.startswith("Redraw the left hand")


def test_a_file_that_cannot_be_read_is_held_and_never_published(publish: Rubric):
    broken = Finding(checker="load", version="1", outcome="failed", error="truncated")

    verdict = judge([broken, abstained("quality"), abstained("text")], publish)

    assert verdict.machine is Decision.HOLD
    assert [hold.code for hold in verdict.holds] == ["load.failed"]


def test_what_is_required_and_could_not_be_told_holds(publish: Rubric):
    verdict = judge([LOADED, abstained("quality"), measured("text"), measured("provenance", ai_disclosed=1)], publish)

    assert verdict.machine is Decision.HOLD
    assert [hold.code for hold in verdict.holds] == ["unknown.quality"]


def test_what_is_not_required_and_could_not_be_told_is_a_note(publish: Rubric):
    verdict = judge([*good(publish), abstained("hands")], publish)

    assert verdict.machine is Decision.PUBLISH
    assert "unknown.hands" in [note.code for note in verdict.notes]


def test_a_needed_measure_that_could_not_be_told_counts_as_unknown(publish: Rubric):
    text = Finding(checker="text", version="1", outcome="measured", unmeasured={"similarity": "a script nobody reads"})

    verdict = judge([LOADED, measured("quality"), text, measured("provenance", ai_disclosed=1)], publish)

    assert verdict.machine is Decision.HOLD
    assert "a script nobody reads" in verdict.holds[0].message


def test_a_measure_that_does_not_apply_fires_nothing(publish: Rubric):
    verdict = judge([*good(publish), measured("hands", count=0)], publish)

    assert verdict.machine is Decision.PUBLISH
    assert "unknown.hands" not in [note.code for note in verdict.notes]


def test_reject_goes_before_hold_before_edit_before_publish():
    order = [Decision.PUBLISH, Decision.EDIT, Decision.HOLD, Decision.REJECT]

    assert sorted(Decision, key=SEVERITY.__getitem__) == order


def test_required_attestations_hold_the_final_verdict_and_leave_the_machine_one():
    strict = load_rubric("strict")
    findings = [LOADED, *(measured(c, defect=0.0) for c in ("hands", "faces", "anatomy")), measured("quality"),
                measured("text"), measured("adherence", match=0.9, worst_clause=0.9),
                measured("provenance", ai_disclosed=1)]  # fmt: skip
    answered = frozenset(d.id for d in DIMENSIONS if d.how == "attestation")

    assert (judge(findings, strict).machine, judge(findings, strict).final) == (Decision.PUBLISH, Decision.HOLD)
    assert judge(findings, strict, answered).final is Decision.PUBLISH


def test_a_skew_never_rejects_a_picture_but_speaks_of_the_set():
    strict = load_rubric("strict")
    group = GroupFinding(checker="skew", version="1", group="a-shape", outcome="measured", size=50, counted=50,
                         measures={"excess_tv": 0.4}, codes=("skew.skewed",))  # fmt: skip

    verdict = judge_set([group], strict)

    assert verdict.decision is Decision.HOLD
    assert verdict.reasons[0].message.startswith("a-shape: ")


@pytest.mark.parametrize("worst", list(Decision))
def test_the_exit_code_is_that_of_the_worst_decision(worst: Decision):
    milder = [d for d in Decision if SEVERITY[d] <= SEVERITY[worst]]
    expected = {Decision.PUBLISH: 0, Decision.EDIT: 3, Decision.HOLD: 4, Decision.REJECT: 1}[worst]

    assert {exit_code(order) for order in itertools.permutations(milder)} == {expected}


def test_conditions_are_read_as_they_are_written():
    terms = parse_condition("text.similarity >= 0.5 and text.similarity < 0.999")

    assert [(t.kind, t.checker, t.name, t.op, t.value) for t in terms] == [
        ("measure", "text", "similarity", ">=", "0.5"),
        ("measure", "text", "similarity", "<", "0.999"),
    ]
    kinds = [term.kind for term in parse_condition("code text.missing and provenance.c2pa_state == invalid")]
    assert kinds == ["code", "label"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("when: hands.defect >= 0.5", "when: hands.fingers >= 0.5", r"mine.yaml:\d+: .*hands.fingers.*defect"),
        ("when: hands.defect >= 0.5", "when: hnads.defect >= 0.5", r"mine.yaml:\d+: .*hnads.*there are: adherence"),
        ("when: hands.defect >= 0.5", "when: hands.defect is bad", r"mine.yaml:\d+: .*cannot read the condition"),
        ("when: hands.defect >= 0.5", "when: hands.defect >= 0.5 and text.cer > 1", r"several checkers"),
        ("  perspective:", "  perspektive:", r"mine.yaml:\d+: .*perspektive"),
        (COPYRIGHT, "", r"may drop no dimension.*copyright"),
        ("on_abstain: hold", "on_abstian: hold", r"mine.yaml:\d+: .*on_abstian.*did you mean 'on_abstain'"),
        ("then: reject", "then: destroy", r"mine.yaml:\d+: "),
        ("version: \"1\"", "version: [", r"mine.yaml:\d+: .*YAML"),
    ],
)
def test_a_wrong_rubric_is_refused_with_file_and_line(written, old: str, new: str, message: str):
    with pytest.raises(ConfigError, match=message):
        load_rubric(written(old, new))


def test_an_unknown_rubric_name_lists_those_there_are():
    with pytest.raises(UsageError, match="draft, illustration, photo, print, publish, stock, strict"):
        load_rubric("pubish")


def test_what_nothing_answers_cannot_be_required(written, monkeypatch: pytest.MonkeyPatch):
    unanswered = dataclasses.replace(BY_ID["style"], how="limit", checkers=())
    monkeypatch.setitem(BY_ID, "style", unanswered)

    with pytest.raises(ConfigError, match="cannot be checked yet"):
        load_rubric(written("  style:\n    required: false", "  style:\n    required: true"))
