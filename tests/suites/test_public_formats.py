"""Public formats of which no file is at hand: small files of the documented columns, and what is read out of them.

The prompts and questions here were written for these tests; none is taken from a public set.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from imgaudit.errors import ConfigError
from imgaudit.registry import importers
from imgaudit.suites.load import dump_suite, import_suite, load_suite, recognised_format

DSG_HEADER = [
    "item_id", "text", "keywords", "proposition_id", "dependency", "category_broad", "category_detailed", "tuple",
    "question_natural_language",
]  # fmt: skip
DSG_ROWS = [
    ["shop_7", "Three green kettles by a red door", "kettles", "1", "0", "entity", "whole",
     "entity - whole (kettles)", "Are there kettles?"],
    ["shop_7", "Three green kettles by a red door", "kettles, ==3", "2", "1", "other", "count",
     "other - count (kettles, ==3)", "Are there three kettles?"],
    ["shop_7", "Three green kettles by a red door", "kettles, green", "3", "1", "attribute", "color",
     "attribute - color (kettles, green)", "Are the kettles green?"],
    ["shop_7", "Three green kettles by a red door", "door", "4", "0", "entity", "whole",
     "entity - whole (door)", "Is there a door?"],
    ["shop_7", "Three green kettles by a red door", "kettles, door, by", "5", "1,4", "relation", "spatial",
     "relation - spatial (kettles, door, by)", "Are the kettles by the door?"],
    ["park_2", "photo of a dog asleep", "photo", "1", "0", "global", "-", "global - - (photo)", "Is this a photo?"],
    ["park_2", "photo of a dog asleep", "dog", "2", "0", "entity", "whole", "entity - whole (dog)", "Is there a dog?"],
    ["park_2", "photo of a dog asleep", "dog, sleep", "3", "2", "relation", "action",
     "relation - action (dog, sleep)", "Is the dog asleep?"],
]  # fmt: skip
TIFA_ITEMS = [
    {"id": "coco_5", "caption": "A boat with two sails. ", "question": "is there a boat?", "choices": ["yes", "no"],
     "answer": "yes", "element_type": "object", "element": "boat"},
    {"id": "coco_5", "caption": "A boat with two sails. ", "question": "how many sails are in the picture?",
     "choices": ["1", "2", "3", "4"], "answer": "2", "element_type": "counting", "element": "two"},
    {"id": "coco_5", "caption": "A boat with two sails. ", "question": "what carries the sails?",
     "choices": ["boat", "cart"], "answer": "boat", "element_type": "object", "element": "boat"},
    {"id": "drawbench_9", "caption": "An empty street.", "question": "is there a car?", "choices": ["yes", "no"],
     "answer": "no", "element_type": "object", "element": "car"},
]  # fmt: skip
GENEVAL2 = {
    "prompt": "four blue kettles behind a wooden stool", "atom_count": 6,
    "vqa_list": [
        ["How many kettles are in the image?", "four"], ["Are the kettles blue?", "Yes"],
        ["Are there any kettles in the image?", "Yes"], ["Are the kettles behind the stool?", "Yes"],
        ["How many stools are in the image?", "one"], ["Is the stool wooden?", "Yes"],
        ["Are there any stools in the image?", "Yes"],
    ],
    "skills": ["count", "attribute", "object", "position", "count", "attribute", "object"],
}  # fmt: skip
UNIGEN_POINTS = {
    "Primary Categories": "Art & Craft", "Secondary Categories": "x", "Subjects": "Animal", "Sentence Structure": "y",
    "Testpoints": ["Style", "Attribute - Color", "Attribute - Quantity", "Grammar - Negation", "World Knowledge",
                   "Action - Hand (Character/Anthropomorphic)", "Entity Layout - Two-Dimensional Space"],
    "Testpoint Description": ["woodcut", "a green hat", "two owls", "no moon", "a Roman bridge", "waving", "left"],
}  # fmt: skip
UNIGEN_CHINESE = {"一级垂类": "艺术", "考点": ["风格", "属性-数量", "语法-否定"],
                  "考点对应描述": ["水墨画", "两只猫头鹰", "没有月亮"]}  # fmt: skip
HEIM = '''
from helm.benchmark.scenarios.scenario import Scenario

class DemographicStereotypesScenario(Scenario):
    DESCRIPTORS: List[str] = ["a tall person", "a calm person"]
    OCCUPATIONS: List[str] = ["a baker"]
    raise SystemExit("this file is never run")

    def get_instances(self, _):
        return [f"a photo of the face of {person}" for person in self.persons]
'''


def table(rows: Sequence[Sequence[str]], delimiter: str = ",") -> str:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def lines(*values: Any) -> str:
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


SAMPLES: Mapping[str, tuple[str, str, int]] = {
    "dsg": ("dsg-1k-anns.csv", table([DSG_HEADER, *DSG_ROWS]), 2),
    "dpg": ("dpg_bench.csv", table([DSG_HEADER, *DSG_ROWS]), 2),
    "tifa": ("tifa_v1.0_question_answers.json", json.dumps(TIFA_ITEMS, indent=4), 2),
    "geneval2": ("geneval2_data.jsonl", lines(GENEVAL2), 1),
    "drawbench": ("drawbench.tsv", table([["Prompts", "Category"], ["A red hat.", "Colors"]], "\t"), 1),
    "genai-bench": (
        "genai_image.json",
        json.dumps({"00007": {"id": "00007", "prompt": "A", "prompt in Chinese": "甲", "models": {"X": [5, 4, 3]}},
                    "00042": {"id": "00042", "prompt": "B", "prompt in Chinese": "乙", "models": {}}}),
        2,
    ),
    "oneig": (
        "OneIG-Bench.csv",
        table([["category", "id", "prompt_en", "type", "prompt_length", "class"],
               ["Anime_Stylization", "000", "an owl reads, inked", "T, P", "middle", "ink"],
               ["Text_Rendering", "000", "a sign", "T", "short", ""]]),
        2,
    ),
    "oneig-text": (
        "text_content.csv",
        table([["", "id", "prompt_en", "text_content"], ["0", "000", "a slide", "['The Impact', \"It's here\"]"]]),
        1,
    ),
    "longtext": (
        "text_prompts.jsonl",
        lines({"category": "sign", "length": "short", "prompt": "A kiosk", "text": ["FRESH", "Since 1998"],
               "text_length": 3, "prompt_id": 0}),
        1,
    ),
    "cvtg": (
        "2.json",
        json.dumps({"data_list": [{"index": 0, "prompt": "a shop with a sign 'OPEN' and a mat 'It's us'",
                                   "carrier_list": ["sign", "mat"],
                                   "sentence_list": ["a sign that says 'OPEN'", "a mat with 'It's us'"]}]}),
        1,
    ),
    "unigenbench": (
        "test_prompts_en.csv",
        table([["index", "prompt_en", "sub_dims_en"], ["0", "two owls, woodcut", json.dumps(UNIGEN_POINTS)]]),
        1,
    ),
    "tiif": (
        "color_prompts.jsonl",
        lines({"type": "color", "short_description": "a red owl", "long_description": "an owl, red all over"}),
        2,
    ),
    "heim-demographic": ("demographic_stereotypes_scenario.py", HEIM, 3),
}  # fmt: skip
"""Format -> file name, content, cases."""


@pytest.mark.parametrize("form", SAMPLES)
def test_a_format_is_recognised_by_one_reader_alone_and_survives_being_written(form: str, tmp_path: Path) -> None:
    name, text, count = SAMPLES[form]
    path = write(tmp_path, name, text)
    special = [
        known
        for known, importer in importers.items()
        if not importer.plain and importer().recognise(path, path.read_bytes())
    ]

    suite = import_suite(path)

    assert special == [form]
    assert recognised_format(path) == form
    assert len(suite.cases) == count
    assert "sha256" in (suite.source or "")
    assert load_suite(write(tmp_path, "suite.yaml", dump_suite(suite))) == suite


@pytest.mark.parametrize("name", ["dsg-1k-anns.csv", "dpg_bench.csv"])
def test_questions_become_clauses_that_stand_on_each_other(name: str, tmp_path: Path) -> None:
    shop, park = import_suite(write(tmp_path, name, table([DSG_HEADER, *DSG_ROWS]))).cases

    assert [(c.id, c.kind, c.subject, c.value, c.to, c.after) for c in shop.clauses] == [
        ("c1", "object", "kettles", None, None, ()),
        ("c2", "count", "kettles", "3", None, ("c1",)),
        ("c3", "colour", "kettles", "green", None, ("c1",)),
        ("c4", "object", "door", None, None, ()),
        ("c5", "relation", "kettles", "by", "door", ("c1", "c4")),
    ]
    assert shop.clauses[4].question == "Are the kettles by the door?"
    assert [clause.kind for clause in park.clauses] == ["style", "object", "action"]
    assert (shop.id, shop.tags) == ("shop_7", ("source:shop",))


def test_the_first_question_of_a_table_counts(tmp_path: Path) -> None:
    suite = import_suite(write(tmp_path, "dpg_bench.csv", table([DSG_HEADER, DSG_ROWS[0]])))

    assert [clause.id for clause in suite.cases[0].clauses] == ["c1"]


def test_a_number_that_comes_again_loses_no_question(tmp_path: Path) -> None:
    twice = [DSG_ROWS[0], [*DSG_ROWS[3][:3], "1", *DSG_ROWS[3][4:]], DSG_ROWS[2]]

    clauses = import_suite(write(tmp_path, "dsg.csv", table([DSG_HEADER, *twice]))).cases[0].clauses

    assert [(clause.id, clause.subject, clause.after) for clause in clauses] == [
        ("c1", "kettles", ()), ("c1-2", "door", ()), ("c3", "kettles", ("c1",)),
    ]  # fmt: skip


def test_line_ends_of_other_systems_are_no_control_characters(tmp_path: Path) -> None:
    longtext = SAMPLES["longtext"][1].replace("FRESH", "FRESH\\r\\nBREWS")
    dsg = table([DSG_HEADER, [*DSG_ROWS[0][:-1], "Are there\r\nkettles?"]])

    (kiosk,) = import_suite(write(tmp_path, "text_prompts.jsonl", longtext)).cases
    (tmp_path / "dsg.csv").write_bytes(dsg.encode())

    assert (kiosk.expect.text or ())[0] == "FRESH\nBREWS"
    assert import_suite(tmp_path / "dsg.csv").cases[0].clauses[0].question == "Are there\nkettles?"


def test_ties_to_questions_that_are_not_there_are_left_out_and_counted(tmp_path: Path) -> None:
    wrong = [list(row) for row in DSG_ROWS[:4]]
    wrong[0][4], wrong[1][4], wrong[2][4], wrong[3][4] = "2", "1", "3", "9"

    suite = import_suite(write(tmp_path, "dsg.csv", table([DSG_HEADER, *wrong])))

    assert [clause.after for clause in suite.cases[0].clauses] == [("c2",), (), (), ()]
    assert suite.about.endswith("Ties to questions that are not there, left out: 3.")


def test_choices_are_put_so_that_yes_answers_them_right(tmp_path: Path) -> None:
    boat, street = import_suite(write(tmp_path, "tifa.json", json.dumps(TIFA_ITEMS))).cases

    assert (boat.id, boat.prompt) == ("coco_5", "A boat with two sails.")
    assert [clause.question for clause in boat.clauses] == [
        "is there a boat?",
        "Is the number of sails in the image exactly 2?",
        'Is "boat" the right answer to the question: what carries the sails?',
    ]
    assert [(clause.kind, clause.value) for clause in boat.clauses[1:]] == [("count", "2"), ("object", None)]
    assert street.clauses[0].kind == "negation"
    assert street.clauses[0].question == 'Is "no" the right answer to the question: is there a car?'


def test_captions_without_questions_are_cases_too(tmp_path: Path) -> None:
    items = [{"id": "coco_1", "caption": "a cat", "coco_val_id": "4"}, {"id": "coco_2", "caption": "a dog"}]

    suite = import_suite(write(tmp_path, "tifa_v1.0_text_inputs.json", json.dumps(items)))

    assert [(case.id, case.clauses) for case in suite.cases] == [("coco_1", ()), ("coco_2", ())]


def test_atoms_become_clauses_and_counted_objects(tmp_path: Path) -> None:
    (case,) = import_suite(write(tmp_path, "geneval2_data.jsonl", lines(GENEVAL2))).cases

    kettle, stool = case.expect.objects
    assert (kettle.name, kettle.count, kettle.color) == ("kettle", 4, "blue")
    assert (stool.name, stool.count, stool.color) == ("stool", 1, None)
    assert [clause.kind for clause in case.clauses] == [
        "count", "colour", "object", "relation", "count", "attribute", "object",
    ]  # fmt: skip
    behind = case.clauses[3]
    assert (behind.subject, behind.value, behind.to) == ("kettles", "behind", "stool")
    assert behind.text == "the kettles are behind the stool"
    assert case.clauses[0].question == "Is the number of kettles in the image exactly four?"
    assert case.tags == ("atoms:6",)


def test_skills_are_read_from_the_file_beside_by_the_prompts_own_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "genai_image.json", SAMPLES["genai-bench"][1])
    write(tmp_path, "genai_skills.json", json.dumps({"counting": [42], "basic": [7, 42]}))

    suite = import_suite(path)

    assert {case.id: case.tags for case in suite.cases} == {
        "00007": ("skill:basic",), "00042": ("skill:counting", "skill:basic"),
    }  # fmt: skip
    assert "genai_skills.json, sha256" in (suite.source or "")


def test_writing_and_questions_are_read_from_beside_the_table(tmp_path: Path) -> None:
    path = write(tmp_path, "OneIG-Bench.csv", SAMPLES["oneig"][1])
    write(tmp_path, "scripts/text/text_content.csv", SAMPLES["oneig-text"][1])
    asked = {"question": json.dumps({"1": "Is there an owl?", "2": "Is the owl reading?"}),
             "dependency": json.dumps({"1": [0], "2": [1]})}  # fmt: skip
    write(tmp_path, "scripts/alignment/Q_D/anime.json", json.dumps({"000": asked}))

    owl, sign = import_suite(path).cases

    assert (owl.id, sign.id) == ("anime-000", "text-000")
    assert [(c.id, c.kind, c.after) for c in owl.clauses] == [("c1", "object", ()), ("c2", "attribute", ("c1",))]
    assert sign.expect.text == ("The Impact", "It's here")
    assert owl.tags == ("anime", "type:t", "type:p", "length:middle", "class:ink")


def test_chinese_tables_are_marked_as_chinese(tmp_path: Path) -> None:
    oneig = SAMPLES["oneig"][1].replace("prompt_en", "prompt_cn")
    unigen = table([["index", "prompt_zh", "sub_dims_zh"], ["3", "两只猫头鹰", json.dumps(UNIGEN_CHINESE)]])
    longtext = lines({"prompt": "一个牌子", "text": ["营业"], "text_length": 2, "prompt_id": 4})

    first = import_suite(write(tmp_path, "OneIG-Bench-ZH.csv", oneig))
    second = import_suite(write(tmp_path, "test_prompts_zh.csv", unigen))
    third = import_suite(write(tmp_path, "text_prompts_zh.jsonl", longtext))

    assert {case.lang for suite in (first, second, third) for case in suite.cases} == {"zh"}
    assert [clause.kind for clause in second.cases[0].clauses] == ["style", "count", "negation"]
    assert (second.cases[0].id, third.cases[0].id) == ("unigenbench-zh-0003", "longtext-zh-004")


def test_expected_writing_is_what_the_files_say(tmp_path: Path) -> None:
    (kiosk,) = import_suite(write(tmp_path, "text_prompts.jsonl", SAMPLES["longtext"][1])).cases
    (shop,) = import_suite(write(tmp_path, "2.json", SAMPLES["cvtg"][1])).cases
    (slide,) = import_suite(write(tmp_path, "text_content.csv", SAMPLES["oneig-text"][1])).cases

    assert kiosk.expect.text == ("FRESH", "Since 1998")
    assert (shop.expect.text, shop.tags) == (("OPEN", "It's us"), ("places:2",))
    assert slide.expect.text == ("The Impact", "It's here")


def test_writing_that_cannot_be_told_from_the_file_is_left_to_the_prompt(tmp_path: Path) -> None:
    combined = import_suite(write(tmp_path, "CVTG-style/3_combined.json", json.dumps({"0": "a mug that says HI"})))

    assert combined.cases[0].expect.text is None
    assert (combined.cases[0].id, recognised_format(tmp_path / "CVTG-style/3_combined.json")) == (
        "cvtg-style-3-0000", "cvtg",
    )  # fmt: skip


def test_test_points_become_clauses_in_the_sets_own_words(tmp_path: Path) -> None:
    (case,) = import_suite(write(tmp_path, "test_prompts_en.csv", SAMPLES["unigenbench"][1])).cases

    assert [clause.kind for clause in case.clauses] == [
        "style", "colour", "count", "negation", "attribute", "action", "relation",
    ]  # fmt: skip
    assert [clause.text for clause in case.clauses[:2]] == ["woodcut", "a green hat"]
    assert all(clause.question is None for clause in case.clauses)
    assert "category:art-craft" in case.tags


def test_a_line_of_two_wordings_is_two_cases_with_the_questions_of_the_folder_beside(tmp_path: Path) -> None:
    path = write(tmp_path, "data/testmini_prompts/color_prompts.jsonl", SAMPLES["tiif"][1])
    asked = {"type": "color", "yn_question_list": ["Is there an owl?  ", "Is the owl blue?"],
             "yn_answer_list": ["yes", "no"]}  # fmt: skip
    questions = write(tmp_path, "data/testmini_eval_prompts/color_eval_prompts.jsonl", lines(asked))

    short, long = import_suite(path).cases

    assert (short.id, long.id) == ("color-0000-short", "color-0000-long")
    assert (short.prompt, long.prompt) == ("a red owl", "an owl, red all over")
    assert short.clauses == long.clauses
    assert [clause.kind for clause in short.clauses] == ["object", "negation"]
    questions.write_text(lines(asked, asked))
    assert import_suite(path).cases[0].clauses == ()
    with pytest.raises(ConfigError, match="questions without prompts"):
        import_suite(questions)


def test_a_python_file_is_read_and_not_run(tmp_path: Path) -> None:
    suite = import_suite(write(tmp_path, "demographic_stereotypes_scenario.py", HEIM))

    assert [(case.prompt, case.tags) for case in suite.cases] == [
        ("a photo of the face of a tall person", ("descriptors",)),
        ("a photo of the face of a calm person", ("descriptors",)),
        ("a photo of the face of a baker", ("occupations",)),
    ]
    assert {case.skew.attribute for case in suite.cases if case.skew} == {"skin_tone"}


def test_lists_of_prompts_are_read_as_they_are(tmp_path: Path) -> None:
    strings = import_suite(write(tmp_path, "anime.json", json.dumps(["a cat", "a dog"])))
    objects = import_suite(write(tmp_path, "mine.json", json.dumps([{"id": "x", "prompt": "a cat", "seed": 3}])))
    named = import_suite(write(tmp_path, "named.json", json.dumps({"first": "a cat", "second": "a dog"})))

    assert [case.prompt for case in strings.cases] == ["a cat", "a dog"]
    assert (objects.cases[0].id, objects.cases[0].seed) == ("x", 3)
    assert {case.id: case.prompt for case in named.cases} == {"first": "a cat", "second": "a dog"}


def test_what_may_not_be_passed_on_says_so() -> None:
    private = {name for name, importer in importers.items() if not importer.shareable}

    assert private == {"cvtg", "drawbench", "geneval2", "oneig", "oneig-text", "tiif", "unigenbench"}
