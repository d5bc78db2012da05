from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.errors import ConfigError, UsageError
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.types import Case, Controls, Generator, Job, Refused, Rendered


def served(folder: Path) -> Generator:
    return build(f"folder:{folder}", GeneratorOptions())


def save(path: Path, value: int = 0, **options: object) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 6), (value, 10, 20)).save(path, **options)
    return path.read_bytes()


def job(case: str, index: int = 0, prompt: str | None = "a kite", seed: int = 7) -> Job:
    return Job(Case(id=case, prompt=prompt), index, seed, Controls())


def red(result: Rendered | Refused) -> int:
    assert isinstance(result, Rendered), result
    return int(np.asarray(result.image)[0, 0, 0])


def test_pictures_are_found_by_case_and_index(tmp_path: Path) -> None:
    save(tmp_path / "kite" / "0.png", 1)
    save(tmp_path / "kite" / "1.webp", 2, lossless=True)
    save(tmp_path / "boat_3.png", 3)
    save(tmp_path / "a" / "b" / "2.png", 4)

    results = list(served(tmp_path).render([job("kite"), job("kite", 1), job("boat", 3), job("a/b", 2)]))

    assert [red(result) for result in results] == [1, 2, 3, 4]


def test_the_file_is_kept_as_it_came(tmp_path: Path) -> None:
    data = save(tmp_path / "kite_0.jpg")

    [made] = served(tmp_path).render([job("kite")])

    assert isinstance(made, Rendered)
    assert made.data == data
    assert (made.source.generator, made.source.model) == ("folder", tmp_path.name)
    assert (made.source.seed, made.source.prompt, made.source.parse) == (None, None, "none")


def test_a_missing_picture_is_refused_with_the_names_that_were_tried(tmp_path: Path) -> None:
    save(tmp_path / "kite_0.png")

    [refused] = served(tmp_path).render([job("kite", 1)])

    assert isinstance(refused, Refused)
    assert "kite/1.png, kite_1.png" in refused.reason


@pytest.mark.parametrize("id", ["../secret", "../out/secret", "kite/../../out/secret", "/etc/passwd", "..", "C:\\x"])
def test_no_case_id_leads_out_of_the_folder(tmp_path: Path, id: str) -> None:
    save(tmp_path / "out" / "secret_0.png")
    save(tmp_path / "out" / "secret" / "0.png")
    save(tmp_path / "secret_0.png")
    inside = tmp_path / "in"
    save(inside / "kite" / "0.png")

    [refused] = served(inside).render([job(id)])

    assert isinstance(refused, Refused)


def test_an_absolute_case_id_is_not_followed(tmp_path: Path) -> None:
    outside = save(tmp_path / "out" / "0.png") and tmp_path / "out"
    (tmp_path / "in").mkdir()

    [refused] = served(tmp_path / "in").render([job(str(outside))])

    assert isinstance(refused, Refused)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    save(tmp_path / "out" / "0.png")
    inside = tmp_path / "in"
    inside.mkdir()
    (inside / "kite_0.png").symlink_to(tmp_path / "out" / "0.png")
    (inside / "boat").symlink_to(tmp_path / "out")

    results = list(served(inside).render([job("kite"), job("boat")]))

    assert [type(result) for result in results] == [Refused, Refused]


def test_a_file_that_is_no_picture_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "kite_0.png").write_bytes(b"not a picture")
    (tmp_path / "boat_0.png").write_bytes(save(tmp_path / "whole.png")[:40])

    kite, boat = served(tmp_path).render([job("kite"), job("boat")])

    assert isinstance(kite, Refused)
    assert isinstance(boat, Refused)
    assert kite.reason.startswith("kite_0.png: ")


def test_a_table_finds_pictures_by_prompt_and_seed(tmp_path: Path) -> None:
    save(tmp_path / "x1.png", 1)
    save(tmp_path / "x2.png", 2)
    (tmp_path / "prompts.csv").write_text('file,prompt,seed\nx1.png,"a kite, red",7\nx2.png,"a kite, red",8\n')
    generator = served(tmp_path)

    results = list(generator.render([job("k", 0, "a kite, red", 8), job("k", 1, "a kite, red", 7)]))

    assert [red(result) for result in results] == [2, 1]
    source = results[0].source if isinstance(results[0], Rendered) else None
    assert source is not None
    assert (source.seed, source.prompt, source.parse) == (8, "a kite, red", "partial")


def test_a_table_without_seeds_counts_the_pictures_of_a_prompt(tmp_path: Path) -> None:
    lines = []
    for index in range(3):
        save(tmp_path / "deep" / f"{index}.png", index)
        lines.append(json.dumps({"file": f"deep/{index}.png", "prompt": "a kite" if index != 1 else "a boat"}))
    (tmp_path / "prompts.jsonl").write_text("\n".join(lines))

    first, second, missing, boat = served(tmp_path).render(
        [job("k", 0), job("k", 1), job("k", 2), job("b", 0, "a boat")]
    )

    assert [red(first), red(second), red(boat)] == [0, 2, 1]
    assert isinstance(missing, Refused)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("prompts.csv", "file,prompt\n../out.png,a kite\n", r"prompts.csv:2: '../out.png' is no file of the folder"),
        ("prompts.csv", "file,prompt\n/etc/passwd,a kite\n", "is no file of the folder"),
        ("prompts.csv", "name,text\nx.png,a kite\n", "prompts.csv:2: 'file' or 'prompt' is missing"),
        ("prompts.csv", "file,prompt,seed\nx.png,a kite,many\n", "seed 'many' is no whole number"),
        ("prompts.csv", "file,prompt,seed\nx.png,a kite," + "9" * 5000 + "\n", "is no whole number"),
        ("prompts.jsonl", '\n{"file": "x.png"\n', "prompts.jsonl:2: not JSON"),
        ("prompts.jsonl", "[1]\n", "prompts.jsonl:1: 'file' or 'prompt' is missing"),
    ],
)
def test_a_wrong_table_is_an_error_with_file_and_line(tmp_path: Path, name: str, text: str, complaint: str) -> None:
    save(tmp_path / "x.png")
    save(tmp_path.parent / "out.png")
    (tmp_path / name).write_text(text)

    with pytest.raises(ConfigError, match=complaint):
        served(tmp_path)


def test_a_table_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "prompts.csv").write_bytes(b"file,prompt\n\xff\xfe,x\n")

    with pytest.raises(ConfigError, match="not UTF-8"):
        served(tmp_path)


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [("folder", "needs a folder"), ("folder:/no/such/place", "no such folder"), ("folder@2:/tmp", "no revisions")],
)
def test_a_spec_that_names_no_folder_is_an_error(spec: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        build(spec, GeneratorOptions())


def test_identity_changes_with_the_files_and_names_no_path(tmp_path: Path) -> None:
    save(tmp_path / "kite_0.png")
    before = served(tmp_path).identity()
    save(tmp_path / "kite_1.png")
    after = served(tmp_path).identity()

    assert (before["pictures"], after["pictures"]) == (1, 2)
    assert before["files"] != after["files"]
    assert str(tmp_path.parent) not in json.dumps(after)
