"""Pictures rendered elsewhere are joined to the right case and seed, or refused; nothing outside the folder is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.errors import ConfigError, UsageError
from imgaudit.generators._spec import GeneratorOptions, build
from imgaudit.generators.folder import cut
from imgaudit.suites.joining import suite_pictures
from imgaudit.suites.layouts import LAYOUTS, Layouts, joined, listing
from imgaudit.suites.load import import_suite, load_suite
from imgaudit.types import Case, Controls, Job, Refused, Rendered

GENEVAL = [
    {"tag": "counting", "include": [{"class": "clock", "count": 2}], "exclude": [{"class": "clock", "count": 3}],
     "prompt": "a photo of two clocks"},
    {"tag": "colors", "include": [{"class": "kite", "count": 1, "color": "red"}], "prompt": "a photo of a red kite"},
]  # fmt: skip


def paint(path: Path, value: int = 1, size: tuple[int, int] = (8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 10, 20)).save(path, **({"lossless": True} if path.suffix == ".webp" else {}))
    return path


def geneval_folder(root: Path, samples: int = 4) -> Path:
    for number, metadata in enumerate(GENEVAL):
        folder = root / f"{number:05d}"
        for sample in range(samples):
            paint(folder / "samples" / f"{sample:05d}.png", 10 * number + sample)
        (folder / "metadata.jsonl").write_text(json.dumps(metadata))
        paint(folder / "grid.png", 99)
    return root


def geneval_suite(folder: Path) -> Path:
    path = folder / "evaluation_metadata.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in GENEVAL))
    return path


def served(spec: str, cases: Sequence[Case], indexes: Sequence[int]) -> list[int | str]:
    """The red value of each picture, or why there is none."""
    generator = build(spec, GeneratorOptions())
    jobs = [Job(case, index, 12345, Controls()) for case in cases for index in indexes]
    return [_told(result) for result in generator.render(jobs)]


def _told(result: Rendered | Refused) -> int | str:
    if isinstance(result, Refused):
        return result.reason
    return int(np.asarray(result.image)[0, 0, 0])


def test_every_layout_says_what_it_is() -> None:
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS) == 6
    assert all("<" in layout.title or "table" in layout.title for layout in LAYOUTS)


def test_a_geneval_folder_is_joined_by_number_and_prompt(tmp_path: Path) -> None:
    suite = import_suite(geneval_suite(tmp_path))
    root = geneval_folder(tmp_path / "out")

    assert served(f"folder:{root}", suite.cases, range(4)) == [0, 1, 2, 3, 10, 11, 12, 13]
    (reason,) = served(f"folder:{root}", suite.cases[:1], [4])
    assert "the folder has no picture of it" in str(reason)


def test_a_geneval_folder_of_another_order_is_joined_by_prompt(tmp_path: Path) -> None:
    suite = import_suite(geneval_suite(tmp_path))
    root = geneval_folder(tmp_path / "out")
    (root / "00000").rename(root / "00007")
    (root / "00001").rename(root / "00000")

    assert served(f"folder:{root}", suite.cases, [2]) == [2, 12]


def test_a_geneval_folder_with_another_prompt_is_refused_and_never_joined_by_number(tmp_path: Path) -> None:
    suite = import_suite(geneval_suite(tmp_path))
    root = geneval_folder(tmp_path / "out")
    (root / "00001" / "metadata.jsonl").write_text(json.dumps({**GENEVAL[1], "prompt": "a photo of a blue kite"}))

    (reason,) = served(f"folder:{root}", suite.cases[1:], [0])

    assert reason == "the folder 00001 was rendered from another prompt: 'a photo of a blue kite'"


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "no valid JSON"), ("[]", "there is no prompt"), ('{"prompt": 5}', "no prompt"), ("[" * 99_999, "JSON")],
)
def test_broken_metadata_is_told_with_its_folder(text: str, words: str, tmp_path: Path) -> None:
    root = geneval_folder(tmp_path)
    (root / "00000" / "metadata.jsonl").write_text(text)

    with pytest.raises(ConfigError, match=rf"00000/metadata\.jsonl:1: .*{words}"):
        build(f"folder:{root}", GeneratorOptions())


def test_metadata_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    root = geneval_folder(tmp_path)
    with (root / "00000" / "metadata.jsonl").open("wb") as stream:
        stream.truncate((1 << 20) + 1)

    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        build(f"folder:{root}", GeneratorOptions())


def test_names_made_of_prompts_are_taken_in_the_order_of_their_counter(tmp_path: Path) -> None:
    for counter, prompt in enumerate(["a red bench", "a red bench", "a blue bowl", "a blue bowl"]):
        paint(tmp_path / "samples" / f"{prompt}_{counter:06d}.png", counter)
    paint(tmp_path / "a red bench-grid-0000.png", 99)
    cases = [Case(id="x", prompt="a red bench"), Case(id="y", prompt="a blue bowl")]

    assert served(f"folder:{tmp_path}", cases, [0, 1]) == [0, 1, 2, 3]


def test_a_short_number_after_a_prompt_is_the_seed_index_itself(tmp_path: Path) -> None:
    for index in (0, 2):
        paint(tmp_path / f"ein Café_{index}.png", index)
    case = Case(id="x", prompt="ein Cafe\u0301")

    first, gap, third = served(f"folder:{tmp_path}", [case], [0, 1, 2])

    assert (first, third) == (0, 2)
    assert "the folder has no picture of it" in str(gap)


def test_a_slash_of_a_prompt_may_be_replaced_in_its_name(tmp_path: Path) -> None:
    paint(tmp_path / "a 50_50 split_0.png", 5)

    assert served(f"folder:{tmp_path}", [Case(id="x", prompt="a 50/50 split")], [0]) == [5]


def test_pictures_of_a_run_and_lone_pictures_are_found_by_case(tmp_path: Path) -> None:
    paint(tmp_path / "kite_0003.png", 3)
    paint(tmp_path / "00001.jpeg", 7)
    paint(tmp_path / "boat" / "2.webp", 2)

    assert served(f"folder:{tmp_path}", [Case(id="kite", prompt="k")], [3]) == [3]
    assert served(f"folder:{tmp_path}", [Case(id="boat", prompt="b")], [2]) == [2]
    assert len(Layouts(listing(tmp_path)).pictures(Case(id="00001", prompt="g"))) == 1


def test_oneig_and_tiif_folders_are_joined_and_two_models_are_refused(tmp_path: Path) -> None:
    paint(tmp_path / "anime" / "m1" / "000.webp", 4)
    paint(tmp_path / "2d_spatial_relation" / "m1" / "short_description" / "0.png", 6)
    cases = [Case(id="anime-000", prompt="a"), Case(id="2d-spatial-relation-0000-short", prompt="b")]

    assert served(f"folder:{tmp_path}", cases, [0]) == [4, 6]
    paint(tmp_path / "anime" / "m2" / "000.webp", 5)
    (reason, _) = served(f"folder:{tmp_path}", cases, [0])
    assert reason == "several models drew it: m1, m2; keep one model's pictures in a folder"


def test_a_table_joins_by_case_and_index(tmp_path: Path) -> None:
    for name, value in (("p.png", 1), ("q.png", 2), ("r.png", 3)):
        paint(tmp_path / name, value)
    (tmp_path / "names.csv").write_text("file,case,index\np.png,kite,1\nq.png,kite,0\nr.png,boat,0\n")

    assert served(f"folder:{tmp_path}", [Case(id="kite", prompt="k")], [0, 1]) == [2, 1]
    assert served(f"folder:{tmp_path}", [Case(id="boat", prompt="b")], [0]) == [3]


def test_a_map_of_prompts_or_ids_joins_as_other_benchmarks_write_it(tmp_path: Path) -> None:
    paint(tmp_path / "p.png", 1)
    paint(tmp_path / "q.png", 2)
    (tmp_path / "names.json").write_text(json.dumps({"a red kite": ["p.png", "q.png"], "coco_5": "q.png"}))

    assert served(f"folder:{tmp_path}", [Case(id="k", prompt="a red kite")], [0, 1]) == [1, 2]
    assert served(f"folder:{tmp_path}", [Case(id="coco_5", prompt="b")], [0]) == [2]


def test_a_list_of_another_tool_joins_by_its_own_names(tmp_path: Path) -> None:
    paint(tmp_path / "images" / "p.png", 1)
    (tmp_path / "names.jsonl").write_text(json.dumps({"id": 3, "prompt": "a kite", "image_path": "images/p.png"}))

    assert served(f"folder:{tmp_path}", [Case(id="3", prompt="other words")], [0]) == [1]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("names.csv", "file,case\n../secret.png,kite\n", "is no file of the folder"),
        ("names.json", '{"kite": "/etc/passwd"}', "is no file of the folder"),
        ("names.json", "[1]", "no object; expected case ids or prompts"),
        ("names.csv", "file,case,index\np.png,kite,-1\n", "index '-1' is no whole number"),
        ("names.csv", "file,note\np.png,kite\n", "'file' or 'prompt' is missing"),
        ("names.json", "[" * 99_999, "not JSON"),
    ],
)
def test_a_wrong_table_is_told_with_its_line(name: str, text: str, words: str, tmp_path: Path) -> None:
    paint(tmp_path / "in" / "p.png")
    paint(tmp_path / "secret.png")
    (tmp_path / "in" / name).write_text(text)

    with pytest.raises(ConfigError, match=words):
        build(f"folder:{tmp_path / 'in'}", GeneratorOptions())


# --- grids -----------------------------------------------------------------------------------------------------------


def grid(path: Path, values: Sequence[int], side: int = 16, gap: int = 0) -> Path:
    """A 2 x 2 grid of plain tiles, with black lines as torchvision's make_grid leaves them."""
    whole = 2 * side + 3 * gap
    picture = np.zeros((whole, whole, 3), np.uint8)
    for place, value in enumerate(values):
        top, left = (gap + axis * (side + gap) for axis in divmod(place, 2))
        picture[top : top + side, left : left + side] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)
    return path


