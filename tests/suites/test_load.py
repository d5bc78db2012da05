"""Suites load, are checked with file and line, and survive being written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from imgaudit.errors import ConfigError, UsageError
from imgaudit.suites import reading
from imgaudit.suites.load import dump_suite, list_suites, load_suite, suite_names

HEAD = "format: imgaudit-suite/1\nname: mine\ntitle: Mine\nlicence: CC0-1.0\n"


def write(folder: Path, text: str, name: str = "suite.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, text: str) -> str:
    path = write(folder, text)
    with pytest.raises(ConfigError) as caught:
        load_suite(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    return message.removeprefix(f"{path}:")


def test_a_case_has_the_defaults_it_does_not_override(tmp_path: Path) -> None:
    text = HEAD + (
        "defaults: {width: 512, negative: fog, lang: de, tags: [all]}\n"
        "cases:\n- {id: a, prompt: ein Hund}\n"
        "- {id: b, prompt: a dog, width: 64, negative: null, lang: en, tags: [own]}\n"
    )

    first, second = load_suite(write(tmp_path, text)).cases

    assert (first.width, first.negative, first.lang, first.tags) == (512, "fog", "de", ("all",))
    assert (second.width, second.negative, second.lang, second.tags) == (64, None, "en", ("own", "all"))


def test_the_digest_tells_content_and_not_the_way_it_is_written(tmp_path: Path) -> None:
    plain = HEAD + "cases:\n- {id: a, prompt: a dog, tags: [t]}\n"
    by_default = HEAD + "defaults: {tags: [t]}\ncases:\n- prompt: 'a dog'\n  id: a\n"
    other = plain.replace("a dog", "a cat")

    digests = [load_suite(write(tmp_path, text)).digest for text in (plain, by_default, other)]

    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("name", suite_names())
def test_a_packaged_suite_survives_being_written(name: str, tmp_path: Path) -> None:
    suite = load_suite(name)

    again = load_suite(write(tmp_path, dump_suite(suite)))

    assert again == suite
    assert again.digest == suite.digest


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("cases:\n- id: a\n  promt: a dog\n", 7, "cases[0].promt: unknown key 'promt'; did you mean 'prompt'?"),
        ("cases:\n- id: a\n  prompt: x\n  expect: {face: 1}\n", 8, "cases[0].expect.face: unknown key 'face'; did you"),
        ("cases:\n- id: a\n  prompt: x\n  expect:\n    faces: two\n", 9, "faces: input should be a valid integer"),
        ("cases:\n- prompt: x\n", 6, "cases[0].id: is missing"),
        ("cases: []\n", 5, "cases: there are 0; expected 1 to"),
        ("cases:\n- {id: 12, prompt: x}\n", 6, "got 12. Put it in quotes"),
        ("cases:\n- {id: a, prompt: x}\n- {id: A, prompt: y}\n", 7, "the id 'A' is already that of cases[0]"),
        ("cases:\n- {id: ../../etc, prompt: x}\n", 6, "is not safe in a file name"),
        ("cases:\n- {id: a, prompt: '  '}\n", 6, "has no prompt"),
        ("cases:\n- {id: a}\n", 6, "has no prompt"),
        ('cases:\n- {id: a, prompt: "x\\u001b[2J"}\n', 6, "control character U+001B"),
        ("cases:\n- id: a\n  prompt: x\n  foils:\n    color: [x]\n", 9, "holds the prompt itself"),
        ("cases:\n- id: a\n  prompt: x\n  expect:\n    objects:\n    - {name: x, relation: above}\n", 10, "one of"),
        ("cases:\n- id: a\n  prompt: x\n  expect:\n    objects: [{name: x, relation: above, to: 0}]\n", 9, "no other"),
        ("cases:\n- id: a\n  prompt: x\n  skew: {attribute: c, reference: {r: 0.5, g: 0.4}}\n", 8, "adds up to 0.9"),
        ("cases:\n- id: a\n  prompt: x\n  skew: {attribute: c, reference: {r: 1}}\n", 8, "fewer than two groups"),
        ("cases:\n- id: a\n  id: b\n", 7, "the key 'id' stands twice"),
        ("cases:\n- id: [\n", 7, "not valid YAML"),
        ("cases: !!python/object/apply:os.system [ls]\n", 5, "which is refused"),
    ],
)
def test_a_complaint_names_line_field_and_expectation(body: str, line: int, words: str, tmp_path: Path) -> None:
    message = complaint(tmp_path, HEAD + body)

    assert message.startswith(f"{line}: ") or re.match(rf"{line}:", message)
    assert words in message
    assert "\n" not in message.strip()


def test_several_faults_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    cases = "".join(f"- {{id: c{index}, prompt: x, widht: 5}}\n" for index in range(8))

    message = complaint(tmp_path, HEAD + "cases:\n" + cases)

    lines = message.splitlines()
    assert len(lines) == 6
    assert lines[-1] == "and 3 more"
    assert lines[1].split(".yaml:")[1].startswith("7: ")


def test_a_file_of_another_format_is_refused_by_its_first_key(tmp_path: Path) -> None:
    assert "expected 'format: imgaudit-suite/1'" in complaint(tmp_path, "name: x\ncases: []\n")
    assert "no mapping" in complaint(tmp_path, "- a\n- b\n")
    assert "is empty" in complaint(tmp_path, "")


def test_a_bomb_of_aliases_and_deep_nesting_are_refused(tmp_path: Path) -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 9)]

    assert "alias" in complaint(tmp_path, "\n".join(levels))
    assert "nested deeper" in complaint(tmp_path, HEAD + "cases: " + "[" * 1200 + "]" * 1200 + "\n")


def test_a_file_beyond_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(reading.MAX_BYTES + 1)

    with pytest.raises(ConfigError, match="bytes are too many"):
        load_suite(path)


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"format: imgaudit-suite/1\ntitle: caf\xe9\n")

    with pytest.raises(ConfigError, match=r"latin\.yaml:2: byte 0xe9 is not UTF-8"):
        load_suite(path)


def test_an_unknown_suite_suggests_the_near_one_and_lists_all() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'shapes'.*there are: .*posters"):
        load_suite("shape")


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml:1: cannot be read: no such file"):
        load_suite(tmp_path / "gone.yaml")


def test_the_list_of_suites_agrees_with_the_suites() -> None:
    for entry in list_suites():
        suite = load_suite(entry.name)
        assert (entry.title, entry.about, entry.cases) == (suite.title, suite.about, len(suite.cases))


def test_a_written_suite_is_plain_yaml() -> None:
    text = dump_suite(load_suite("posters"))

    assert yaml.safe_load(text)["cases"][0]["expect"] == {"text": ["OPEN"]}
    assert "!!" not in text
