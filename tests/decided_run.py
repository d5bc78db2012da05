"""A run that people decided about: hands that a rule calls malformed, quiet ones, some that could not be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from made_runs import Made, make_run

from imgaudit.pipeline import judge_again, set_digest
from imgaudit.record import Report
from imgaudit.rubric import Rubric, load_rubric
from imgaudit.store.decisions import Facts, Subject, append, picture_digest
from imgaudit.store.runfolder import RunFolder
from imgaudit.types import ImageRecord

RUBRICS = Path(__file__).parent.parent / "rubrics"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
SCORES = {"one": (0.9, 0.8, 0.1, None), "two": (0.7, 0.2, 0.1, 0.6)}


def hands_rubric(folder: Path, review: Mapping[str, Any] | None = None, then: str = "edit") -> Rubric:
    """The rubric `draft`, in which a malformed hand is an edit, with a section about review."""
    value = yaml.safe_load((RUBRICS / "draft.yaml").read_text())
    value["name"] = "hands"
    rule = value["dimensions"]["hands"]["rules"][0]
    rule["then"] = then
    if then == "edit":
        rule["fix"] = {"method": "inpaint", "instruction": "Redraw the {label}."}
    if review is not None:
        value["review"] = {"because": "as this test wants it", **review}
    path = folder / "hands.yaml"
    path.write_text(yaml.safe_dump(value, sort_keys=False))
    return load_rubric(str(path))


def hands_run(folder: Path, rubric: Rubric) -> Path:
    """Eight pictures; machine verdicts: edit, edit, publish, publish and edit, publish, publish, edit."""
    run = make_run(folder / "run", SCORES, Made(measure="hands.defect"))
    judge_again(run, rubric)
    return run


def pictures(run: Path) -> dict[str, ImageRecord]:
    """The records of a run by id."""
    return {image.id: image for image in RunFolder(run).read_images()}


def decide(run: Path, name: str, after: str, by: str = "Ann", **more: Any) -> int:
    """Record a decision as the review page does; its number."""
    image = pictures(run)[name]
    folder = RunFolder(run)
    subject = Subject(pictures=set_digest(folder), picture=picture_digest(image.pixels, image.file))
    facts = {"before": str(image.verdict.final), "after": after, "report": folder.read_report().images_digest,
             "disputes": more.get("disputes", [])}  # fmt: skip
    fact = Facts("judge", subject, more.get("reason", "looked-at"), by, more.get("role", "editor"), facts,
                 more.get("note"))  # fmt: skip
    return append(run, [fact], more.get("now", NOW), more.get("key"))[0].seq


def undo(run: Path, name: str, seq: int, by: str = "Ann") -> None:
    """Take a decision back."""
    image = pictures(run)[name]
    subject = Subject(pictures=set_digest(RunFolder(run)), picture=picture_digest(image.pixels, image.file))
    append(run, [Facts("undo", subject, "mistaken", by, "editor", {"undoes": seq})], NOW)


def false_alarm(checker: str = "hands") -> dict[str, Any]:
    """A person says that an alarm is none."""
    return {"checker": checker, "says": "false alarm", "code": None}


def missed(checker: str = "hands") -> dict[str, Any]:
    """A person says that a checker missed a fault."""
    return {"checker": checker, "says": "missed", "code": None}


def decided_run(folder: Path, review: Mapping[str, Any] | None = None) -> tuple[Path, Report]:
    """The run with decisions of three people about six of its pictures, judged again; and its report."""
    rubric = hands_rubric(folder, review)
    run = hands_run(folder, rubric)
    decide(run, "one#0", "edit")
    decide(run, "one#1", "publish", disputes=[false_alarm()], note="a glove, and it is meant")
    decide(run, "one#2", "reject", disputes=[missed()], role="art director")
    decide(run, "one#3", "publish")
    decide(run, "two#0", "reject", "Bob", role="lawyer")
    decide(run, "two#1", "publish")
    decide(run, "one#0", "edit", "Bob", role="lawyer")
    decide(run, "two#1", "publish", "Bob", role="lawyer")
    decide(run, "two#0", "edit", "Cem")
    mistake = decide(run, "two#2", "reject", "Cem")
    undo(run, "two#2", mistake, "Cem")
    return run, judge_again(run, rubric)