def test_a_grid_is_four_seeds_row_by_row(tmp_path: Path) -> None:
    grid(tmp_path / "partiprompts3.png", [10, 20, 30, 40])
    case = Case(id="partiprompts3", prompt="long words")

    assert served(f"folder:{tmp_path};grid=2", [case], range(4)) == [10, 20, 30, 40]
    generator = build(f"folder:{tmp_path};grid=2", GeneratorOptions())
    [tile] = generator.render([Job(case, 3, 0, Controls())])
    assert isinstance(tile, Rendered)
    assert (tile.image.size, tile.data) == ((16, 16), None)
    assert generator.identity()["grid"] == 2


def test_black_lines_between_tiles_are_cut_with_them(tmp_path: Path) -> None:
    rgb = np.asarray(Image.open(grid(tmp_path / "g.png", [10, 20, 30, 40], gap=2)))

    tiles = [cut(rgb, 2, tile, "g.png") for tile in range(4)]

    assert [tile.shape for tile in tiles] == [(16, 16, 3)] * 4
    assert [set(np.unique(tile)) for tile in tiles] == [{10}, {20}, {30}, {40}]


def test_black_ground_is_not_taken_for_lines(tmp_path: Path) -> None:
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[8:24, 8:24] = 200

    assert cut(rgb, 2, 0, "g").shape == (32, 32, 3)


