"""Public prompt sets are read as they are, with exact counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from imgaudit.errors import ConfigError
from imgaudit.registry import importers
from imgaudit.suites.importers._table import prompt_ids, slug
from imgaudit.suites.load import dump_suite, import_suite, load_suite

DRAWBENCH = (
    "Prompts,Category\n"
    "A red colored car.,Colors\n"
    '"A stack of 3 plates. A blue plate is on the top, sitting on a blue plate.",DALL-E\n'
    "Two cats.,Gary Marcus et al. \n"
)


@pytest.fixture(scope="module")
def prompts(corpora: Path) -> Path:
    folder = corpora / "prompts"
    if not folder.is_dir():
        pytest.skip(f"no prompt sets at {folder}")
    return folder


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_importer_states_title_and_licence() -> None:
    assert set(importers.names()) >= {"csv", "drawbench", "geneval", "json", "jsonl", "parti", "txt", "txt-folder"}
    for name in importers.names():
        importer = importers.get(name)
        assert importer.title
        assert importer.licence
        assert isinstance(importer.shareable, bool)
        assert importer.shareable or "do not redistribute" in importer.licence or "not part of" in importer.licence


def test_geneval_has_its_553_cases(prompts: Path) -> None:
    suite = import_suite(prompts / "geneval/prompts/evaluation_metadata.jsonl")

    assert suite.name == "geneval"
    assert len(suite.cases) == 553
    assert Counter(case.tags[0] for case in suite.cases) == {
        "single_object": 80, "two_object": 99, "counting": 80, "colors": 94, "position": 100, "color_attr": 100,
    }  # fmt: skip
    assert (suite.cases[0].id, suite.cases[552].id) == ("00000", "00552")
    assert suite.source is not None
    assert "sha256" in suite.source


def test_geneval_positions_point_to_the_other_object(prompts: Path) -> None:
    suite = import_suite(prompts / "geneval/prompts/evaluation_metadata.jsonl")

    case = next(case for case in suite.cases if case.prompt == "a photo of a dog right of a teddy bear")
    bear, dog = case.expect.objects
    assert (bear.name, dog.name, dog.relation, dog.to) == ("teddy bear", "dog", "right of", 0)
    assert suite.cases[0].prompt == "a photo of a bench"


def test_partiprompts_has_its_1632_cases_with_quotes_kept(prompts: Path) -> None:
    suite = import_suite(prompts / "parti/PartiPrompts.tsv")

    assert len(suite.cases) == 1632
    assert suite.cases[0].tags == ("category:abstract", "challenge:basic")
    assert any('"' in (case.prompt or "") for case in suite.cases)


def test_an_imported_suite_survives_being_written(prompts: Path, tmp_path: Path) -> None:
    suite = import_suite(prompts / "geneval/prompts/evaluation_metadata.jsonl")

    assert load_suite(write(tmp_path, "g.yaml", dump_suite(suite))) == suite


def test_drawbench_is_read_with_its_categories_trimmed(tmp_path: Path) -> None:
    suite = import_suite(write(tmp_path, "data.csv", DRAWBENCH))

    assert suite.name == "drawbench"
    assert [case.tags[0] for case in suite.cases] == [
        "category:colors", "category:dall-e", "category:gary-marcus-et-al",
    ]  # fmt: skip
    assert "3 plates" in (suite.cases[1].prompt or "")


def test_a_table_gives_its_columns_to_the_cases(tmp_path: Path) -> None:
    text = (
        "id,prompt,negative,seed,tags,expect_text,note\n"
        'one,a sign,blur,7,"a, b",OPEN,x\n'
        ',"two signs, red",,,,"[""A"", ""B""]",\n'
    )

    first, second = load_suite(write(tmp_path, "mine.csv", text)).cases

    assert (first.id, first.negative, first.seed, first.tags, first.expect.text) == (
        "one", "blur", 7, ("a", "b"), ("OPEN",),
    )  # fmt: skip
    assert (second.prompt, second.seed, second.expect.text) == ("two signs, red", None, ("A", "B"))
    assert second.id.startswith("two-signs-red-")


def test_json_lines_give_a_case_each(tmp_path: Path) -> None:
    text = '{"prompt": "a dog", "width": 64}\n\n{"prompt": "a cat", "tags": ["x"], "expect_text": "MEOW"}\n'

    first, second = load_suite(write(tmp_path, "p.jsonl", text)).cases

    assert (first.prompt, first.width) == ("a dog", 64)
    assert (second.tags, second.expect.text) == (("x",), ("MEOW",))


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [
        ("a.csv", "prompt,seed\na dog,x\n", 2, "cases[0].seed"),
        ("a.csv", "prompt,seed\na dog,1\n,2\n", 3, "expected the words of a prompt"),
        ("a.csv", 'prompt\n"a\ndog"\na, b\n', 4, "the row has 2 fields; expected 1"),
        ("a.csv", "prompt\n", 1, "there is no row"),
        ("a.jsonl", '{"prompt": "x"}\n[1]\n', 2, "the line is no object"),
        ("a.jsonl", '{"prompt": "x"}\n{"prompt":\n', 2, "no valid JSON"),
        ("a.jsonl", '{"tag": "t", "include": [], "prompt": "x"}\n{"include": 3}\n', 2, "no list of objects"),
        ("a.txt", "\n# only a comment\n", 1, "there is no prompt"),
        ("a.txt", "torch==2.0\nnumpy>=1\n", 1, "not recognised"),
        ("a.csv", "promt\na dog\n", 1, "need a column 'prompt'"),
    ],
)
def test_a_bad_file_is_told_with_its_line(name: str, text: str, line: int, words: str, tmp_path: Path) -> None:
    path = write(tmp_path, name, text)

    with pytest.raises(ConfigError) as caught:
        load_suite(path)

    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert words in str(caught.value)


def test_a_named_format_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "prompt\na dog\n")

    with pytest.raises(ConfigError, match=r"this is no PartiPrompts\.tsv"):
        import_suite(path, "parti")


def test_a_new_line_changes_the_id_of_no_other_prompt() -> None:
    before = prompt_ids(["a dog", "a cat", "a dog"])
    after = prompt_ids(["a bird", "a dog", "a cat", "a dog"])

    assert after[1:] == before
    assert len(set(after)) == 4


def test_prompts_in_any_script_have_safe_ids() -> None:
    (made,) = prompt_ids(["犬が走る"])

    assert made.startswith("prompt-")
    assert slug("../..//ETC Passwd") == "etc-passwd"
