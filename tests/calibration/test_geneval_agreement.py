"""GenEval's annotations read as right and wrong, and agreement with them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from imgaudit.calibration.geneval import (
    Judged,
    Key,
    People,
    agreement,
    between_people,
    read_annotations,
    read_decisions,
)
from imgaudit.errors import ConfigError, UsageError

RULES = [
    {"tag": "counting", "include": [{"class": "clock", "count": 2}], "exclude": [{"class": "clock", "count": 3}],
     "prompt": "two clocks"},
    {"tag": "colors", "include": [{"class": "car", "count": 1, "color": "red"}], "prompt": "a red car"},
    {"tag": "position", "prompt": "a dog left of a car",
     "include": [{"class": "car", "count": 1}, {"class": "dog", "count": 1, "position": ["left of", 0]}]},
]  # fmt: skip
TASKS = ("count-0", "count-1", "color-0", "color-1", "position-x", "position-y")
COLUMNS = ("Input.prompt_id", "Input.image_id", "Input.caption", *(f"Answer.task-{task}" for task in TASKS))
CLOCKS, CAR, DOG = Key("m", 0, 0), Key("m", 1, 0), Key("m", 2, 3)


def said(prompt: int, image: int, count: str, other: str = "", colour: str = "", x: str = "", y: str = "") -> tuple:
    return str(prompt), str(image), RULES[prompt]["prompt"], count, other, colour, "", x, y


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        said(0, 0, "2"), said(0, 0, "2.0"), said(0, 0, "3"),
        said(1, 0, "1", colour="red|black"), said(1, 0, "2", colour="red"), said(1, 0, "0", colour="red"),
        said(1, 0, "1", colour="blue"), said(1, 0, "1", colour=""),
        said(2, 3, "1", "1.0", x="left", y="above"), said(2, 3, "1", "1", x="right"), said(2, 3, "0", "1", x="left"),
        ("2.Vase", "right", "neither", "", "", "", "", "", ""), said(0, 0, ""),
        ("0", "0", "another prompt", "2", "", "", "", "", ""), ("77", "0", "two clocks", "2", "", "", "", "", ""),
    ]  # fmt: skip
    with (tmp_path / "annotations_m.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    (tmp_path / "rules.jsonl").write_text("".join(json.dumps(rule) + "\n" for rule in RULES))
    return tmp_path


def people(folder: Path):
    return read_annotations(folder, folder / "rules.jsonl")


def test_each_person_s_answer_is_judged_by_the_prompt_s_rules(folder: Path) -> None:
    read = people(folder)

    assert {key: judged.said for key, judged in read.pictures.items()} == {
        CLOCKS: (True, True, False),
        CAR: (True, True, False, False, False),
        DOG: (True, False, False),
    }
    assert [read.pictures[key].majority for key in (CLOCKS, CAR, DOG)] == [True, False, False]


def test_rows_that_cannot_be_read_are_counted_and_left_out(folder: Path) -> None:
    assert people(folder).dropped == 4


def test_decisions_are_read_from_geneval_s_results_and_from_a_run(folder: Path) -> None:
    results, run = folder / "results.jsonl", folder / "run"
    lines = [{"filename": "out/m/00000/samples/0000.png", "correct": True},
             {"filename": "out/m/00002/samples/00003.png", "correct": None},
             {"filename": "out/m/00002/samples/00001.png", "correct": True}]  # fmt: skip
    results.write_text("".join(json.dumps(line) + "\n" for line in lines))
    run.mkdir()
    found = [{"path": "r0/00000/samples/00000.png", "findings": [{"checker": "objects", "measures": {"correct": 1.0}}]},
             {"path": "r0/00001/samples/00000.png", "findings": [{"checker": "objects", "measures": {}}]},
             {"path": "r0/00002/samples/00003.png", "findings": []}]  # fmt: skip
    (run / "images.jsonl").write_text("".join(json.dumps(line) + "\n" for line in found))

    assert read_decisions(results, people(folder)) == {CLOCKS: True, DOG: None}
    assert read_decisions(run, people(folder), "m") == {CLOCKS: True, CAR: None, DOG: None}


def test_a_run_that_does_not_say_which_model_drew_asks_for_it(folder: Path) -> None:
    (folder / "results.jsonl").write_text('{"filename": "00000/samples/0000.png", "correct": true}\n')

    with pytest.raises(UsageError, match="name the model that drew them, one of: m"):
        read_decisions(folder / "results.jsonl", people(folder))


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"correct": true}', '{"path": "a", "findings": 3}'])
def test_a_line_that_is_neither_is_refused_by_its_number(line: str, folder: Path) -> None:
    (folder / "results.jsonl").write_text(f'{{"filename": "x.png", "correct": true}}\n{line}\n')

    with pytest.raises(UsageError, match=r"results\.jsonl:2: neither"):
        read_decisions(folder / "results.jsonl", people(folder), "m")


def test_files_that_are_not_geneval_s_are_refused(folder: Path, tmp_path_factory) -> None:
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(ConfigError, match="no annotations_MODEL"):
        read_annotations(empty, folder / "rules.jsonl")
    (empty / "annotations_x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ConfigError, match="task-count-0"):
        read_annotations(empty, folder / "rules.jsonl")
    with pytest.raises(ConfigError, match="evaluation_metadata"):
        read_annotations(folder, empty / "annotations_x.csv")


def judged(*answers: bool) -> Judged:
    return Judged("colors", answers)


def test_agreement_counts_what_was_told_against_the_majority_and_against_each() -> None:
    some = People(
        {
            Key("m", 1, 0): judged(True, True, True),
            Key("m", 1, 1): judged(False, False, True),
            Key("m", 1, 2): judged(False, False, False),
            Key("m", 1, 3): judged(True, True, True),
            Key("m", 1, 4): judged(True),
        },
        dropped=0,
    )
    decisions = {Key("m", 1, 0): True, Key("m", 1, 1): True, Key("m", 1, 2): False, Key("m", 1, 3): None,
                 Key("m", 1, 4): True}  # fmt: skip
    everything, colours = agreement(some, decisions)

    assert (everything.tag, colours.tag) == ("all", "colors")
    assert (colours.pictures, colours.told) == (5, 3)
    assert (colours.accuracy.value, colours.accuracy.of) == (pytest.approx(2 / 3), 3)
    assert (colours.with_each.value, colours.with_each.of) == (pytest.approx(7 / 9), 9)
    assert (colours.unanimous.value, colours.unanimous.of) == (1.0, 2)
    assert colours.between_people.value == pytest.approx((3 + 1 + 3 + 3) / 12)
    # of three pictures: seen agreement 2/3; chance (2/3)(1/3) + (1/3)(2/3) = 4/9; kappa (2/3 - 4/9) / (5/9)
    assert colours.kappa == pytest.approx(0.4)
    assert colours.accuracy.low < 2 / 3 < colours.accuracy.high


def test_where_nothing_was_told_there_is_no_agreement_and_the_reason() -> None:
    (everything, _) = agreement(People({CLOCKS: judged(True, True, True)}, 0), {CLOCKS: None})

    assert (everything.accuracy, everything.kappa, everything.no_kappa) == (None, None, "nothing was judged by both")


def test_geneval_s_own_annotations_give_the_agreement_of_people_that_is_known(corpora: Path) -> None:
    source = corpora / "prompts" / "geneval"
    if not source.is_dir():
        pytest.skip("GenEval's annotations are not among the labelled files")
    read = read_annotations(source / "annotations", source / "prompts" / "evaluation_metadata.jsonl")
    known = {"single_object": 0.986, "counting": 0.887, "colors": 0.869, "two_object": 0.862, "color_attr": 0.844}

    assert (len(read.pictures), read.dropped, read.models) == (1200, 4, ("clip", "if-xl", "sdv2"))
    assert {len(one.said) for one in read.pictures.values()} == {5}
    for tag, share in known.items():
        agreed = between_people(one for one in read.pictures.values() if one.tag == tag)
        assert agreed.value == pytest.approx(share, abs=6e-4)
    perfect = agreement(read, {key: one.majority for key, one in read.pictures.items()})
    assert all(line.accuracy.value == 1.0 for line in perfect)
    assert all(line.with_each.value < 1.0 for line in perfect)
