from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from imgaudit.digest import digest, digest_bytes
from imgaudit.errors import RunError, UsageError
from imgaudit.store.decisions import (
    HEAD,
    LOG,
    NOTES,
    Answers,
    Asked,
    Facts,
    Subject,
    append,
    check_log,
    drop_notes,
    pictures_digest,
    read_log,
    read_notes,
)

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
TODAY = NOW.date()
SET, PICTURE, OTHER, MODEL = (digest(name) for name in ("set", "picture", "other", "model"))
ASKED = {"likeness": Asked("picture", 365), "platform-terms": Asked("generator", 90), "mass-output": Asked("run", 30)}


def answer(dimension: str = "likeness", said: str = "yes", **more: object) -> Facts:
    until = None if said == "no" else more.pop("until", date(2027, 11, 24))
    scope = more.pop("scope", "picture")
    note = more.pop("note", None)
    subject = Subject(pictures=SET, **more)
    facts = {"dimension": dimension, "answer": said, "scope": scope, "until": until}
    return Facts("attest", subject, "reviewed", "A. Jonas", "editor", facts, note)


def written(folder: Path, *facts: Facts, now: datetime = NOW, key: Ed25519PrivateKey | None = None) -> None:
    for fact in facts:
        append(folder, [fact], now, key)


def standing(folder: Path, as_of: date = TODAY, pictures: str = SET, generator: str = MODEL) -> Answers:
    return Answers(read_log(folder).entries, pictures, generator, as_of, ASKED)


def said(folder: Path, picture: str = PICTURE, **more: object) -> dict[str, str]:
    return {name: told.answer for name, told in standing(folder, **more).of(picture).items()}


# --- the chain -----------------------------------------------------------------------------------------


def test_each_line_is_canonical_and_names_the_digest_of_the_line_before(tmp_path: Path):
    written(tmp_path, answer(), answer("mass-output", scope="run"), answer("likeness", "no"))

    lines = (tmp_path / LOG).read_bytes().splitlines()
    values = [json.loads(line) for line in lines]

    assert [value["seq"] for value in values] == [0, 1, 2]
    assert [value["prev"] for value in values] == ["0" * 64, digest_bytes(lines[0]), digest_bytes(lines[1])]
    for line, value in zip(lines, values, strict=True):
        plain = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert line.decode() == plain  # RFC 8785 where all keys are ASCII and all numbers are small integers
    assert check_log(tmp_path).state == "intact"


def _altered(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b'"yes"', b'"n/a"'), lines[2]]


TAMPERINGS = {
    "a word altered": _altered,
    "the first line deleted": lambda lines: lines[1:],
    "a middle line deleted": lambda lines: [lines[0], lines[2]],
    "two lines swapped": lambda lines: [lines[1], lines[0], lines[2]],
    "a line repeated": lambda lines: [lines[0], lines[0], lines[1], lines[2]],
    "a space added": lambda lines: [lines[0] + b" ", lines[1], lines[2]],
    "a key added": lambda lines: [lines[0][:-1] + b',"z":1}', lines[1], lines[2]],
    "no JSON": lambda lines: [lines[0], b"\x00\xff", lines[2]],
    "another JSON": lambda lines: [b"[1,2]", lines[1], lines[2]],
    "deep JSON": lambda lines: [b"[" * 9000, lines[1], lines[2]],
    "a huge line": lambda lines: [b'"' + b"a" * (1 << 20) + b'"', lines[1], lines[2]],
    "an empty line": lambda lines: [lines[0], b"", lines[1], lines[2]],
}


@pytest.mark.parametrize("how", TAMPERINGS)
def test_any_edit_deletion_or_reorder_is_found(tmp_path: Path, how: str):
    written(tmp_path, answer(), answer("mass-output", scope="run"), answer("likeness", "no"))
    path = tmp_path / LOG

    path.write_bytes(b"".join(line + b"\n" for line in TAMPERINGS[how](path.read_bytes().splitlines())))

    assert check_log(tmp_path).state == "tampered"
    with pytest.raises(RunError, match=r"decisions\.jsonl:\d+: "):
        read_log(tmp_path)
    with pytest.raises(RunError):
        written(tmp_path, answer())


def test_a_cut_tail_is_found_with_the_signed_head_alone(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    written(tmp_path, answer(), answer("likeness", "no"), key=key)
    path = tmp_path / LOG

    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])

    assert check_log(tmp_path, key.public_key()).state == "tampered"
    with pytest.raises(RunError, match="cut off the end"):
        written(tmp_path, answer())
    (tmp_path / HEAD).unlink()
    without = check_log(tmp_path)
    assert without.state == "intact"
    assert "would not be noticed" in without.sentences[0]
    assert check_log(tmp_path, key.public_key()).state == "cannot tell"


