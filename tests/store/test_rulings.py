"""Decisions about pictures: what a line must hold, which of them count, and what they say of the checkers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from imgaudit.digest import digest, digest_bytes
from imgaudit.errors import RunError, UsageError
from imgaudit.store.decisions import HEAD, LOG, Facts, Judged, Subject, Undone, append, check_log, line_of, read_log
from imgaudit.store.rulings import Rulings, alarms_of, labels_of, opinions_of
from imgaudit.types import Decision, Finding, ImageRecord, Reason, Ruling, Source, Verdict

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SET, PICTURE, OTHER, REPORT = (digest(name) for name in ("set", "picture", "other", "report"))
PUBLISH, EDIT, HOLD, REJECT = Decision.PUBLISH, Decision.EDIT, Decision.HOLD, Decision.REJECT
TWO = frozenset({PUBLISH})


def judged(after: str = "publish", by: str = "Ann", picture: str = PICTURE, **more: Any) -> Facts:
    facts = {"before": "edit", "after": after, "report": REPORT, **more}
    note, reason = facts.pop("note", None), facts.pop("reason", "looks-right")
    return Facts("judge", Subject(pictures=SET, picture=picture), reason, by, facts.pop("role", "editor"), facts, note)


def undone(seq: int, by: str = "Ann", picture: str = PICTURE) -> Facts:
    return Facts("undo", Subject(pictures=SET, picture=picture), "mistaken", by, "editor", {"undoes": seq})


def rulings(folder: Path, *facts: Facts, two_people: frozenset[Decision] = frozenset()) -> Rulings:
    for fact in facts:
        append(folder, [fact], NOW)
    return Rulings(read_log(folder).entries, two_people)


def ruling(folder: Path, *facts: Facts, two_people: frozenset[Decision] = frozenset()) -> Ruling | None:
    return rulings(folder, *facts, two_people=two_people).of(PICTURE)


# --- lines -----------------------------------------------------------------------------------------------


def test_a_line_holds_who_decided_what_about_which_picture_before_and_after_and_why(tmp_path: Path):
    dispute = {"checker": "hands", "says": "false alarm", "code": None}
    rulings(tmp_path, judged(disputes=[dispute], note="a glove"), undone(0))

    first, second = map(json.loads, (tmp_path / LOG).read_bytes().splitlines())

    assert first == {
        "format": "imgaudit-decision/1", "seq": 0, "prev": "0" * 64, "at": "2026-11-24T09:30:00Z", "action": "judge",
        "subject": {"pictures": SET, "picture": PICTURE, "generator": None}, "before": "edit", "after": "publish",
        "by": "Ann", "role": "editor", "reason": "looks-right", "report": REPORT, "disputes": [dispute],
        "note": first["note"],
    }  # fmt: skip
    assert (second["action"], second["undoes"], second["by"]) == ("undo", 0, "Ann")
    assert second["prev"] == digest_bytes((tmp_path / LOG).read_bytes().splitlines()[0])


@pytest.mark.parametrize(
    "fact",
    [
        judged("hold"),
        judged("skip"),
        judged(before="unknown"),
        judged(report="0"),
        judged(reason="<script>"),
        judged(by=""),
        judged(role="x" * 201),
        judged(disputes=[{"checker": "hands", "says": "so what", "code": None}]),
        judged(disputes=[{"checker": "../hands", "says": "missed", "code": None}]),
        judged(disputes=[{"checker": "hands", "says": "missed", "code": "c" * 201}]),
        judged(disputes=[{"checker": "hands", "says": "missed", "code": None}] * 51),
        judged(seq=7, z=1),
        judged(verdict="publish"),
        Facts("judge", Subject(pictures=SET), "looks-right", "Ann", "editor", judged().more),
        Facts("undo", Subject(pictures=SET, picture=PICTURE), "mistaken", "Ann", "editor", {"undoes": -1}),
    ],
)
def test_a_decision_that_does_not_fit_writes_nothing(tmp_path: Path, fact: Facts):
    with pytest.raises(UsageError):
        append(tmp_path, [judged(), fact], NOW)
    assert read_log(tmp_path).entries == ()


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ((undone(0),), "no decision about this picture"),
        ((judged(), undone(5)), "no decision about this picture"),
        ((judged(), undone(0, picture=OTHER)), "no decision about this picture"),
        ((judged(), undone(0, by="Bob")), "Ann decided it, and only they may take it back"),
        ((judged(), undone(0), undone(0)), "undone already"),
        ((judged(), undone(0), undone(1)), "no decision about this picture"),
    ],
)
def test_only_a_standing_decision_of_ones_own_can_be_undone(tmp_path: Path, facts: Sequence[Facts], why: str):
    *before, last = facts
    rulings(tmp_path, *before)

    with pytest.raises(UsageError, match=why):
        append(tmp_path, [last], NOW)
    assert len(read_log(tmp_path).entries) == len(before)


def test_a_decision_and_its_undoing_may_be_written_at_once(tmp_path: Path):
    append(tmp_path, [judged(), undone(0)], NOW)

    assert ruling(tmp_path) is None


# --- tampering -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ed25519PrivateKey]:
    folder, key = tmp_path_factory.mktemp("signed"), Ed25519PrivateKey.generate()
    dispute = {"checker": "hands", "says": "missed", "code": "hands.malformed"}
    for fact in (judged(), judged("edit", "Bob", disputes=[dispute]), undone(0), judged("reject")):
        append(folder, [fact], NOW, key)
    return folder, key


def _state(signed: tuple[Path, Ed25519PrivateKey], folder: Path, data: bytes) -> str:
    source, key = signed
    (folder / LOG).write_bytes(data)
    (folder / HEAD).write_bytes((source / HEAD).read_bytes())
    return check_log(folder, key.public_key()).state


def test_every_byte_that_is_changed_is_found(tmp_path: Path):
    dispute = {"checker": "hands", "says": "missed", "code": "hands.malformed"}
    append(tmp_path, [judged(disputes=[dispute]), undone(0)], NOW, Ed25519PrivateKey.generate())
    data = (tmp_path / LOG).read_bytes()
    assert check_log(tmp_path).state == "intact"

    for place in range(len(data) - 1):
        (tmp_path / LOG).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        assert check_log(tmp_path).state == "tampered", place
    # without its newline the last line is unfinished, which a write that was cut off leaves as well
    (tmp_path / LOG).write_bytes(data[:-1] + b"\x0b")
    assert check_log(tmp_path).state == "tampered"


def test_every_deletion_repetition_and_change_of_order_is_found(
    signed: tuple[Path, Ed25519PrivateKey], tmp_path: Path
):
    lines = (signed[0] / LOG).read_bytes().splitlines(keepends=True)
    orders = [[*lines[:i], *lines[i + 1 :]] for i in range(len(lines))]
    orders += [[*lines[:i], lines[i], *lines[i:]] for i in range(len(lines))]
    orders += [[lines[j] for j in order] for order in ([1, 0, 2, 3], [0, 2, 1, 3], [0, 1, 3, 2], [3, 2, 1, 0])]

    for order in orders:
        assert _state(signed, tmp_path, b"".join(order)) == "tampered"


def test_a_decision_that_was_forged_with_a_chain_of_its_own_does_not_fit_the_signed_head(
    signed: tuple[Path, Ed25519PrivateKey], tmp_path: Path
):
    entries = list(read_log(signed[0]).entries)
    first = entries[0]
    assert isinstance(first, Judged)
    entries[0] = first.model_copy(update={"after": REJECT})
    forged, head = [], "0" * 64
    for entry in entries:
        line = line_of(entry.model_copy(update={"prev": head}))
        forged.append(line + b"\n")
        head = digest_bytes(line)

    assert _state(signed, tmp_path, b"".join(forged)) == "tampered"
    (tmp_path / HEAD).unlink()
    alone = check_log(tmp_path)
    assert alone.state == "intact"
    assert "was never signed" in alone.sentences[0]


def test_a_broken_log_counts_for_nothing(signed: tuple[Path, Ed25519PrivateKey], tmp_path: Path):
    (tmp_path / LOG).write_bytes((signed[0] / LOG).read_bytes().replace(b'"edit"', b'"hold"', 1))

    with pytest.raises(RunError, match="tampered"):
        rulings(tmp_path)


# --- one person is enough ------------------------------------------------------------------------------------


def test_the_last_decision_of_anyone_counts(tmp_path: Path):
    told = ruling(tmp_path, judged("publish", "Ann"), judged("reject", "Bob"))

    assert told is not None
    assert (told.decision, told.by, told.waiting, told.given) == (REJECT, ("Bob",), False, "2026-11-24")


def test_those_who_decided_the_same_are_named_together(tmp_path: Path):
    told = ruling(tmp_path, judged("edit", "Ann"), judged("publish", "Bob"), judged("edit", "Cem", role="lawyer"))

    assert told is not None
    assert (told.by, told.role, told.said) == (("Ann", "Cem"), ("editor", "lawyer"), (EDIT, EDIT))


def test_a_decision_is_about_one_picture_alone(tmp_path: Path):
    assert rulings(tmp_path, judged()).of(OTHER) is None


def test_an_undone_decision_gives_way_to_the_one_before_it(tmp_path: Path):
    assert ruling(tmp_path, judged("publish"), judged("reject")).decision is REJECT
    assert ruling(tmp_path, undone(1)).decision is PUBLISH
    assert ruling(tmp_path, undone(0)) is None
    assert ruling(tmp_path, judged("edit")).decision is EDIT
    assert len(read_log(tmp_path).entries) == 5


def test_decisions_count_up_to_the_day_that_is_asked_for(tmp_path: Path):
    append(tmp_path, [judged("publish")], NOW)
    append(tmp_path, [judged("reject")], NOW + timedelta(days=2))
    append(tmp_path, [undone(1)], NOW + timedelta(days=4))
    entries = read_log(tmp_path).entries

    days = [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 26), date(2026, 11, 28)]
    told = [Rulings(entries, as_of=day).of(PICTURE) for day in days]
    assert [one.decision if one else None for one in told] == [None, PUBLISH, REJECT, PUBLISH]


def test_an_undoing_that_came_past_the_log_takes_nothing_of_others_back(tmp_path: Path):
    rulings(tmp_path, judged("reject", "Ann"))
    entries = read_log(tmp_path).entries
    line = {"seq": 1, "prev": "1" * 64, "at": NOW, "role": "editor", "reason": "mistaken", "undoes": 0}
    of_another = Undone.model_validate({**line, "by": "Bob", "subject": {"pictures": SET, "picture": PICTURE}})
    elsewhere = Undone.model_validate({**line, "by": "Ann", "subject": {"pictures": SET, "picture": OTHER}})

    for forged in (of_another, elsewhere):
        assert Rulings([*entries, forged]).of(PICTURE).decision is REJECT


def test_taking_one_more_line_is_the_same_as_reading_all(tmp_path: Path):
    append(tmp_path, [judged("edit"), judged("publish", "Bob"), undone(0), judged("reject")], NOW)
    entries = read_log(tmp_path).entries
    taken = Rulings(two_people=TWO)
    for number, entry in enumerate(entries, start=1):
        taken.take(entry)
        assert taken.of(PICTURE) == Rulings(entries[:number], TWO).of(PICTURE)


# --- two people are needed -------------------------------------------------------------------------------------


def test_one_person_alone_cannot_give_a_verdict_that_needs_two(tmp_path: Path):
    told = ruling(tmp_path, judged("publish"), two_people=TWO)

    assert told is not None
    assert (told.decision, told.waiting, told.by, told.said) == (HOLD, True, ("Ann",), (PUBLISH,))


@pytest.mark.parametrize("name", ["Ann", "ann", " ANN ", "Ａｎｎ", "Ann\t"])
def test_the_same_person_twice_is_one_person_however_the_name_is_written(tmp_path: Path, name: str):
    told = ruling(tmp_path, judged("publish"), judged("publish", name), two_people=TWO)

    assert told is not None
    assert told.waiting


def test_two_people_who_decide_the_same_are_enough(tmp_path: Path):
    told = ruling(tmp_path, judged("publish"), judged("publish", "Bob", role="lawyer"), two_people=TWO)

    assert told is not None
    assert (told.decision, told.waiting) == (PUBLISH, False)
    assert (told.by, told.role) == (("Ann", "Bob"), ("editor", "lawyer"))


@pytest.mark.parametrize("first", ["publish", "reject"])
def test_two_people_who_disagree_about_a_verdict_that_needs_two_hold_the_picture(tmp_path: Path, first: str):
    second = "reject" if first == "publish" else "publish"
    told = ruling(tmp_path, judged(first, "Ann"), judged(second, "Bob"), two_people=TWO)

    assert told is not None
    assert (told.decision, told.waiting, told.by) == (HOLD, True, ("Ann", "Bob"))


def test_a_third_person_does_not_outvote_one_who_disagrees(tmp_path: Path):
    three = [judged("publish", "Ann"), judged("reject", "Bob"), judged("publish", "Cem")]

    assert ruling(tmp_path, *three, two_people=TWO).decision is HOLD
    assert ruling(tmp_path, judged("publish", "Bob"), two_people=TWO).decision is PUBLISH


def test_a_verdict_that_is_not_listed_needs_one_person(tmp_path: Path):
    assert ruling(tmp_path, judged("reject"), two_people=TWO).decision is REJECT


def test_undoing_one_of_two_makes_the_picture_wait_again(tmp_path: Path):
    told = ruling(tmp_path, judged("publish"), judged("publish", "Bob"), undone(1, "Bob"), two_people=TWO)

    assert told is not None
    assert (told.decision, told.by) == (HOLD, ("Ann",))


# --- what decisions say of the checkers ----------------------------------------------------------------------------


def image(fired: Mapping[str, str], quiet: Sequence[str] = (), untold: Sequence[str] = ()) -> ImageRecord:
    """A picture with one measured checker a code that fired, others that were quiet, and some that could not tell."""
    names = [*dict.fromkeys(code.partition(".")[0] for code in fired), *quiet]
    found = [Finding(checker=name, version="1", outcome="measured", measures={"defect": 0.7}) for name in names]
    found += [Finding(checker=name, version="1", outcome="abstained", reason="too small") for name in untold]
    reasons = {kind: tuple(Reason(code=code, rule=code, message="m") for code, then in fired.items() if then == kind)
               for kind in ("reasons", "holds", "notes")}  # fmt: skip
    nobody = Reason(code="attestation.likeness", rule="attest-likeness", message="Nobody answered")
    verdict = Verdict(machine=EDIT, final=EDIT, **{**reasons, "holds": (*reasons["holds"], nobody)})
    return ImageRecord(id="one#0", path="pictures/one.png", pixels=PICTURE, file=OTHER, width=8, height=8, prompt=None,
                       case="one", seed=0, source=Source(), verdict=verdict, findings=tuple(found))  # fmt: skip


def says(checker: str, what: str, code: str | None = None) -> dict[str, str | None]:
    return {"checker": checker, "says": what, "code": code}


def opinions(folder: Path, record: ImageRecord, *facts: Facts) -> dict[str, tuple[bool, bool, bool]]:
    told = opinions_of(rulings(folder, *facts).standing(PICTURE), record)
    return {one.checker: (one.alarm, one.defect, one.presumed) for one in told}


def test_alarms_are_those_of_rules_over_measured_checkers_notes_included():
    record = image({"hands.malformed": "reasons", "text.gibberish": "notes"}, quiet=["faces"], untold=["objects"])

    assert alarms_of(record) == {
        "hands": {"hands.malformed"}, "text": {"text.gibberish"}, "faces": frozenset(),
    }  # fmt: skip


def test_who_decides_and_disputes_nothing_is_presumed_to_agree(tmp_path: Path):
    record = image({"hands.malformed": "reasons"}, quiet=["faces"])

    assert opinions(tmp_path, record, judged("reject")) == {
        "hands": (True, True, True), "faces": (False, False, True),
    }  # fmt: skip


def test_a_false_alarm_and_a_missed_fault_are_said_and_not_presumed(tmp_path: Path):
    record = image({"hands.malformed": "reasons"}, quiet=["faces"])
    disputes = [says("hands", "false alarm"), says("faces", "missed")]

    assert opinions(tmp_path, record, judged(disputes=disputes)) == {
        "hands": (True, False, False), "faces": (False, True, False),
    }  # fmt: skip


def test_a_dispute_of_one_code_leaves_the_other_alarm_standing(tmp_path: Path):
    record = image({"text.misspelt": "reasons", "text.duplicated": "reasons"})
    one, both = says("text", "false alarm", "text.misspelt"), says("text", "false alarm", "text.duplicated")

    assert opinions(tmp_path, record, judged("edit", disputes=[one])) == {"text": (True, True, True)}
    assert opinions(tmp_path, record, judged(disputes=[one, both])) == {"text": (True, False, False)}


def test_a_person_who_says_something_counts_before_those_who_say_nothing(tmp_path: Path):
    record = image({"hands.malformed": "reasons"})

    told = opinions(tmp_path, record, judged(by="Ann"), judged(by="Bob", disputes=[says("hands", "false alarm")]))
    assert told == {"hands": (True, False, False)}


def test_people_who_contradict_each_other_about_a_checker_say_nothing_of_it(tmp_path: Path):
    record = image({"hands.malformed": "reasons"})
    ann = judged(by="Ann", disputes=[says("hands", "false alarm")])
    bob = judged(by="Bob", disputes=[says("hands", "missed")])

    assert opinions(tmp_path, record, ann, bob) == {}


def test_what_was_undone_says_nothing(tmp_path: Path):
    record = image({"hands.malformed": "reasons"})

    assert opinions(tmp_path, record, judged(disputes=[says("hands", "false alarm")]), undone(0)) == {}
    assert opinions(tmp_path, record, judged("edit")) == {"hands": (True, True, True)}


def test_who_publishes_in_spite_of_an_alarm_and_does_not_call_it_false_says_nothing_of_it(tmp_path: Path):
    record = image({"hands.malformed": "reasons", "text.gibberish": "notes"})

    assert opinions(tmp_path, record, judged("publish")) == {"text": (True, True, True)}
    assert opinions(tmp_path, record, judged("edit", "Bob"))["hands"] == (True, True, True)


def test_labels_name_picture_checker_verdict_people_and_measures(tmp_path: Path):
    record = image({"hands.malformed": "reasons"}, quiet=["faces"], untold=["objects"])
    unjudged = record.model_copy(update={"id": "two#0", "pixels": OTHER})
    rulings(tmp_path, judged(by="Ann", disputes=[says("hands", "false alarm")]), judged(by="Bob"))

    labels = list(labels_of(read_log(tmp_path).entries, [record, unjudged]))

    assert [(one.id, one.checker, one.verdict, one.by, one.presumed) for one in labels] == [
        ("one#0", "hands", "fine", "Ann", False),
        ("one#0", "faces", "fine", "Ann; Bob", True),
    ]
    assert labels[0].measures == {"defect": 0.7}
    assert (labels[0].path, labels[0].pixels) == ("pictures/one.png", PICTURE)
