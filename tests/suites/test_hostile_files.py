"""Files made to harm, or merely broken: each is a sentence with file and line, never a crash and never half a suite."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path

import pytest
from test_public_formats import DSG_HEADER, DSG_ROWS, GENEVAL2, SAMPLES, TIFA_ITEMS, UNIGEN_POINTS, lines, table, write

from imgaudit.errors import ConfigError
from imgaudit.suites import reading
from imgaudit.suites.load import dump_suite, import_suite, load_suite

DEEP = "[" * 100_000


def refused(path: Path, form: str = "auto") -> str:
    with pytest.raises(ConfigError) as caught:
        import_suite(path, form)
    message = str(caught.value)
    assert str(path.parent) in message
    assert ":" in message.removeprefix(str(path))
    return message


@pytest.mark.parametrize("form", SAMPLES)
def test_a_file_that_is_too_long_is_not_read(form: str, tmp_path: Path) -> None:
    path = tmp_path / SAMPLES[form][0]
    with path.open("wb") as stream:
        stream.truncate(reading.MAX_BYTES + 1)

    assert "bytes are too many" in refused(path, form)


@pytest.mark.parametrize("form", [form for form in SAMPLES if form != "heim-demographic"])
def test_bytes_that_are_no_text_are_told_with_their_line(form: str, tmp_path: Path) -> None:
    name, text, _ = SAMPLES[form]
    path = tmp_path / name
    path.write_bytes(text.encode() + b"\n\xff\xfe\n")

    message = refused(path, form)

    assert f"{path}:{text.count(chr(10)) + 2}: byte 0xff is not UTF-8" in message


def cases_of(path: Path, form: str) -> int:
    try:
        return len(import_suite(path, form).cases)
    except ConfigError:
        return 0


@pytest.mark.parametrize("form", SAMPLES)
def test_a_file_cut_off_anywhere_is_refused_or_read_up_to_there(form: str, tmp_path: Path) -> None:
    name, text, count = SAMPLES[form]

    for part in range(1, 8):
        path = write(tmp_path, name, text[: len(text) * part // 8])
        assert cases_of(path, form) <= count


@pytest.mark.parametrize("form", ["dsg", "drawbench", "oneig-text", "longtext", "geneval2"])
def test_a_nul_in_a_prompt_is_refused_with_its_line(form: str, tmp_path: Path) -> None:
    name, text, _ = SAMPLES[form]
    prompts = {"dsg": "Three", "drawbench": "A red", "oneig-text": "a slide", "longtext": "A kiosk", "geneval2": "four"}
    evil = "\\u0000" if name.endswith("jsonl") else "\0"

    message = refused(write(tmp_path, name, text.replace(prompts[form], prompts[form] + evil)))

    assert "U+0000" in message


def test_a_nul_in_a_question_or_in_expected_writing_is_refused(tmp_path: Path) -> None:
    rows = [list(row) for row in DSG_ROWS]
    rows[1][-1] += "\0"
    longtext = SAMPLES["longtext"][1].replace("FRESH", "FR\\u0000ESH")

    assert "clauses[1]: holds the control character U+0000" in refused(
        write(tmp_path, "dsg.csv", table([DSG_HEADER, *rows]))
    )
    assert "expect.text[0]: holds the control character U+0000" in refused(
        write(tmp_path, "text_prompts.jsonl", longtext)
    )


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("dsg.csv", table([DSG_HEADER, DSG_ROWS[0], [DSG_ROWS[1][0], "else", *DSG_ROWS[1][2:]]]), "had another before"),
        ("dsg.csv", table([DSG_HEADER, ["../../etc", *DSG_ROWS[0][1:]]]), "is not safe in a file name"),
        ("tifa.json", json.dumps([TIFA_ITEMS[0], {**TIFA_ITEMS[1], "caption": "else"}]), "had another before"),
        ("tifa.json", json.dumps([{**TIFA_ITEMS[0], "id": "a/b"}]), "is not safe in a file name"),
        ("genai_image.json", '{"1": {"id": "1", "prompt": "a", "prompt in Chinese": ""}, "1": {}}', "stands twice"),
        ("text_prompts.jsonl", SAMPLES["longtext"][1] * 2, "is already that of cases[0]"),
        ("2.json", json.dumps({"data_list": [{"index": 1, "prompt": "a"}, {"index": 1, "prompt": "b"}]}), "already"),
        ("OneIG-Bench.csv", SAMPLES["oneig"][1] + "Text_Rendering,000,again,T,short,\n", "is already that of"),
        ("a.json", json.dumps([{"id": "x", "prompt": "a"}, {"id": "X", "prompt": "b"}]), "capitals do not count"),
    ],
)
def test_ids_that_stand_twice_or_lead_elsewhere_are_refused(name: str, text: str, words: str, tmp_path: Path) -> None:
    assert words in refused(write(tmp_path, name, text))


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("tifa.json", json.dumps([TIFA_ITEMS[0]]) + "x", "something follows the end"),
        ("tifa.json", json.dumps([TIFA_ITEMS[0], 5]), "is no object"),
        ("tifa.json", json.dumps([{**TIFA_ITEMS[0], "question": ""}]), "question: there is no text"),
        ("a.json", '["a", 5]', "is no text; expected a list of prompts"),
        ("a.json", '["a",, "b"]', "no valid JSON"),
        ("a.json", '["a" "b"]', "expected ','"),
        ("a.json", '["a", NaN]', "is no JSON number"),
        ("a.json", '{"k": "a", 5: "b"}', "no valid JSON"),
        ("a.json", '["a", ' + DEEP, "no valid JSON"),
        ("geneval2_data.jsonl", lines({**GENEVAL2, "skills": []}), "one skill each"),
        ("geneval2_data.jsonl", lines({**GENEVAL2, "vqa_list": [["only"]]}), "[question, answer]"),
        ("genai_image.json", json.dumps({"1": {"id": "1", "prompt": "", "prompt in Chinese": ""}}), "prompt: there is"),
        ("text_prompts.jsonl", SAMPLES["longtext"][1].replace('["FRESH", "Since 1998"]', '"FRESH"'), "expected a list"),
        ("2.json", '{"data_list": []}', "there is no prompt in it"),
        ("2.json", '{"data_list": [{"index": -1, "prompt": "a"}]}', "expected a number from 0"),
        ("test_prompts_en.csv", table([["index", "prompt_en", "sub_dims_en"], ["0", "a", "{"]]), "no valid JSON"),
        ("test_prompts_en.csv", table([["index", "prompt_en", "sub_dims_en"], ["0", "a", DEEP]]), "sub_dims_en"),
        (
            "test_prompts_en.csv",
            table([["index", "prompt_en", "sub_dims_en"], ["0", "a", json.dumps({**UNIGEN_POINTS, "Testpoints": []})]]),
            "as many descriptions",
        ),
        ("dsg.csv", table([DSG_HEADER, [*DSG_ROWS[0][:4], "one", *DSG_ROWS[0][5:]]]), "dependency: expected numbers"),
        ("dsg.csv", table([DSG_HEADER]), "there is no question"),
        ("demographic_stereotypes_scenario.py", "class DemographicStereotypesScenario:", "are no longer made of"),
        (
            "demographic_stereotypes_scenario.py",
            "class DemographicStereotypesScenario:\n x = 'a photo of the face of {'\n DESCRIPTORS: list = [print(1)]\n",
            "expected plain strings",
        ),
        (
            "demographic_stereotypes_scenario.py",
            "class DemographicStereotypesScenario:\n x = 'a photo of the face of {'\n y = " + DEEP,
            "no valid Python",
        ),
    ],
)
def test_broken_files_are_told_with_their_line(name: str, text: str, words: str, tmp_path: Path) -> None:
    assert words in refused(write(tmp_path, name, text))


def test_a_list_in_a_cell_is_never_run(tmp_path: Path) -> None:
    evil = "[__import__('pathlib').Path('owned').touch()]"
    rows = [["", "id", "prompt_en", "text_content"], ["0", "000", "a slide", evil], ["1", "001", "b", "[" * 49_000]]

    suite = import_suite(write(tmp_path, "text_content.csv", table(rows)))

    assert suite.cases[0].expect.text == (evil,)
    assert not Path("owned").exists()


def test_a_formula_stays_text_in_the_suite_and_is_disarmed_in_tables(tmp_path: Path) -> None:
    from imgaudit.reporters.csv_report import neutralised

    formula = '=HYPERLINK("http://evil.example","see")'
    suite = import_suite(write(tmp_path, "d.csv", table([["Prompts", "Category"], [formula, "=1+1"]])))

    written = load_suite(write(tmp_path, "suite.yaml", dump_suite(suite)))

    assert written.cases[0].prompt == formula
    assert written.cases[0].tags == ("category:1-1",)
    assert neutralised(written.cases[0].prompt or "").startswith("'=")


def test_files_beside_a_table_are_not_read_through_links_out_of_its_folder(tmp_path: Path) -> None:
    secret = write(tmp_path, "outside/skills.json", json.dumps({"secret": [7, 42]}))
    path = write(tmp_path, "in/genai_image.json", SAMPLES["genai-bench"][1])
    (path.parent / "genai_skills.json").symlink_to(secret)

    suite = import_suite(path)

    assert all(case.tags == () for case in suite.cases)


def test_a_link_out_of_a_folder_of_prompts_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "in/a.txt", "a cat")
    (tmp_path / "in/b.txt").symlink_to(write(tmp_path, "secret.txt", "root:x:0"))

    with pytest.raises(ConfigError, match=r"b\.txt:1: leads out of the folder"):
        import_suite(tmp_path / "in")


def test_an_empty_file_of_a_folder_is_told_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, "in/a.txt", "a cat")
    write(tmp_path, "in/b.txt", " \n")

    with pytest.raises(ConfigError, match=r"b\.txt:1: there is no prompt"):
        import_suite(tmp_path / "in")


def test_clauses_of_a_suite_have_ids_of_their_own_and_no_circles(tmp_path: Path) -> None:
    head = "format: imgaudit-suite/1\nname: s\ntitle: S\nlicence: CC0-1.0\ncases:\n- id: a\n  prompt: x\n  clauses:\n"
    one = "  - {id: c1, kind: object, text: a cat, after: [%s]}\n"
    two = "  - {id: %s, kind: object, text: a dog, after: [%s]}\n"

    for text, words in (
        (one % "" + two % ("c1", ""), "stands twice"),
        (one % "c9", "'c9' is no other clause"),
        (one % "c1", "'c1' is no other clause of this case, or stands on this one itself"),
        (one % "c2" + two % ("c2", "c1"), "stands on this one itself"),
    ):
        with pytest.raises(ConfigError, match=words):
            load_suite(write(tmp_path, "s.yaml", head + text))
    assert len(load_suite(write(tmp_path, "s.yaml", head + one % "" + two % ("c2", "c1"))).cases[0].clauses) == 2


@pytest.mark.slow
def test_the_largest_public_set_is_imported_written_and_read_in_seconds(tmp_path: Path) -> None:
    items = [
        {"id": f"coco_{number}", "caption": f"board {number}", "question": f"what is on shelf {shelf}?",
         "answer": "a jar", "element_type": "object", "element": "jar"}
        for number in range(4081) for shelf in range(6)
    ]  # fmt: skip
    path = write(tmp_path, "tifa_v1.0_question_answers.json", json.dumps(items, indent=4))
    started = time.process_time()

    suite = import_suite(path)
    again = load_suite(write(tmp_path, "tifa.yaml", dump_suite(suite)))

    assert (len(suite.cases), sum(len(case.clauses) for case in suite.cases)) == (4081, 24_486)
    assert again == suite
    assert time.process_time() - started < 60


def test_a_field_of_a_table_that_is_too_long_is_refused(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    path = write(tmp_path, "d.csv", "Prompts,Category\n" + "x" * (2 << 20) + ",a\n")

    assert "no valid table" in refused(path)
    csv.field_size_limit(limit)
