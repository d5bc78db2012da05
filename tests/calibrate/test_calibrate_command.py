"""`imgaudit calibrate`: labels of many kinds, joined with runs; what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from decided_run import decide, false_alarm, hands_rubric, missed
from labelled import calibrate, ids, labelled_csv, scored, scored_run, write_csv

from imgaudit.calibration.fitted import Calibration, load_calibration
from imgaudit.cli import run as command
from imgaudit.kernels.calibration import alarm_balanced, auroc
from imgaudit.pipeline import judge_again
from imgaudit.store.runfolder import RunFolder


def made(out: Path, *words: object) -> Calibration:
    assert calibrate(*words, "--out", out) == 0
    return load_calibration(out)


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert calibrate(*words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    assert "something unexpected" not in told.err
    return told.err


# --- fitting ------------------------------------------------------------------------------------


def test_a_csv_alone_is_fitted_and_its_figures_are_the_kernels(tmp_path: Path) -> None:
    scores, fault = scored(150)
    csv = labelled_csv(tmp_path / "labels.csv", scores, fault)
    found = made(tmp_path / "out.json", csv, "--measure", "hands.defect")

    assert found.quality.auroc is not None
    assert found.quality.auroc.value == pytest.approx(auroc(scores, fault), abs=1e-6)
    assert found.counts == {"rows": 150, "used": 150, "yes": int(fault.sum()), "no": int((~fault).sum())}
    assert found.quality.brier is not None
    assert found.quality.brier < (found.quality.brier_of_share or 0)
    balanced = found.thresholds[-1]
    assert balanced.value == pytest.approx(alarm_balanced(scores, fault))
    assert balanced.condition == f"hands.defect >= {balanced.value:.6f}".rstrip("0")
    assert [found.value(x) for x in (0.0, 0.5, 1.0)] == sorted(found.value(x) for x in (0.0, 0.5, 1.0))
    assert found.sources[0].name == "labels.csv"
    assert str(tmp_path) not in (tmp_path / "out.json").read_text()


def test_labels_are_joined_with_runs_by_any_of_a_pictures_names(tmp_path: Path) -> None:
    scores, fault = scored(60)
    run = scored_run(tmp_path / "run", scores.tolist(), seeds=2)
    records = list(RunFolder(run).read_images())
    said = dict(zip(ids(run), fault, strict=True))
    label = {record.id: "yes" if said[record.id] else "no" for record in records}
    columns = {
        "id": [record.id for record in records],
        "path": [record.path for record in records],
        "file": [record.path.partition("/")[2] for record in records],
        "pixels": [record.pixels for record in records],
    }
    found = []
    for name, values in columns.items():
        rows = [(value, label[record.id]) for value, record in zip(values, records, strict=True)]
        csv = write_csv(tmp_path / f"{name}.csv", (name, "label"), rows)
        found.append(made(tmp_path / f"{name}.json", csv, run, "--measure", "hands.defect"))

    assert {one.quality.auroc.value for one in found if one.quality.auroc} == {round(auroc(scores, fault), 6)}
    assert {one.checker_version for one in found} == {"1"}
    assert any("share a prompt" in limit for limit in found[0].limits)
    assert [origin.kind for origin in found[0].sources] == ["labels", "run"]


def test_what_the_check_could_not_tell_is_counted_and_in_no_figure(tmp_path: Path) -> None:
    scores, fault = scored(60)
    told: list[float | None] = [None if index < 7 else float(score) for index, score in enumerate(scores)]
    run = scored_run(tmp_path / "run", told)
    csv = write_csv(tmp_path / "l.csv", ("id", "label"), zip(ids(run), fault, strict=True))
    found = made(tmp_path / "c.json", csv, run, "--measure", "hands.defect")

    assert (found.counts["untold"], found.counts["used"]) == (7, 53)
    assert found.quality.auroc is not None
    assert found.quality.auroc.value == pytest.approx(auroc(scores[7:], fault[7:]), abs=1e-6)


def test_a_measure_that_is_better_up_alarms_below_a_threshold(tmp_path: Path) -> None:
    scores, fine = scored(150, share=0.6)
    csv = labelled_csv(tmp_path / "l.csv", scores, fine, "adherence.match")
    found = made(tmp_path / "c.json", csv, "--measure", "adherence.match")

    assert all(one.condition.startswith("adherence.match <= ") for one in found.thresholds)
    threshold = found.thresholds[0]
    assert (scores[fine] <= threshold.value).mean() <= 0.05
    assert found.value(1.0) > found.value(0.0)


def test_yes_may_mark_what_is_low(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores, fault = scored(120)
    csv = labelled_csv(tmp_path / "l.csv", scores, ~fault)

    assert "--yes low" in refused(capsys, csv, "--measure", "hands.defect")
    turned = made(tmp_path / "c.json", csv, "--measure", "hands.defect", "--yes", "low")
    straight = made(tmp_path / "d.json", labelled_csv(tmp_path / "m.csv", scores, fault), "--measure", "hands.defect")
    assert turned.knots == straight.knots
    assert turned.logistic == straight.logistic
    assert turned.thresholds == straight.thresholds
    assert turned.about == "probability that people label it no"


def test_peoples_scores_are_mapped_in_their_own_unit(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    scores = generator.uniform(size=200).round(6)
    rated = np.clip(np.round(1 + 4 * scores + generator.normal(0, 0.6, 200)), 1, 5)
    rows = [(f"{i}.png", rated[i], scores[i], f"prompt {i // 4}") for i in range(200)]
    csv = write_csv(tmp_path / "l.csv", ("file", "rating", "questions.vqascore", "prompt"), rows)
    found = made(tmp_path / "c.json", csv, "--measure", "questions.vqascore")

    assert (found.gives, found.method, found.thresholds) == ("score", "isotonic", ())
    assert 1 <= found.value(0.0) < 2
    assert 4 < found.value(1.0) <= 5
    assert found.quality.spearman is not None
    assert found.quality.spearman.value > 0.8
    assert found.quality.pairwise is not None
    assert found.quality.pairs_within == "one prompt"
    assert found.quality.absolute_error is not None
    assert found.quality.absolute_error < (found.quality.absolute_error_of_mean or 0) / 2
    classes = made(tmp_path / "d.json", csv, "--measure", "questions.vqascore", "--yes-from", 4)
    assert classes.counts["yes"] == int((rated >= 4).sum())
    assert classes.about == "probability that people give it a score of 4 or more"


def test_scores_that_look_like_classes_keep_their_rows(tmp_path: Path) -> None:
    """0 and 1 among other numbers are numbers."""
    from imgaudit.calibrate.labels import read_labels

    csv = write_csv(tmp_path / "l.csv", ("id", "score"), [("a", 3), ("b", 1), ("c", 0), ("d", 2), ("e", "?"), ("f", 1)])
    labels = read_labels(csv, "hands.defect")

    assert labels.kind == "scores"
    assert [(row.names["id"], row.said) for row in labels.rows] == [("a", 3), ("b", 1), ("c", 0), ("d", 2), ("f", 1)]


def test_several_people_are_heard_together(tmp_path: Path) -> None:
    scores, fault = scored(80)
    rows = []
    for index, (score, bad) in enumerate(zip(scores, fault, strict=True)):
        for rater in ("Ann", "Bob", "Cem"):
            wrong = rater == "Cem" and index % 5 == 0
            rows.append((f"{index}.png", rater, "yes" if bad != wrong else "no", score))
    rows += [("even.png", "Ann", "yes", 0.5), ("even.png", "Bob", "no", 0.5), ("odd.png", "Ann", "unsure", 0.5)]
    csv = write_csv(tmp_path / "l.csv", ("file", "rater", "label", "hands.defect"), rows)
    found = made(tmp_path / "c.json", csv, "--measure", "hands.defect")

    assert (found.counts["used"], found.counts["divided"], found.counts["unsure"]) == (80, 1, 1)
    assert found.quality.auroc is not None
    assert found.quality.auroc.value == pytest.approx(auroc(scores, fault), abs=1e-6)
    assert found.quality.raters is not None
    assert 0.5 < found.quality.raters.value < 0.95


def test_an_unbounded_score_becomes_a_percentile_without_any_label(tmp_path: Path) -> None:
    scores = np.random.default_rng(2).normal(5, 2, 300).round(6)
    run = scored_run(tmp_path / "run", scores.tolist(), measure="aesthetics.score")
    found = made(tmp_path / "c.json", run, "--measure", "aesthetics.score", "--map", "percentile")

    assert (found.gives, found.counts) == ("percentile", {"used": 300})
    for value in (scores.min(), float(np.median(scores)), scores.max(), -100.0, 100.0):
        assert found.value(value) == pytest.approx(((scores < value).mean() + (scores <= value).mean()) / 2, abs=0.012)
    csv = write_csv(tmp_path / "s.csv", ("file", "mine"), [(f"{i}.png", score) for i, score in enumerate(scores)])
    words = (csv, "--measure", "aesthetics.score", "--map", "percentile", "--score", "mine")
    assert made(tmp_path / "d.json", *words).knots == found.knots


def test_it_prints_its_figures_or_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores, fault = scored(100)
    csv = labelled_csv(tmp_path / "l.csv", scores, fault)

    assert calibrate(csv, "--measure", "hands.defect") == 0
    text = capsys.readouterr().out
    for words in ("AUROC 0.", "Brier score", "for at most 0.05 of false alarms: hands.defect >= ", "misses 0."):
        assert words in text
    assert calibrate(csv, "--measure", "hands.defect", "--json") == 0
    assert Calibration.model_validate(json.loads(capsys.readouterr().out)).counts["used"] == 100


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    scores, fault = scored(90)
    names = [f"p{index}.png" for index in range(90)]
    order = np.random.default_rng(3).permutation(90)
    files = []
    for title, chosen in (("a", range(90)), ("b", order)):
        rows = [(names[i], "yes" if fault[i] else "no", scores[i]) for i in chosen]
        csv = write_csv(tmp_path / f"{title}.csv", ("file", "label", "hands.defect"), rows)
        files.append(made(tmp_path / f"{title}.json", csv, "--measure", "hands.defect"))

    same = [one.model_copy(update={"sources": ()}) for one in files]
    assert same[0] == same[1]


def test_a_measure_that_tells_nothing_is_said_to(tmp_path: Path) -> None:
    _, fault = scored(120, seed=1)
    noise = np.random.default_rng(4).uniform(size=120).round(6)
    nothing = made(tmp_path / "c.json", labelled_csv(tmp_path / "l.csv", noise, fault), "--measure", "hands.defect")
    good = made(tmp_path / "d.json", labelled_csv(tmp_path / "m.csv", *scored(120)), "--measure", "hands.defect")

    assert "next to nothing" in nothing.limits[0]
    assert not any("next to nothing" in limit for limit in good.limits)
    assert len(nothing.reliability) <= 8


def test_a_rare_false_alarm_needs_many_faultless_pictures(tmp_path: Path) -> None:
    scores, fault = scored(60)
    csv = labelled_csv(tmp_path / "l.csv", scores, fault)
    found = made(tmp_path / "c.json", csv, "--measure", "hands.defect", "--false-alarms", 0.01)

    assert [one.aim for one in found.thresholds] == ["balanced"]
    assert "it takes more than 99" in found.unsuggested["false alarms"]


# --- review, export, calibrate ------------------------------------------------------------------


def test_what_people_decided_in_a_review_calibrates_the_check(tmp_path: Path) -> None:
    """Decisions are logged, exported as labels, and fitted; a rubric then judges by the file that was written."""
    scores, fault = scored(64, seed=5, apart=3.0)
    rubric = hands_rubric(tmp_path)
    run = scored_run(tmp_path / "run", scores.tolist())
    judge_again(run, rubric)
    for name, score, bad in zip(ids(run), scores, fault, strict=True):
        alarm = score >= 0.5
        wrong = [] if alarm == bad else [missed() if bad else false_alarm()]
        decide(run, name, "edit" if bad else "publish", disputes=wrong)
    judge_again(run, rubric)
    labels = tmp_path / "labels.csv"
    rubric_file = tmp_path / "hands.yaml"

    assert command(["export", str(run), "--labels", str(labels), "--rubric", str(rubric_file)]) == 0
    found = made(tmp_path / "hands.json", labels, run, "--measure", "hands.defect")
    alone = made(tmp_path / "alone.json", labels, "--measure", "hands.defect", "--checker-version", "1")
    assert found.counts["yes"] == int(fault.sum())
    assert found.counts["used"] == 64
    assert 0 < found.counts["presumed"] < 64
    assert found.quality.auroc is not None
    assert found.quality.auroc.value == pytest.approx(auroc(scores, fault), abs=1e-6)
    assert (found.knots, found.logistic, found.checker_version) == (alone.knots, alone.logistic, "1")
    assert found.about == "probability that people call it a defect"

    text = rubric_file.read_text().replace("hands.defect >= 0.5", "calibrated.hands.defect >= 0.5", 1)
    rubric_file.write_text(text + "calibrations: [hands.json]\n")
    assert command(["report", str(run), "--rubric", str(rubric_file)]) in (0, 1, 3, 4)
    fired = {
        image.id
        for image in RunFolder(run).read_images()
        if any(reason.code == "hands.malformed" or reason.rule == "hands.malformed" for reason in image.verdict.reasons)
    }
    assert fired == {name for name, score in zip(ids(run), scores, strict=True) if found.value(float(score)) >= 0.5}
    assert 0 < len(fired) < 64


def test_labels_of_faults_keep_their_meaning_for_a_measure_that_is_better_up(tmp_path: Path) -> None:
    scores, fine = scored(80, share=0.6)
    rows = [(f"{i}", "adherence", "fine" if fine[i] else "defect", "no", scores[i]) for i in range(80)]
    rows += [(f"{i}", "hands", "defect", "no", "") for i in range(80)]
    csv = write_csv(tmp_path / "l.csv", ("id", "checker", "verdict", "presumed", "adherence.match"), rows)
    found = made(tmp_path / "c.json", csv, "--measure", "adherence.match")

    of_each = {"yes": int(fine.sum()), "no": int((~fine).sum())}
    assert found.counts == {"rows": 160, "other checks": 80, "used": 80, **of_each}
    assert found.about == "probability that people call it fine"
    assert found.quality.auroc is not None
    assert found.quality.auroc.value == pytest.approx(auroc(scores, fine), abs=1e-6)


# --- refusals -----------------------------------------------------------------------------------

HEADER = "file,label,hands.defect\n"


def in_one_prompt() -> str:
    rows = [(f"{i}", "a" if i < 12 else f"b{i}", "yes" if i < 12 else "no", f"0.{i + 10}") for i in range(30)]
    return "file,prompt,label,hands.defect\n" + "".join(",".join(row) + "\n" for row in rows)


def graded(count: int, grade: str) -> str:
    rows = "".join(f"{i}.png,{grade.format(i)},0.{i}\n" for i in range(10, 10 + count))
    return f"file,score,hands.defect\n{rows}"


FILES = {
    "one kind only": (HEADER + "".join(f"{i}.png,yes,0.{i}\n" for i in range(10, 40)), "all 30 labels are yes"),
    "too few": (HEADER + "a.png,yes,0.9\nb.png,no,0.1\n", "1 yes and 1 no are too few; expected at least 10"),
    "no number": (HEADER + "a.png,yes,nan\n", ":2: hands.defect 'nan' is no finite number"),
    "no label": (HEADER + "a.png,yes,1\nb.png,maybe,1\n", ":3: label 'maybe' is no finite number; expected yes or no"),
    "infinite": ("file,score,hands.defect\na.png,inf,1\n", "'inf' is no finite number"),
    "twice": (HEADER + "a.png,yes,1\na.png,no,1\n", ":3: 'a.png' is labelled a second time, first in line 2"),
    "twice by one": ("file,rater,label,hands.defect\na,Ann,yes,1\na,Ann,no,1\n", "labelled by Ann a second time"),
    "no labels": ("file,hands.defect\na.png,1\n", "holds no labels"),
    "no pictures": ("name,label\na.png,yes\n", "names no pictures"),
    "no values": ("file,label\na.png,yes\nb.png,no\n", "holds no values to calibrate"),
    "an empty name": (HEADER + ",yes,1\n", ":2: names no picture"),
    "a short row": (HEADER + "a.png,yes\n", ":2: has 2 cells, expected 3"),
    "a column twice": ("file,label,label\na.png,yes,no\n", "the column 'label' stands twice"),
    "an open quote": ('file,label\n"a.png,yes\n', "is no CSV"),
    "empty": ("\n\n", "is empty"),
    "only a header": (HEADER, "no row says anything"),
    "of others": ("file,checker,verdict,text.cer\na,text,fine,1\n", "no row says anything about hands.defect"),
    "one prompt": (in_one_prompt(), "stand in one prompt alone"),
    "few scores": (graded(9, "{}.5"), "9 scored pictures are too few"),
    "same scores": (graded(30, "2.5"), "are the same"),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_labels_that_do_not_allow_it_are_refused_with_a_sentence(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, sentence = FILES[name]
    path = tmp_path / "labels.csv"
    path.write_text(content)

    assert sentence in refused(capsys, path, "--measure", "hands.defect", "--out", tmp_path / "c.json")
    assert not (tmp_path / "c.json").exists()


def test_options_that_do_not_fit_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv = labelled_csv(tmp_path / "l.csv", *scored(60))
    numbers = write_csv(tmp_path / "g.csv", ("file", "score", "hands.defect"), [(i, i * 1.5, i) for i in range(30)])
    cases = {
        "unknown measure 'hands.fingers'": (csv, "--measure", "hands.fingers"),
        "unknown checker": (csv, "--measure", "nothing.at"),
        "is measured over the set": (csv, "--measure", "duplicates.share"),
        "expected one of auto": (csv, "--measure", "hands.defect", "--map", "cubic"),
        "expected high or low": (csv, "--measure", "hands.defect", "--yes", "left"),
        "has no such column": (csv, "--measure", "hands.defect", "--label", "opinion"),
        "--score 'x'": (csv, "--measure", "hands.defect", "--score", "x"),
        "ends in .json": (csv, "--measure", "hands.defect", "--out", tmp_path / "c.yaml"),
        "is no folder; make it first": (csv, "--measure", "hands.defect", "--out", tmp_path / "no" / "c.json"),
        "is no run folder": (csv, numbers, "--measure", "hands.defect"),
        "no labels were given": (tmp_path, "--measure", "hands.defect"),
        "--yes-from is for numbers": (csv, "--measure", "hands.defect", "--yes-from", "3"),
        "give isotonic": (numbers, "--measure", "hands.defect", "--map", "logistic"),
        "cannot be read": (tmp_path / "missing.csv", "--measure", "hands.defect"),
    }
    for sentence, words in cases.items():
        assert sentence in refused(capsys, *words), sentence


def test_runs_that_do_not_fit_the_labels_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores, fault = scored(60)
    run, other = scored_run(tmp_path / "run", scores.tolist()), scored_run(tmp_path / "other", scores.tolist())
    names = ids(run)
    stranger = write_csv(tmp_path / "s.csv", ("id", "label"), [("nobody", "yes"), (names[0], "no"), ("none", "yes")])
    good = write_csv(tmp_path / "g.csv", ("id", "label"), zip(names, fault, strict=True))
    wrong = write_csv(tmp_path / "w.csv", ("id", "label", "hands.defect"), [(names[0], "yes", scores[0] + 0.1)])
    measure = ("--measure", "hands.defect")

    assert "2 pictures are in no run that was given: 'nobody', 'none'" in refused(capsys, stranger, run, *measure)
    assert "could be 2 pictures of the runs" in refused(capsys, good, run, other, *measure)
    assert "give the run that these labels are of" in refused(capsys, wrong, run, *measure)
    assert "the check 'text' did not run" in refused(capsys, good, run, "--measure", "text.cer")
    (tmp_path / "empty").mkdir()
    assert "run" in refused(capsys, good, tmp_path / "empty", *measure)


def test_values_of_two_models_are_not_calibrated_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from imgaudit.calibrate.joining import Known, joined, read_runs
    from imgaudit.errors import UsageError

    run = scored_run(tmp_path / "run", [0.1 * (index % 9) for index in range(30)])
    known: Known = read_runs([run], "hands.defect")
    first = next(iter(known.entries))
    entry = known.entries[first]
    known.entries[first] = type(entry)(entry.key, entry.value, entry.group, ("2", "another"))

    with pytest.raises(UsageError, match="measured in different ways"):
        joined(None, known)
    assert capsys.readouterr().out == ""


# --- geneval ------------------------------------------------------------------------------------


def test_decisions_are_held_against_genevals_annotators(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = [{"tag": "single_object", "include": [{"class": "bench", "count": 1}], "prompt": "a photo of a bench"}]
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "evaluation_metadata.jsonl").write_text("".join(json.dumps(rule) + "\n" for rule in rules))
    header = ("Input.prompt_id", "Input.image_id", "Input.caption", "Answer.task-count-0")
    (tmp_path / "annotations").mkdir()
    rows = [("0", str(image), "a photo of a bench", "1" if image < 6 else "0") for image in range(8) for _ in range(5)]
    annotations = write_csv(tmp_path / "annotations" / "annotations_clip.csv", header, [*rows, ("x", "0", "", "")])
    lines = [{"filename": f"00000/samples/{image:04d}.png", "correct": image < 7} for image in range(8)]
    results = tmp_path / "results.jsonl"
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))

    assert calibrate("geneval", results, annotations, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["dropped"] == 1
    share = told["tags"][0]["accuracy"]
    assert (share["value"], share["of"]) == (0.875, 8)
    assert (share["low"], share["high"]) == (pytest.approx(0.4735, abs=1e-4), pytest.approx(0.9968, abs=1e-4))
    assert calibrate("geneval", results, annotations.parent, "--model", "clip") == 0
    text = capsys.readouterr().out
    assert "single_object          8/8  87.5%" in text
    assert "1 rows of the annotations" in text
    assert "--metadata" in refused(capsys, "geneval", results, tmp_path)
    assert "name the model" in refused(capsys, "geneval", results, annotations.parent)