def test_a_black_tile_and_a_size_that_tiles_do_not_fill_are_refused(tmp_path: Path) -> None:
    grid(tmp_path / "a.png", [10, 0, 30, 40])
    Image.new("RGB", (33, 32), (5, 5, 5)).save(tmp_path / "b.png")
    cases = [Case(id="a", prompt="a"), Case(id="b", prompt="b")]

    first, black, *_, odd = served(f"folder:{tmp_path};grid=2", [cases[0]], [0, 1]) + served(
        f"folder:{tmp_path};grid=2", [cases[1]], [0]
    )

    assert first == 10
    assert black == "a.png: tile 1 is black all over, as where a picture is missing"
    assert odd == "b.png: 33 x 32 pixels are not filled by 2 x 2 equal tiles"


@pytest.mark.parametrize("count", ["0", "9", "99", "100000000000000000000"])
def test_a_grid_of_no_or_too_many_tiles_is_refused(count: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected 1 to 8 tiles a side"):
        build(f"folder:{tmp_path};grid={count}", GeneratorOptions())


# --- audit with a suite ----------------------------------------------------------------------------------------------


def test_a_folder_is_joined_to_a_suite_and_what_is_missing_is_named(tmp_path: Path) -> None:
    suite = load_suite(geneval_suite(tmp_path))
    root = geneval_folder(tmp_path / "out", samples=2)
    (root / "00001" / "samples" / "00000.png").unlink()
    (root / "00001" / "samples" / "00001.png").unlink()

    found = suite_pictures(suite, [root])

    assert found.without == ("00001",)
    row = found.find("00000/samples/00001.png", root / "00000" / "samples" / "00001.png")
    assert row is not None
    assert (row.case.id, row.seed, row.named, row.case.tags) == ("00000", 1, True, ("counting",))
    assert found.find("00000/grid.png", root / "00000" / "grid.png") is None
    assert found.digest == suite.digest


def test_a_name_in_letters_and_accents_apart_is_found_by_the_audit(tmp_path: Path) -> None:
    path = paint(tmp_path / "out" / "ein Cafe\u0301_0.png")
    suite = import_suite(_prompts(tmp_path, "ein Caf\u00e9\n"))

    assert suite_pictures(suite, [tmp_path / "out"]).find("ein Caf\u00e9_0.png", path) is not None


def _prompts(folder: Path, text: str) -> Path:
    path = folder / "prompts.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_two_cases_that_claim_one_picture_are_an_error(tmp_path: Path) -> None:
    paint(tmp_path / "kite_3.png")

    with pytest.raises(ConfigError, match=r"both the case 'kite' and the case 'kite_3' claim it"):
        joined([Case(id="kite", prompt="a"), Case(id="kite_3", prompt="b")], listing(tmp_path))


def test_a_folder_without_a_picture_of_the_suite_is_refused(tmp_path: Path) -> None:
    paint(tmp_path / "out" / "holiday.png")
    suite = load_suite(geneval_suite(tmp_path))

    with pytest.raises(UsageError, match="no picture is one of the suite 'geneval'"):
        suite_pictures(suite, [tmp_path / "out"])
    with pytest.raises(UsageError, match="joins one folder"):
        suite_pictures(suite, [tmp_path / "out", tmp_path])


def test_a_link_out_of_the_folder_is_not_listed(tmp_path: Path) -> None:
    secret = paint(tmp_path / "secret.png")
    root = tmp_path / "in"
    paint(root / "a.png")
    (root / "b.png").symlink_to(secret)
    (root / "c").symlink_to(tmp_path)

    assert set(listing(root)) == {"a.png"}


def test_an_empty_folder_has_no_pictures_of_any_case() -> None:
    assert Layouts({}).pictures(Case(id="x", prompt="y")) == {}
