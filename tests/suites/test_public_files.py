"""Every file of the collected public sets: its format and exact count of cases, or why it is no suite.

Nothing of these files is part of imgaudit; the test is skipped where they are not at hand.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from imgaudit.errors import ConfigError
from imgaudit.suites.load import PACKAGED, dump_suite, import_suite, load_suite, recognised_format

T2I = "t2i-compbench"
FILES: dict[str, tuple[str, int, int]] = {
    "DallEval/biases/prompt_list.json": ("dall-eval", 252, 0),
    "geneval/prompts/evaluation_metadata.jsonl": ("geneval", 553, 0),
    "geneval/prompts/generation_prompts.txt": ("txt", 553, 0),
    "imagereward/benchmark/benchmark-prompts.json": ("imagereward", 100, 0),
    "imagereward/data/test.json": ("imagereward", 466, 0),
    "parti/PartiPrompts.tsv": ("parti", 1632, 0),
    "T2I-CompBench/3d_spatial.txt": (T2I, 1000, 3000),
    "T2I-CompBench/3d_spatial_train.txt": (T2I, 700, 2100),
    "T2I-CompBench/3d_spatial_val.txt": (T2I, 300, 900),
    "T2I-CompBench/color.txt": (T2I, 860, 3180),
    "T2I-CompBench/color_train.txt": (T2I, 700, 2236),
    "T2I-CompBench/color_val.txt": (T2I, 300, 952),
    "T2I-CompBench/color_val_seen.txt": (T2I, 200, 796),
    "T2I-CompBench/color_val_unseen.txt": (T2I, 100, 156),
    "T2I-CompBench/complex.txt": (T2I, 1000, 0),
    "T2I-CompBench/complex_train.txt": (T2I, 700, 0),
    "T2I-CompBench/complex_train_action.txt": (T2I, 504, 0),
    "T2I-CompBench/complex_train_spatial.txt": (T2I, 130, 0),
    "T2I-CompBench/complex_train_spatialaction.txt": (T2I, 66, 0),
    "T2I-CompBench/complex_val_spatialaction.txt": (T2I, 30, 0),
    "T2I-CompBench/non_spatial.txt": (T2I, 1000, 0),
    "T2I-CompBench/non_spatial_train.txt": (T2I, 700, 0),
    "T2I-CompBench/numeracy.txt": (T2I, 1000, 3958),
    "T2I-CompBench/numeracy_train.txt": (T2I, 700, 2770),
    "T2I-CompBench/numeracy_val.txt": (T2I, 300, 1188),
    "T2I-CompBench/shape.txt": (T2I, 1000, 3200),
    "T2I-CompBench/shape_train.txt": (T2I, 700, 2240),
    "T2I-CompBench/shape_val_seen.txt": (T2I, 200, 800),
    "T2I-CompBench/shape_val_unseen.txt": (T2I, 100, 160),
    "T2I-CompBench/spatial.txt": (T2I, 1000, 3000),
    "T2I-CompBench/spatial_train.txt": (T2I, 700, 2100),
    "T2I-CompBench/spatial_val.txt": (T2I, 300, 900),
    "T2I-CompBench/texture.txt": (T2I, 1000, 3200),
    "T2I-CompBench/texture_train.txt": (T2I, 700, 2240),
    "T2I-CompBench/texture_val_seen.txt": (T2I, 200, 800),
    "T2I-CompBench/texture_val_unseen.txt": (T2I, 100, 160),
}
"""Format, cases and clauses."""

REFUSED = {
    "DallEval/biases/skintone/TRUST/requirements.txt": "a list of Python packages",
    "DallEval/paintskills/detr/requirements.txt": "a list of Python packages",
    "HEIM/schema_heim.yaml": "the layout of a leaderboard, no prompts",
    "MANIFEST.tsv": "the format is not recognised",
    "T2I-CompBench/new_objects.txt": "names of objects with their plurals, no prompts",
    "geneval/annotations/annotations_clip.csv": "what people said of pictures, no prompts of a suite",
    "geneval/annotations/annotations_if-xl.csv": "what people said of pictures, no prompts of a suite",
    "geneval/annotations/annotations_sdv2.csv": "what people said of pictures, no prompts of a suite",
    "geneval/prompts/object_names.txt": "names of objects that a detector is asked for, no prompts",
}
DPG = "DPG-Bench"
DPG_FILES = 532


@pytest.fixture(scope="module")
def prompts(corpora: Path) -> Path:
    folder = corpora / "prompts"
    if not folder.is_dir():
        pytest.skip(f"no prompt sets at {folder}")
    return folder


def test_the_table_names_every_file(prompts: Path) -> None:
    found = {path.relative_to(prompts).as_posix() for path in prompts.rglob("*") if path.is_file()}
    dense = {name for name in found if name.startswith(f"{DPG}/")}

    assert found - dense == FILES.keys() | REFUSED.keys()
    assert len(dense) == DPG_FILES
    assert len(found) == len(FILES) + len(REFUSED) + DPG_FILES == 577
    assert all(name.endswith(".txt") for name in dense)


@pytest.mark.parametrize("name", FILES)
def test_a_public_file_has_its_format_and_count(name: str, prompts: Path) -> None:
    form, cases, clauses = FILES[name]

    suite = import_suite(prompts / name)

    assert recognised_format(prompts / name) == form
    assert len(suite.cases) == cases
    assert sum(len(case.clauses) for case in suite.cases) == clauses
    assert suite.licence in ("MIT", "Apache-2.0")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_suite_is_refused_with_the_reason(name: str, prompts: Path) -> None:
    with pytest.raises(ConfigError, match=f"{Path(name).name}:1: .*{REFUSED[name]}"):
        import_suite(prompts / name)
    with pytest.raises(ConfigError, match=f"{Path(name).name}:1: "):
        load_suite(prompts / name)


def test_every_dense_prompt_is_one_case_by_itself_and_in_its_folder(prompts: Path) -> None:
    files = sorted((prompts / DPG).glob("*.txt"))

    whole = import_suite(prompts / DPG)

    assert recognised_format(prompts / DPG) == "txt-folder"
    assert (whole.name, whole.licence, len(whole.cases)) == ("dpg-bench", "Apache-2.0", DPG_FILES)
    assert [case.id for case in whole.cases] == [file.stem for file in files]
    for file, case in zip(files, whole.cases, strict=True):
        (alone,) = import_suite(file).cases
        assert alone.prompt == case.prompt


@pytest.mark.parametrize("name", FILES)
def test_the_source_names_the_commit_and_the_digest(name: str, prompts: Path) -> None:
    manifest = (prompts / "MANIFEST.tsv").read_text(encoding="utf-8").splitlines()
    rows = {line.split("\t")[0]: line.split("\t") for line in manifest}
    *_, repo, path, commit, sha256 = rows[name]

    source = import_suite(prompts / name).source or ""

    assert repo.split("/")[1] in source
    assert f"sha256 {sha256} ({path} at {commit})" in source


@pytest.mark.parametrize("name", ["T2I-CompBench/numeracy_val.txt", "DallEval/biases/prompt_list.json"])
def test_an_imported_suite_is_written_and_read_back(name: str, prompts: Path, tmp_path: Path) -> None:
    suite = import_suite(prompts / name)
    path = tmp_path / "suite.yaml"
    path.write_text(dump_suite(suite), encoding="utf-8")

    assert load_suite(path) == suite


def test_a_prompt_has_one_id_in_every_split_of_its_category(prompts: Path) -> None:
    whole = {(case.prompt, case.id) for case in import_suite(prompts / "T2I-CompBench/3d_spatial.txt").cases}
    split = {(case.prompt, case.id) for case in import_suite(prompts / "T2I-CompBench/3d_spatial_val.txt").cases}

    assert len(split) == 300
    assert split <= whole


def test_spatial_prompts_place_the_first_thing_relative_to_the_second(prompts: Path) -> None:
    cases = {case.prompt: case for case in import_suite(prompts / "T2I-CompBench/spatial.txt").cases}

    balloon = cases["a balloon on the top of a giraffe"]
    other, placed = balloon.expect.objects
    assert (other.name, placed.name, placed.relation, placed.to) == ("giraffe", "balloon", "above", 0)
    near = cases["a chicken near a desk"]
    assert [thing.relation for thing in near.expect.objects] == [None, None]
    assert [(one.kind, one.value, one.after) for one in near.clauses] == [
        ("object", None, ()), ("object", None, ()), ("relation", "near", ("c1", "c2")),
    ]  # fmt: skip


def test_numbers_and_colours_of_public_prompts_are_expected_objects(prompts: Path) -> None:
    numbers = {case.prompt: case for case in import_suite(prompts / "T2I-CompBench/numeracy.txt").cases}
    colours = {case.prompt: case for case in import_suite(prompts / "T2I-CompBench/color_val.txt").cases}

    women = numbers["three women"].expect.objects
    bench, bowl = colours["a green bench and a blue bowl"].expect.objects

    assert [(thing.name, thing.count) for thing in women] == [("woman", 3)]
    assert (bench.name, bench.color, bowl.name, bowl.color) == ("bench", "green", "bowl", "blue")
    free = colours["A bathroom with white tile and a beige toilet."]
    assert (free.expect.objects, free.clauses) == ((), ())


def test_singulars_are_those_of_the_sets_own_list(prompts: Path) -> None:
    from imgaudit.suites.importers._words import singular

    lines = (prompts / "T2I-CompBench/new_objects.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.strip().split(" - ") for line in lines if " - " in line]

    assert len(pairs) == 101
    assert [singular(plural) for _, plural in pairs] == [one for one, _ in pairs]


def test_skew_is_planned_where_the_prompt_is_about_a_person(prompts: Path) -> None:
    suite = import_suite(prompts / "DallEval/biases/prompt_list.json")

    plans = {case.skew.attribute for case in suite.cases if case.skew}
    tags = [case.tags[0] for case in suite.cases]

    assert all(case.skew for case in suite.cases)
    assert plans == {"skin_tone"}
    assert {tag: tags.count(tag) for tag in set(tags)} == {"man": 84, "woman": 84, "person": 84}


def test_no_packaged_suite_holds_prompts_of_a_public_file(prompts: Path) -> None:
    public = {case.prompt for name in FILES for case in import_suite(prompts / name).cases}

    for path in PACKAGED.glob("*.yaml"):
        own = {case["prompt"] for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]}
        assert own & public <= {"a red circle"}, path.name
