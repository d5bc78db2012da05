"""What is recorded, by whom, and what counts."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking import Asking, Person
from stored import full_disk, plain, two_people_rubric

from imgaudit.digest import digest_file
from imgaudit.errors import RunError
from imgaudit.pipeline import judge_again
from imgaudit.review import telling
from imgaudit.review.desk import Desk, Setting
from imgaudit.review.serve import summary
from imgaudit.rubric import load_rubric
from imgaudit.signing import load_secret_key
from imgaudit.store.decisions import Facts, Subject, append, check_log, read_log
from imgaudit.store.rulings import labels_of
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import Decision


@pytest.fixture
def two(tmp_path: Path, opened: Callable[..., Asking]) -> Asking:
    """Six pictures under a rubric where two people must agree to publish."""
    rubric = two_people_rubric(tmp_path)
    return opened(plain(tmp_path / "run", rubric=load_rubric(str(rubric))), str(rubric))


# --- one person ---


def test_a_decision_is_recorded_with_everything_that_explains_it(asking: Asking):
    person = asking.person("A. Jonas", "art")
    place = asking.desk.order[0]
    row = asking.desk.rows[place]
    shown = person.picture(place)

    answer = person.decide(
        place, "publish", "false-alarm", note="the blur is meant",
        disputes=[{"checker": "quality", "says": "false alarm", "code": "quality.blur"}],
    )  # fmt: skip

    (line,) = asking.log()
    assert answer.json()["recorded"] == {"seq": 0, "decision": "publish", "reason": "false-alarm"}
    assert {name: line[name] for name in ("action", "by", "role", "before", "after", "reason")} == {
        "action": "judge", "by": "A. Jonas", "role": "art", "before": shown["picture"]["final"], "after": "publish",
        "reason": "false-alarm",
    }  # fmt: skip
    assert line["subject"]["picture"] == row.digest
    assert line["report"] == RunFolder(asking.desk.setting.run).read_report().images_digest
    assert line["disputes"] == [{"checker": "quality", "code": "quality.blur", "says": "false alarm"}]
    assert "the blur is meant" not in json.dumps(line)
    assert person.picture(place)["history"][0]["note"] == "the blur is meant"
    assert check_log(asking.desk.setting.run).state == "intact"


def test_a_decision_moves_the_final_verdict_and_never_the_checks_own(asking: Asking):
    person = asking.person()
    place = asking.desk.order[0]
    before = person.picture(place)["picture"]

    person.decide(place, "reject", "off-brand")

    after = person.picture(place)
    assert (before["machine"], before["final"]) != ("reject", "reject")
    assert after["picture"]["machine"] == before["machine"]
    assert after["picture"]["final"] == "reject"
    assert after["people"] == ["A. Jonas (editor): reject"]
    assert not after["open"]


def test_a_disagreement_becomes_a_label_for_calibration(asking: Asking):
    person = asking.person()
    alarm, silent = (next(row.place for row in asking.desk.rows if bool(row.codes) == has) for has in (True, False))

    person.decide(alarm, "publish", disputes=[{"checker": "quality", "says": "false alarm", "code": None}])
    missed = {"checker": "quality", "says": "missed", "code": "quality.dark"}
    person.decide(silent, "edit", "fix-text", disputes=[missed])

    run = asking.desk.setting.run
    labels = {label.id: label for label in labels_of(read_log(run).entries, RunFolder(run).read_images())
              if label.checker == "quality"}  # fmt: skip
    assert labels[asking.desk.rows[alarm].id].verdict == "fine"
    assert labels[asking.desk.rows[silent].id].verdict == "defect"


def test_undo_is_a_new_line_and_the_picture_is_open_again(asking: Asking):
    person = asking.person()
    place = asking.desk.order[0]
    first = person.picture(place)["picture"]["final"]
    person.decide(place, "reject", "malformed")

    answer = person.post("/api/undo", {})

    assert answer.json()["state"]["n"] == place
    assert [line["action"] for line in asking.log()] == ["judge", "undo"]
    assert asking.log()[1]["undoes"] == 0
    again = person.picture(place)
    assert again["open"]
    assert again["picture"]["final"] == first
    assert [event["stands"] for event in again["history"]] == [False, True]
    assert "took line 1 back" in again["history"][1]["text"]  # as `imgaudit log show` numbers them
    assert person.post("/api/undo", {}).status_code == 404


def test_notes_are_read_for_the_pictures_that_have_one(asking: Asking, monkeypatch: pytest.MonkeyPatch):
    person = asking.person()
    noted, other = asking.desk.order[:2]
    person.decide(noted, "reject", "malformed", note="the left hand")
    person.decide(other, "reject", "malformed")
    read: list[Path] = []
    real = telling.read_notes
    monkeypatch.setattr(telling, "read_notes", lambda run: read.append(run) or real(run))

    assert person.picture(other)["history"][0]["note"] is None
    assert read == []
    assert person.picture(noted)["history"][0]["note"] == "the left hand"
    assert len(read) == 1


def test_undo_takes_back_ones_own_last_decision_and_no_one_elses(asking: Asking):
    one, other = asking.person("A. Jonas"), asking.person("B. Okoro")
    first, second = asking.desk.order[:2]
    one.decide(first)
    other.decide(second, "reject", "unsafe")

    assert one.post("/api/undo", {}).json()["state"]["n"] == first
    refused = one.post("/api/undo", {"seq": 1})

    assert refused.status_code >= 400
    assert "only they may take it back" in refused.json()["error"]
    assert [line["action"] for line in asking.log()] == ["judge", "judge", "undo"]


def test_a_skipped_picture_comes_again_at_the_end_of_that_browsers_queue_alone(asking: Asking):
    one, other = asking.person("A. Jonas"), asking.person("B. Okoro")
    order = asking.desk.order

    answer = one.post("/api/skip", {"n": order[0]})

    assert answer.json()["next"] == order[1]
    assert one.get("/begin").headers["location"].startswith(f"/picture/{order[1]}?")
    assert other.get("/begin").headers["location"].startswith(f"/picture/{order[0]}?")
    for place in order[1:]:
        answer = one.decide(place)
    assert answer.json()["next"] == order[0]
    assert [line["action"] for line in asking.log()] == ["judge"] * 5


def test_the_queue_ends_when_everything_is_decided(asking: Asking):
    person = asking.person()
    for place in asking.desk.order:
        answer = person.decide(place)

    assert answer.json()["next"] is None
    assert person.get("/begin").headers["location"].startswith("/?")
    assert "Nothing is left for you to decide" in person.get("/").text


# --- several people ---


def test_two_browsers_that_decide_the_same_picture_are_told_of_each_other(asking: Asking):
    one, other = asking.person("A. Jonas", "editor"), asking.person("B. Okoro", "legal")
    place = asking.desk.order[0]
    seen = other.picture(place)["seen"]
    one.decide(place, "publish", "looks-right")

    answer = other.decide(place, "reject", "rights-unclear", seen=seen)

    assert answer.status_code == 409
    assert "A. Jonas (editor) decided publish (looks-right) about this picture" in answer.json()["error"]
    assert [line["by"] for line in asking.log()] == ["A. Jonas"]
    assert other.decide(place, "reject", "rights-unclear").status_code == 200  # knowing what the first decided
    assert [line["after"] for line in asking.log()] == ["publish", "reject"]


def test_a_decision_that_was_taken_back_meanwhile_is_told_as_well(asking: Asking):
    one, other = asking.person("A. Jonas"), asking.person("B. Okoro")
    place = asking.desk.order[0]
    one.decide(place)
    seen = other.picture(place)["seen"]
    one.post("/api/undo", {})

    answer = other.decide(place, seen=seen)

    assert answer.status_code == 409
    assert "took a decision back" in answer.json()["error"]


def test_what_needs_two_people_waits_in_the_queue_of_the_others(two: Asking):
    one, other = two.person("A. Jonas", "editor"), two.person("B. Okoro", "legal")
    place = two.desk.order[-1]
    assert two.desk.finals[place] is Decision.PUBLISH

    one.decide(place)

    assert one.picture(place)["picture"]["final"] == "hold"
    assert one.picture(place)["ruling"]["waiting"]
    assert not one.picture(place)["open"]
    assert other.picture(place)["open"]
    assert "second person" in json.dumps(other.picture(place)["picture"]["holds"])
    assert summary(two.desk.progress()) == "6 pictures: 0 decided, 1 waiting for another person, 5 still open"
    other.decide(place)
    assert other.picture(place)["picture"]["final"] == "publish"
    assert two.desk.progress().decided == 1


def test_one_person_under_two_spellings_is_not_two_people(two: Asking):
    one, again = two.person("A. Jonas"), two.person("a.  JONAS ")
    place = two.desk.order[-1]

    one.decide(place)
    assert not again.picture(place)["open"]
    again.decide(place)

    assert again.picture(place)["ruling"]["waiting"]


def test_where_two_disagree_it_comes_back_to_the_one_who_decided_first(two: Asking):
    one, other, third = two.person("A. Jonas"), two.person("B. Okoro"), two.person("C. Lind")
    place = two.desk.order[-1]
    one.decide(place, "publish")
    other.decide(place, "reject", "off-brand")

    assert [person.picture(place)["open"] for person in (one, other, third)] == [True, False, False]
    assert "disagree" in json.dumps(one.picture(place)["picture"]["holds"])
    assert "hands" not in one.get("/?state=waiting").text
    assert f'href="/picture/{place}?' in one.get("/?state=waiting").text
    one.decide(place, "reject", "off-brand")
    assert one.picture(place)["picture"]["final"] == "reject"


def test_one_browser_decides_for_one_person(asking: Asking):
    person = asking.person("A. Jonas")

    answer = person.post("/api/who", {"by": "B. Okoro", "role": "legal"})

    assert answer.status_code == 409
    assert "another person needs a link of their own" in answer.json()["error"]


def test_nothing_is_decided_or_shown_before_a_name_is_given(asking: Asking):
    person = Person(asking.client())
    person.post("/enter", {"token": asking.token()})
    person.csrf = next(iter(asking.door._sessions.values())).csrf

    assert person.get("/").headers["location"] == "/who"
    assert person.get("/picture/0").headers["location"] == "/who"
    refused = person.post("/api/decide", {"n": 0, "decision": "publish", "reason": "looks-right", "seen": -1})
    assert refused.status_code == 403
    assert person.get("/api/picture/0").status_code == 403


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "A\u202eB", "A\x00B", "A\u200bB", "\x1b[31mA", "A\ud800"])
def test_a_name_that_cannot_be_read_is_refused(asking: Asking, name: str):
    person = Person(asking.client())
    person.post("/enter", {"token": asking.token()})
    person.csrf = next(iter(asking.door._sessions.values())).csrf
    body = json.dumps({"by": name, "role": "editor"})
    sent = {"origin": f"http://127.0.0.1:{asking.door.port}", "x-imgaudit-csrf": person.csrf,
            "content-type": "application/json"}  # fmt: skip

    assert person.client.post("/api/who", content=body, headers=sent).status_code in (400, 422)


def test_the_terminals_link_takes_the_name_that_the_command_was_given(asking: Asking):
    asking.door.by, asking.door.role = "A. Jonas", "art"
    person = Person(asking.client())
    person.post("/enter", {"token": asking.token()})
    invited = person.get("/")

    assert invited.status_code == 200
    assert "A. Jonas" in invited.text
    other = Person(asking.client())
    other.post("/enter", {"token": asking.door.link(terminal=False).partition("#")[2]})
    assert other.get("/").headers["location"] == "/who"


# --- questions ---


def test_the_questions_are_those_that_the_rubric_asks(asking: Asking):
    asked = {one["dimension"]: one for one in asking.person().picture(0)["questions"]}
    rubric = load_rubric("publish").dimensions

    assert set(asked) == {name for name, entry in rubric.items() if entry.attestation is not None}
    assert asked["likeness"]["question"].endswith("?")


def test_an_answer_is_recorded_by_role_and_judged_at_once(asking: Asking):
    person = asking.person("B. Okoro", "legal")
    answer = person.post("/api/attest", {"n": 0, "dimension": "likeness", "answer": "no", "reason": "no-consent"})

    (line,) = asking.log()
    assert (line["action"], line["role"], line["answer"], line["scope"]) == ("attest", "legal", "no", "picture")
    assert line["subject"]["picture"] == asking.desk.rows[0].digest
    assert answer.json()["state"]["picture"]["final"] == "reject"
    assert answer.json()["state"]["questions"][0]["dimension"] != ""
    assert person.picture(1)["picture"]["final"] != "reject"


def test_an_answer_about_the_run_counts_for_every_picture(asking: Asking):
    person = asking.person("C. Lind", "release")
    person.post("/api/attest", {"n": 0, "dimension": "mass-output", "answer": "no", "reason": "policy"})

    assert set(asking.desk.finals) == {Decision.REJECT}
    assert asking.log()[0]["subject"]["picture"] is None


@pytest.mark.parametrize("dimension", ["hands", "lighting", "nothing", "../x"])
def test_what_no_person_is_asked_is_refused(asking: Asking, dimension: str):
    answer = asking.person().post(
        "/api/attest", {"n": 0, "dimension": dimension, "answer": "yes", "reason": "reviewed"}
    )

    assert answer.status_code == 404
    assert asking.log() == []


# --- nothing is lost ---


def test_a_full_disk_is_a_sentence_and_nothing_is_half_written(asking: Asking, monkeypatch: pytest.MonkeyPatch):
    person = asking.person()
    first, second = asking.desk.order[:2]
    person.decide(first)
    before = (asking.desk.setting.run / "decisions.jsonl").read_bytes()
    monkeypatch.setattr("imgaudit.store.decisions.os", full_disk())
    answer = person.decide(second)
    monkeypatch.undo()

    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["error"]
    assert (asking.desk.setting.run / "decisions.jsonl").read_bytes() == before
    assert asking.desk.ruling(asking.desk.rows[second]) is None
    assert person.decide(second).status_code == 200
    assert check_log(asking.desk.setting.run).state == "intact"


def test_a_log_that_may_not_be_written_is_a_sentence(asking: Asking, monkeypatch: pytest.MonkeyPatch):
    person = asking.person()
    real = Path.open

    def closed(self: Path, mode: str = "r", *more: Any, **facts: Any) -> Any:
        if self.name == "decisions.jsonl" and "a" in mode:
            raise PermissionError(errno.EROFS, "Read-only file system", str(self))
        return real(self, mode, *more, **facts)

    monkeypatch.setattr(Path, "open", closed)
    answer = person.decide(0)

    assert answer.status_code == 507
    assert "read-only file system" in answer.json()["error"]
    assert "nothing is lost" in answer.json()["error"]
    assert asking.desk.ruling(asking.desk.rows[0]) is None


def test_a_log_that_was_tampered_with_meanwhile_takes_nothing_more(asking: Asking):
    person = asking.person()
    first, second = asking.desk.order[:2]
    person.decide(first)
    log = asking.desk.setting.run / "decisions.jsonl"
    log.write_bytes(log.read_bytes().replace(b"looks-right", b"looks-wrong"))

    answer = person.decide(second, seen=-1)

    assert answer.status_code == 409
    assert "tampered" in answer.json()["error"]


# --- other commands at the same time ---


def test_an_answer_that_another_command_wrote_is_noticed(asking: Asking):
    from datetime import UTC, datetime

    person = asking.person()
    row = asking.desk.rows[0]
    subject = Subject(pictures=asking.desk._pictures, picture=row.digest)
    more = {"dimension": "safety", "answer": "no", "scope": "picture", "until": None}
    append(asking.desk.setting.run, [Facts("attest", subject, "unsafe", "D. Vu", "safety", more)], datetime.now(UTC))

    assert person.picture(0)["picture"]["final"] == "reject"


def test_judging_again_meanwhile_disturbs_nothing(asking: Asking):
    person = asking.person()
    judge_again(asking.desk.setting.run, load_rubric("strict"))

    assert person.decide(0).status_code == 200


def test_a_run_that_is_being_written_is_refused(run: Path):
    (run / ".work").mkdir()

    with pytest.raises(RunError, match="being written, or was interrupted"):
        Desk(Setting(run, load_rubric("publish")))


def test_a_run_that_is_not_finished_is_refused(run: Path):
    (run / "report.json").unlink()

    with pytest.raises(RunError, match="not finished"):
        Desk(Setting(run, load_rubric("publish")))


def test_a_run_that_is_written_while_it_is_reviewed_takes_no_decision(asking: Asking):
    person = asking.person()
    (asking.desk.setting.run / ".work").mkdir()

    answer = person.decide(0)

    assert answer.status_code == 409
    assert "being written" in answer.json()["error"]
    assert asking.log() == []


def test_a_run_that_got_other_pictures_meanwhile_takes_no_decision(asking: Asking, tmp_path: Path):
    person = asking.person()
    run = asking.desk.setting.run
    other = plain(tmp_path / "other", count=4)
    for name in ("renders/000000.parquet", "images.jsonl"):
        (other / name).replace(run / name)

    answer = person.decide(0)

    assert answer.status_code == 409
    assert "other pictures" in answer.json()["error"]
    assert asking.log() == []


def test_one_process_reviews_a_run_at_a_time(asking: Asking):
    with pytest.raises(RunError, match="under review already"):
        Desk(Setting(asking.desk.setting.run, load_rubric("publish")))


def test_a_review_that_cannot_begin_leaves_the_run_to_the_next(run: Path):
    lines = (run / "images.jsonl").read_bytes()
    log = run / "decisions.jsonl"
    log.write_text("no decision\n")
    with pytest.raises(RunError):
        Desk(Setting(run, load_rubric("publish")))
    log.unlink()

    desk = Desk(Setting(run, load_rubric("publish")))

    assert (run / "images.jsonl").read_bytes() == lines
    desk.close()


# --- beginning and end ---


def test_a_run_about_which_nobody_decided_begins_as_it_is(run: Path, monkeypatch: pytest.MonkeyPatch):
    def again(*_: object) -> None:
        raise AssertionError("nothing is to be judged")

    before = (run / "report.json").read_bytes()
    monkeypatch.setattr("imgaudit.review.desk.judge_again", again)
    desk = Desk(Setting(run, load_rubric("publish")))
    report = desk.finish()

    assert (run / "report.json").read_bytes() == before
    assert report.exit_code == RunFolder(run).read_report().exit_code


def test_files_that_do_not_agree_are_judged_before_the_review_begins(run: Path):
    lines = (run / "images.jsonl").read_bytes()
    (run / "images.jsonl").write_bytes(b"".join(lines.splitlines(keepends=True)[:3]))

    desk = Desk(Setting(run, load_rubric("publish")))

    assert len(desk.rows) == 6
    assert (run / "images.jsonl").read_bytes() == lines
    desk.close()


def test_another_rubric_judges_before_the_review_begins(run: Path):
    desk = Desk(Setting(run, load_rubric("strict")))

    assert RunFolder(run).read_report().rubric.name == "strict"
    assert set(desk.finals) <= {Decision.HOLD, Decision.REJECT}
    desk.close()



def test_in_the_end_the_runs_files_agree_with_the_log(run: Path):
    desk = Desk(Setting(run, load_rubric("publish")))
    asking = Asking(desk)
    person = asking.person()
    for place in desk.order[:3]:
        person.decide(place, "reject", "off-brand")
    wanted = {desk.rows[place].id: final for place, final in enumerate(desk.finals)}

    report = desk.finish()

    images = RunFolder(run).read_images()
    assert {image.id: image.verdict.final for image in images} == wanted
    assert report.images_digest == digest_file(run / "images.jsonl")
    assert report.final_counts[Decision.REJECT] == 3
    assert report.exit_code == 1


def test_what_was_decided_stands_when_the_review_begins_anew(run: Path):
    desk = Desk(Setting(run, load_rubric("publish")))
    Asking(desk).person().decide(desk.order[0], "reject", "off-brand")
    desk.finish()

    desk = Desk(Setting(run, load_rubric("publish")))
    person = Asking(desk).person("B. Okoro")

    assert desk.progress().decided == 1
    assert sum(not person.picture(place)["open"] for place in range(6)) == 1
    desk.close()


def test_with_a_key_every_decision_signs_the_head(run: Path, tmp_path: Path, opened: Callable[..., Asking]):
    from compliance.small_run import key_pair

    secret, public = key_pair(tmp_path)
    asking = opened(run, key=load_secret_key(secret))
    person = asking.person()
    person.decide(0)
    person.decide(1)

    from imgaudit.signing import load_public_key

    checked = check_log(run, load_public_key(public))
    assert (checked.state, checked.signed_lines) == ("intact", 2)