def test_a_log_written_anew_does_not_fit_the_signed_head(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    written(tmp_path, answer("likeness", "no"), key=key)
    (tmp_path / LOG).unlink()
    (tmp_path / "other").mkdir()
    written(tmp_path / "other", answer("likeness", "yes"))
    (tmp_path / "other" / LOG).rename(tmp_path / LOG)

    assert check_log(tmp_path).state == "tampered"


def test_a_head_of_another_key_or_altered_does_not_verify(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    written(tmp_path, answer(), answer(), key=key)

    assert check_log(tmp_path, key.public_key()).state == "intact"
    assert check_log(tmp_path, Ed25519PrivateKey.generate().public_key()).state == "tampered"
    head = json.loads((tmp_path / HEAD).read_text())
    lines = (tmp_path / LOG).read_bytes().splitlines()
    (tmp_path / HEAD).write_text(json.dumps({**head, "lines": 1, "head": digest_bytes(lines[0])}))
    assert check_log(tmp_path, key.public_key()).state == "tampered"
    (tmp_path / HEAD).write_text("{")
    assert check_log(tmp_path).state == "tampered"


def test_lines_after_the_signed_head_are_said_to_be_unsigned(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    written(tmp_path, answer(), key=key)
    written(tmp_path, answer())

    check = check_log(tmp_path, key.public_key())

    assert (check.state, check.lines, check.signed_lines) == ("cannot tell", 2, 1)


def test_a_torn_last_line_is_dropped_and_a_whole_one_without_its_newline_is_kept(tmp_path: Path):
    written(tmp_path, answer(), answer("likeness", "no"))
    path = tmp_path / LOG
    whole = path.read_bytes()

    path.write_bytes(whole[:-40])
    assert len(read_log(tmp_path).entries) == 1
    assert check_log(tmp_path).state == "cannot tell"
    written(tmp_path, answer("mass-output", scope="run"))
    assert [e.dimension for e in read_log(tmp_path).entries] == ["likeness", "mass-output"]

    path.write_bytes(whole[:-1])
    written(tmp_path, answer("mass-output", scope="run"))
    assert [e.dimension for e in read_log(tmp_path).entries] == ["likeness", "likeness", "mass-output"]
    assert check_log(tmp_path).state == "intact"


def test_a_torn_line_that_was_signed_is_not_repaired_away(tmp_path: Path):
    key = Ed25519PrivateKey.generate()
    written(tmp_path, answer(), answer("likeness", "no"), key=key)
    path = tmp_path / LOG
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(RunError, match="cut off the end"):
        written(tmp_path, answer())


def test_two_processes_that_decide_at_once_make_one_chain(tmp_path: Path):
    script = (
        "import sys, json; from datetime import *; from pathlib import Path; from imgaudit.store.decisions import *\n"
        "facts = {'dimension': 'likeness', 'answer': 'yes', 'scope': 'picture', 'until': date(2027, 1, 1)}\n"
        "for _ in range(20):\n"
        "    append(Path(sys.argv[1]), [Facts('attest', Subject(pictures='a' * 64), 'reviewed', 'A', 'r', facts)],"
        " datetime.now(UTC))\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(2)]

    assert [one.wait() for one in running] == [0, 0]
    assert [entry.seq for entry in read_log(tmp_path).entries] == list(range(40))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (Facts("attest", Subject(pictures=SET), "not a code", "A", "r", answer().more), "reason"),
        (Facts("attest", Subject(pictures=SET), "reviewed", "", "r", answer().more), "by"),
        (Facts("attest", Subject(pictures=SET), "reviewed", "a" * 201, "r", answer().more), "by"),
        (Facts("attest", Subject(pictures=SET), "reviewed", "half \ud800", "r", answer().more), "UTF-8|by"),
    ],
)
def test_a_decision_that_does_not_fit_is_refused_and_nothing_is_written(tmp_path: Path, facts: Facts, message: str):
    with pytest.raises(UsageError, match=message):
        written(tmp_path, facts)
    assert read_log(tmp_path).entries == ()


# --- notes -----------------------------------------------------------------------------------------------


def test_a_note_stands_apart_from_the_log_and_can_be_erased(tmp_path: Path):
    written(tmp_path, answer(note="consent of Jane Roe, folder 7"), answer(note="another"))
    entry = read_log(tmp_path).entries[0]

    assert b"Jane" not in (tmp_path / LOG).read_bytes()
    assert (tmp_path / NOTES).stat().st_mode & 0o077 == 0
    assert read_notes(tmp_path)[entry.note][1] == "consent of Jane Roe, folder 7"
    drop_notes(tmp_path, [entry.note])
    assert b"Jane" not in (tmp_path / NOTES).read_bytes()
    assert check_log(tmp_path).state == "intact"
    drop_notes(tmp_path, [note.note for note in read_log(tmp_path).entries])
    assert not (tmp_path / NOTES).exists()


def test_an_altered_note_is_found(tmp_path: Path):
    written(tmp_path, answer(note="consent on file"))
    (tmp_path / NOTES).write_text((tmp_path / NOTES).read_text().replace("on file", "refused"))

    assert check_log(tmp_path).state == "tampered"


# --- which answers count -----------------------------------------------------------------------------------


def test_an_answer_counts_from_its_day_to_its_last(tmp_path: Path):
    written(tmp_path, answer(until=date(2026, 12, 1)))

    days = [date(2026, 11, 23), date(2026, 11, 24), date(2026, 12, 1), date(2026, 12, 2)]
    assert [said(tmp_path, as_of=day) for day in days] == [{}, {"likeness": "yes"}, {"likeness": "yes"}, {}]


def test_a_rubric_that_asks_more_often_cuts_the_validity(tmp_path: Path):
    written(tmp_path, answer("platform-terms", scope="generator", generator=MODEL))

    assert said(tmp_path, as_of=NOW.date() + timedelta(days=90)) == {"platform-terms": "yes"}
    assert said(tmp_path, as_of=NOW.date() + timedelta(days=91)) == {}


def test_a_no_does_not_lapse(tmp_path: Path):
    written(tmp_path, answer("likeness", "no"))

    assert said(tmp_path, as_of=date(2036, 1, 1)) == {"likeness": "no"}


def test_the_later_answer_counts_and_one_about_the_picture_goes_before_one_about_the_set(tmp_path: Path):
    written(tmp_path, answer("likeness", "no"), answer("likeness", "yes"))
    assert said(tmp_path) == {"likeness": "yes"}

    written(tmp_path, answer("likeness", "no", picture=PICTURE), answer("likeness", "yes"))
    assert said(tmp_path) == {"likeness": "no"}
    assert said(tmp_path, OTHER) == {"likeness": "yes"}


def test_a_lapsed_answer_about_the_picture_gives_way_to_one_about_the_set(tmp_path: Path):
    written(tmp_path, answer(picture=PICTURE, until=date(2026, 11, 30)), answer("likeness", "n/a"))

    assert said(tmp_path) == {"likeness": "yes"}
    assert said(tmp_path, as_of=date(2026, 12, 5)) == {"likeness": "n/a"}


def test_an_answer_about_other_pictures_or_another_generator_does_not_count(tmp_path: Path):
    written(tmp_path, answer(), answer("platform-terms", scope="generator", generator=MODEL))

    assert said(tmp_path, pictures=OTHER) == {"platform-terms": "yes"}
    assert said(tmp_path, generator=OTHER) == {"likeness": "yes"}


def test_a_broader_answer_does_not_satisfy_a_narrower_question(tmp_path: Path):
    written(tmp_path, answer("likeness", scope="generator", generator=MODEL), answer("mass-output", scope="picture"))

    assert said(tmp_path) == {"mass-output": "yes"}


def test_an_answer_about_a_set_holds_for_what_erasing_left_of_it(tmp_path: Path):
    smaller, smallest = digest("smaller"), digest("smallest")
    written(tmp_path, answer())
    for before, after in ((SET, smaller), (smaller, smallest)):
        subject = Subject(pictures=before, picture=OTHER)
        append(tmp_path, [Facts("erase", subject, "erasure-request", more={"after": after})], NOW)

    assert said(tmp_path, pictures=smallest) == {"likeness": "yes"}
    assert said(tmp_path, pictures=digest("unrelated")) == {}


def test_lines_tell_who_answered_in_which_role_until_when_for_how_many(tmp_path: Path):
    written(tmp_path, answer(), answer("likeness", "no", picture=PICTURE))
    answers = standing(tmp_path)
    for picture in (PICTURE, OTHER, digest("third")):
        answers.tallied(picture)

    lines = answers.lines()["likeness"]

    told = [(one.answer, one.by, one.role, one.until, one.pictures) for one in lines]
    assert sorted(told, key=str) == [
        ("no", "A. Jonas", "editor", None, 1),
        ("yes", "A. Jonas", "editor", "2027-11-24", 2),
    ]


def test_the_digest_of_a_set_does_not_depend_on_order():
    pairs = [("b", OTHER), ("a", PICTURE)]

    assert pictures_digest(pairs) == pictures_digest(pairs[::-1])
    assert pictures_digest(pairs) != pictures_digest([("b", OTHER)])
