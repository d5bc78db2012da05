"""Decisions of people in the verdicts and in the report."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from decided_run import (
    NOW,
    RUBRICS,
    decide,
    decided_run,
    false_alarm,
    hands_rubric,
    hands_run,
    missed,
    pictures,
    undo,
)

from imgaudit.erase import Who, erase_picture, erase_run
from imgaudit.errors import ConfigError, RunError
from imgaudit.pipeline import judge_again
from imgaudit.record import ReviewSummary
from imgaudit.rubric import FIRM, Rubric, judge, load_rubric
from imgaudit.store.decisions import LOG, NOTES, check_log, read_log, read_notes
from imgaudit.store.runfolder import REVIEW, RunFolder
from imgaudit.types import Decision, Finding, Ruling

PUBLISH, EDIT, HOLD, REJECT = Decision.PUBLISH, Decision.EDIT, Decision.HOLD, Decision.REJECT
Ruled = tuple[Path, Rubric]


@pytest.fixture
def ruled(tmp_path: Path) -> Callable[..., Ruled]:
    def make(**review: object) -> Ruled:
        rubric = hands_rubric(tmp_path, review or None)
        return hands_run(tmp_path, rubric), rubric

    return make


def finals(run: Path) -> dict[str, Decision]:
    return {name: image.verdict.final for name, image in pictures(run).items()}


# --- the rubric ------------------------------------------------------------------------------------------


def test_a_rubric_without_the_section_keeps_the_digest_it_had():
    text = (RUBRICS / "publish.yaml").read_text()
    publish = load_rubric("publish")

    assert "review" not in text.split()
    assert "review" not in publish.model_dump()
    assert (publish.two_people, publish.firm) == (frozenset(), {FIRM})


def test_strict_asks_for_two_people_to_publish_and_says_why():
    strict = load_rubric("strict")

    assert strict.two_people == {PUBLISH}
    assert strict.review is not None
    assert len(strict.review.because) > 20


@pytest.mark.parametrize(
    ("review", "message"),
    [
        ({"firm": ["hands.nothing"]}, "unknown rule 'hands.nothing'"),
        ({"firm": ["faces.malformed"]}, "is a note, which decides nothing"),
        ({"two_people": ["hold"]}, "review"),
        ({"three_people": ["publish"]}, "three_people"),
        ({"because": "so"}, "because"),
    ],
)
def test_a_section_that_cannot_be_meant_is_refused_with_its_place(tmp_path: Path, review: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        hands_rubric(tmp_path, review)


def test_suspected_abuse_is_firm_whatever_the_rubric_lists(tmp_path: Path):
    rubric = hands_rubric(tmp_path, {"firm": ["hands.malformed"]})

    assert rubric.firm == {FIRM, "hands.malformed"}


# --- judging one picture -----------------------------------------------------------------------------------


def ruling(decision: Decision, *said: Decision, waiting: bool = False) -> Ruling:
    said = said or (decision,)
    names = ("Ann", "Bob")[: len(said)]
    return Ruling(decision=decision, by=names, role=("editor",) * len(said), said=said, reason="looked-at",
                  given="2026-11-24", waiting=waiting, seq=0)  # fmt: skip


HAND = Finding(checker="hands", version="1", outcome="measured", measures={"defect": 0.9})
ABUSE = Finding(checker="safety", version="1", outcome="measured", codes=("safety.suspected_abuse",))


@pytest.mark.parametrize("decision", [PUBLISH, EDIT, REJECT])
def test_what_people_decide_is_final_and_the_machine_verdict_stays(tmp_path: Path, decision: Decision):
    verdict = judge([HAND], hands_rubric(tmp_path), ruling=ruling(decision))

    assert (verdict.machine, verdict.final) == (EDIT, decision)
    assert verdict.human == ruling(decision)
    assert [reason.code for reason in verdict.reasons] == ["hands.malformed"]
    assert [edit.method for edit in verdict.edits] == ["inpaint"]


@pytest.mark.parametrize("decision", [PUBLISH, EDIT, REJECT])
def test_nobody_overrules_a_suspicion_of_abuse(tmp_path: Path, decision: Decision):
    verdict = judge([ABUSE], hands_rubric(tmp_path), ruling=ruling(decision))

    assert (verdict.machine, verdict.final) == (REJECT, REJECT)
    told = [note.message for note in verdict.notes if note.code == "review.firm"]
    assert len(told) == (decision is not REJECT)
    assert all("Ann (editor) decided" in one and FIRM in one for one in told)


@pytest.mark.parametrize(("then", "decision", "final"), [
    ("edit", PUBLISH, EDIT), ("edit", REJECT, REJECT), ("hold", PUBLISH, HOLD), ("hold", EDIT, HOLD),
    ("reject", EDIT, REJECT),
])  # fmt: skip
def test_a_firm_rule_that_fired_is_the_least_that_is_final(
    tmp_path: Path, then: str, decision: Decision, final: Decision
):
    rubric = hands_rubric(tmp_path, {"firm": ["hands.malformed"]}, then)

    assert judge([HAND], rubric, ruling=ruling(decision)).final is final


def test_a_firm_rule_that_did_not_fire_limits_nobody(tmp_path: Path):
    rubric = hands_rubric(tmp_path, {"firm": ["hands.malformed"]})
    good = HAND.model_copy(update={"measures": {"defect": 0.1}})

    verdict = judge([good], rubric, ruling=ruling(PUBLISH))

    assert verdict.final is PUBLISH
    assert not any(note.code == "review.firm" for note in verdict.notes)


def test_an_answer_that_is_missing_or_no_still_holds_or_rejects_what_people_publish():
    strict = load_rubric("strict")

    assert judge([HAND], strict, ruling=ruling(PUBLISH, PUBLISH, PUBLISH)).final is HOLD
    declined = {"likeness": "Ann answered no"}
    assert judge([HAND], strict, declined=declined, ruling=ruling(PUBLISH, PUBLISH, PUBLISH)).final is REJECT


def test_a_picture_that_waits_is_held_and_says_who_decided_and_what_is_missing(tmp_path: Path):
    verdict = judge([HAND], hands_rubric(tmp_path), ruling=ruling(HOLD, PUBLISH, waiting=True))

    assert verdict.final is HOLD
    assert [hold.code for hold in verdict.holds] == ["review.waiting"]
    assert verdict.holds[0].message == (
        "Ann (editor) decided publish; the rubric asks for a second person to decide the same."
    )


def test_a_stored_decision_names_one_role_and_verdict_a_person():
    line = ruling(HOLD, PUBLISH, REJECT, waiting=True).model_dump()

    with pytest.raises(ValueError, match="one of each a person"):
        Ruling.model_validate({**line, "role": ("editor",)})


def test_people_who_disagree_are_both_named(tmp_path: Path):
    verdict = judge([HAND], hands_rubric(tmp_path), ruling=ruling(HOLD, PUBLISH, REJECT, waiting=True))

    assert verdict.holds[0].message.startswith(
        "The reviewers disagree: Ann (editor) decided publish, Bob (editor) decided reject."
    )


# --- a whole run -----------------------------------------------------------------------------------------------


def test_a_run_without_decisions_is_written_as_before(ruled: Callable[..., Ruled]):
    run, rubric = ruled(two_people=["publish"])

    assert '"human"' not in (run / "images.jsonl").read_text()
    assert '"review"' not in (run / "report.json").read_text()
    lines = (run / "images.jsonl").read_bytes()
    judge_again(run, rubric)
    assert (run / "images.jsonl").read_bytes() == lines


def test_a_line_and_a_report_of_an_earlier_version_are_read(ruled: Callable[..., Ruled]):
    run, _ = ruled()

    assert all(image.verdict.human is None for image in RunFolder(run).read_images())
    assert RunFolder(run).read_report().review is None


def test_a_decision_counts_when_the_run_is_judged_again_and_no_longer_when_it_is_undone(ruled: Callable[..., Ruled]):
    run, rubric = ruled()
    before = finals(run)
    number = decide(run, "one#0", "publish", note="a glove")

    report = judge_again(run, rubric)

    assert finals(run) == {**before, "one#0": PUBLISH}
    assert (report.counts[EDIT], report.final_counts[EDIT]) == (4, 3)
    assert report.review is not None
    assert (report.review.decided, report.review.overruled) == (1, 1)

    undo(run, "one#0", number)
    report = judge_again(run, rubric)
    assert finals(run) == before
    assert report.review is not None
    assert (report.review.decided, report.review.overruled, report.review.undone) == (0, 0, 1)


def test_a_run_that_is_judged_as_of_a_day_counts_the_decisions_up_to_it(ruled: Callable[..., Ruled]):
    run, rubric = ruled()
    decide(run, "one#0", "publish", now=NOW + timedelta(days=1))

    judge_again(run, rubric, NOW.date())
    assert finals(run)["one#0"] is EDIT
    judge_again(run, rubric, NOW.date() + timedelta(days=1))
    assert finals(run)["one#0"] is PUBLISH


def test_two_people_are_needed_where_the_rubric_says_so_and_the_exit_code_tells(ruled: Callable[..., Ruled]):
    run, rubric = ruled(two_people=["publish"])
    for name in pictures(run):
        decide(run, name, "publish", "Ann")
    report = judge_again(run, rubric)
    assert set(finals(run).values()) == {HOLD}
    assert (report.exit_code, report.review.waiting, report.review.decided) == (4, 8, 0)

    for name in pictures(run):
        decide(run, name, "publish", "Bob")
    report = judge_again(run, rubric)
    assert set(finals(run).values()) == {PUBLISH}
    assert (report.exit_code, report.review.waiting, report.review.decided) == (0, 0, 8)


def test_a_run_with_a_broken_log_is_not_judged(ruled: Callable[..., Ruled]):
    run, rubric = ruled()
    decide(run, "one#0", "publish")
    decide(run, "one#0", "publish")
    (run / LOG).write_bytes((run / LOG).read_bytes().replace(b"publish", b"reject_", 1))

    with pytest.raises(RunError, match="tampered"):
        judge_again(run, rubric)


# --- the summary ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> ReviewSummary:
    _, report = decided_run(tmp_path_factory.mktemp("decided"))
    assert report.review is not None
    return report.review


def test_machine_and_people_stand_in_one_table(review: ReviewSummary):
    # one#0 edit/edit, one#1 edit/publish, one#2 publish/reject, one#3 publish/publish, two#0 edit/edit, two#1 publish
    assert review.matrix[EDIT] == {PUBLISH: 1, EDIT: 2, REJECT: 0}
    assert review.matrix[PUBLISH] == {PUBLISH: 2, EDIT: 0, REJECT: 1}
    assert sum(map(sum, (row.values() for row in review.matrix.values()))) == review.decided == 6
    assert (review.overruled, review.settled, review.waiting, review.undone) == (2, 0, 0, 1)


def test_everyone_who_decided_is_named_with_their_roles(review: ReviewSummary):
    told = [(one.by, one.role, one.pictures) for one in review.people]

    assert told == [("Ann", ("art director", "editor"), 5), ("Bob", ("lawyer",), 3), ("Cem", ("editor",), 1)]


def test_agreement_is_that_of_a_count_by_hand(review: ReviewSummary):
    # machine: edit 3, publish 3; people: publish 3, edit 2, reject 1; the same in 4 of 6
    chance = (3 * 2 + 3 * 3) / 36
    assert review.kappa.value == pytest.approx((4 / 6 - chance) / (1 - chance), abs=1e-6)
    assert (review.kappa.counted, review.kappa.of) == (6, 6)
    # shared by two: one#0 edit edit, two#1 publish publish, two#0 reject edit
    assert review.alpha.counted == 3
    expected = (36 - (3**2 + 2**2 + 1**2)) / 30
    assert review.alpha.value == pytest.approx(1 - (2 / 6) / expected, abs=1e-6)


def test_a_checker_is_compared_with_what_people_said_and_presumed(review: ReviewSummary):
    hands = next(one for one in review.checkers if one.checker == "hands")

    # alarms: one#0, two#0 confirmed by silence, one#1 called false; quiet: two#1; one#2 missed; one#3 not told
    told = (hands.confirmed, hands.false_alarms, hands.missed, hands.quiet, hands.untold, hands.unclear)
    assert told == (2, 1, 1, 1, 1, 0)
    assert (hands.precision.value, hands.precision.of) == (0.666667, 3)
    assert (hands.recall.value, hands.recall.of) == (0.666667, 3)
    # Wilson's interval of 2 in 3, by its formula
    z = 1.959964
    centre, half = (2 + z * z / 2) / (3 + z * z), z / (3 + z * z) * (2 * 1 / 3 + z * z / 4) ** 0.5
    assert (hands.recall.low, hands.recall.high) == pytest.approx((centre - half, centre + half), abs=1e-5)


def test_what_cannot_be_told_is_an_abstention_with_its_reason_and_no_number(ruled: Callable[..., Ruled]):
    run, rubric = ruled()
    decide(run, "one#2", "publish")
    decide(run, "two#2", "publish")

    review = judge_again(run, rubric).review

    assert review is not None
    assert (review.kappa.outcome, review.kappa.value) == ("abstained", None)
    assert "only one verdict" in review.kappa.reason
    assert (review.alpha.outcome, review.alpha.reason) == ("abstained", "nothing was judged by two people")
    hands = next(one for one in review.checkers if one.checker == "hands")
    assert (hands.precision, hands.recall, hands.quiet) == (None, None, 2)


def test_where_the_checks_held_there_is_nothing_to_overrule_and_no_agreement(tmp_path: Path):
    rubric = hands_rubric(tmp_path, then="hold")
    run = hands_run(tmp_path, rubric)
    for name in ("one#0", "two#0"):
        decide(run, name, "publish")

    review = judge_again(run, rubric).review

    assert review is not None
    assert (review.decided, review.overruled, review.settled) == (2, 0, 2)
    assert review.kappa.reason == "the checks held every picture that people decided about"


def test_a_decision_that_something_firm_outweighs_is_counted(ruled: Callable[..., Ruled]):
    run, rubric = ruled(firm=["hands.malformed"])
    decide(run, "one#0", "publish")

    review = judge_again(run, rubric).review

    assert review is not None
    assert (review.decided, review.outweighed, review.overruled) == (1, 1, 1)
    assert finals(run)["one#0"] is EDIT


def test_an_alarm_in_spite_of_which_people_publish_is_neither_confirmed_nor_false(ruled: Callable[..., Ruled]):
    run, rubric = ruled()
    decide(run, "one#0", "publish")

    review = judge_again(run, rubric).review

    assert review is not None
    hands = next(one for one in review.checkers if one.checker == "hands")
    assert (hands.unclear, hands.confirmed, hands.false_alarms, hands.precision) == (1, 0, 0, None)


def test_people_who_contradict_each_other_about_a_checker_are_counted_apart(ruled: Callable[..., Ruled]):
    run, rubric = ruled()
    decide(run, "one#0", "publish", "Ann", disputes=[false_alarm()])
    decide(run, "one#0", "edit", "Bob", disputes=[missed()])

    review = judge_again(run, rubric).review

    assert review is not None
    hands = next(one for one in review.checkers if one.checker == "hands")
    assert (hands.unclear, hands.confirmed, hands.false_alarms, hands.missed) == (1, 0, 0, 0)


# --- erasing ------------------------------------------------------------------------------------------


def test_the_decisions_about_an_erased_picture_stay_as_digests_and_its_notes_go(tmp_path: Path):
    run, _ = decided_run(tmp_path)
    rubric = load_rubric(str(tmp_path / "hands.yaml"))
    decide(run, "two#0", "reject", note="another note, which stays")
    entries = len(read_log(run).entries)
    assert len(read_notes(run)) == 2

    erase_picture(run, "one#1", rubric, Who("erasure-request", "Ann", "editor"))

    assert check_log(run).state == "intact"
    assert len(read_log(run).entries) == entries + 1
    assert [text for _, text in read_notes(run).values()] == ["another note, which stays"]
    for name in (LOG, NOTES, "images.jsonl", "report.json"):
        assert b"one#1" not in (run / name).read_bytes()
        assert b"a glove" not in (run / name).read_bytes()
    review = RunFolder(run).read_report().review
    assert review is not None
    assert (review.decided, review.overruled) == (5, 2)


def test_repairs_and_copies_of_an_erased_picture_go_with_it(tmp_path: Path):
    rubric = hands_rubric(tmp_path)
    run = hands_run(tmp_path, rubric)
    shutil.copytree(run, run / "repairs")
    decide(run / "repairs", "one#1", "publish")
    lines = [json.dumps({"format": "imgaudit-repair/1", "id": name}) for name in ("one#0", "one#1")]
    (run / "repairs" / "repairs.jsonl").write_text("\n".join(lines) + "\n")
    (run / REVIEW / "copies").mkdir(parents=True)
    (run / REVIEW / "copies" / "a").write_text("a thumbnail")

    erase_picture(run, "one#0", rubric, Who("erasure-request"))

    assert "one#0" not in pictures(run / "repairs")
    assert len(pictures(run / "repairs")) == 7
    assert (run / "repairs" / "repairs.jsonl").read_text() == lines[1] + "\n"
    assert not (run / REVIEW / "copies").exists()
    assert check_log(run / "repairs").state == "intact"

    erase_run(run, Who("retention"))
    assert sorted(str(path.relative_to(run)) for path in run.rglob("*")) == [LOG, "repairs", f"repairs/{LOG}"]


def test_the_decisions_stay_when_the_whole_run_is_erased(tmp_path: Path):
    run, _ = decided_run(tmp_path)
    (run / f".{NOTES}.0badc0de").write_text("a note that a crash left")

    erase_run(run, Who("retention"))

    assert [path.name for path in run.iterdir()] == [LOG]
    assert check_log(run).state == "intact"
    assert [entry.action for entry in read_log(run).entries][-2:] == ["undo", "erase"]


def test_every_line_validates_against_its_published_schema(tmp_path: Path):
    import jsonschema

    from imgaudit.cli.schema import schemas

    run, _ = decided_run(tmp_path)
    known = schemas()
    kinds = {"judge": "judgement", "undo": "undoing"}
    for line in (run / LOG).read_text().splitlines():
        value = json.loads(line)
        jsonschema.validate(value, known[kinds[value["action"]]])
    jsonschema.validate(json.loads((run / "report.json").read_text()), known["report"])
    for line in (run / "images.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(line), known["image"])
