"""Tables and datasets, against what their formats' documentation asks for."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
from export.stored_run import MASK, SIDE, Drawn, painted, placed, rewrite, store
from export.test_delivery import decide, files_of

from imgaudit.cli import run as imgaudit
from imgaudit.errors import RunError, UsageError
from imgaudit.export.coco import write_coco
from imgaudit.export.fiftyone import write_fiftyone
from imgaudit.export.labelstudio import config_path, write_label_studio
from imgaudit.export.outbox import checked_file
from imgaudit.export.tables import write_decisions, write_findings, write_labels
from imgaudit.export.view import View, open_view
from imgaudit.rubric import load_rubric
from imgaudit.types import Finding

FORMULA = "=cmd|' /C calc'!A0"
SECRETS = ("skew", "skin_tone", "a dark person")
"""Words of a finding about a perceived attribute, which may stand in no export."""


def view_of(run: Path) -> View:
    return open_view(run, load_rubric(str(run.parent / "lenient.yaml")))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    abstained = Finding(checker="faces", version="1", outcome="abstained", reason="no face is in view")
    partly = Finding(checker="anatomy", version="1", outcome="measured", measures={"persons": 0.0},
                     unmeasured={"defect": "nobody is there"})  # fmt: skip
    return store(
        tmp_path / "run",
        [Drawn("a#0", "a", 0, findings=placed()), Drawn(FORMULA, "b", 0, blur=0.9, findings=(abstained, partly))],
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


# --- tables ----------------------------------------------------------------------------------------------------------


def test_decisions_stand_in_one_row_a_picture_and_no_cell_is_a_formula(run: Path, tmp_path: Path):
    decide(run, FORMULA, "publish", "+Ann")

    assert write_decisions(view_of(run), tmp_path / "d.csv") == 2

    rows = {row["machine"]: row for row in rows_of(tmp_path / "d.csv")}
    edited = rows["edit"]
    assert edited["id"] == "'" + FORMULA
    assert (edited["final"], edited["people"]) == ("publish", "publish")
    assert (edited["by"], edited["role"]) == ("'+Ann", "editor")
    assert (rows["publish"]["people"], rows["publish"]["waiting"]) == ("", "")
    assert "blurred" in edited["grounds"]


def test_parquet_holds_the_same_decisions_as_they_were_written(run: Path, tmp_path: Path):
    write_decisions(view_of(run), tmp_path / "d.csv")
    write_decisions(view_of(run), tmp_path / "d.parquet")

    table = parquet.read_table(tmp_path / "d.parquet")

    assert table.column("id").to_pylist() == ["a#0", FORMULA]
    assert table.column("people").to_pylist() == [None, None]
    assert table.column("seed").to_pylist() == [0, 0]
    assert table.column_names == list(rows_of(tmp_path / "d.csv")[0])


def test_a_measure_that_was_not_told_is_empty_with_its_reason_and_never_zero(run: Path, tmp_path: Path):
    write_findings(view_of(run), tmp_path / "f.csv")
    write_findings(view_of(run), tmp_path / "f.parquet")

    rows = rows_of(tmp_path / "f.csv")
    told = {(row["checker"], row["measure"]): (row["outcome"], row["value"], row["why"]) for row in rows}
    assert told["faces", ""] == ("abstained", "", "no face is in view")
    assert told["anatomy", "anatomy.defect"] == ("measured", "", "nobody is there")
    assert told["anatomy", "anatomy.persons"] == ("measured", "0.0", "")
    values = parquet.read_table(tmp_path / "f.parquet").to_pylist()
    assert [row["value"] for row in values if row["measure"] == "anatomy.defect"] == [None]
    assert not any(row["checker"] == "skew" for row in rows)


def test_labels_of_people_stand_in_one_row_a_checker_with_its_measures(run: Path, tmp_path: Path):
    assert write_labels(view_of(run), tmp_path / "none.csv") == 0
    decide(run, FORMULA, "edit")

    count = write_labels(view_of(run), tmp_path / "l.csv")

    rows = rows_of(tmp_path / "l.csv")
    assert count == len(rows) > 0
    quality = next(row for row in rows if row["checker"] == "quality")
    assert (quality["by"], quality["quality.blur"]) == ("Ann", "0.9")
    assert quality["verdict"] in ("defect", "fine")
    assert {row["checker"] for row in rows} & {"skew"} == set()


def test_halves_of_surrogate_pairs_do_not_stop_a_table(run: Path, tmp_path: Path):
    rewrite(run, lambda line: {**line, "prompt": "a \x00 b\u202e"})

    write_decisions(view_of(run), tmp_path / "d.csv")

    assert "⟨U+202E⟩" in (tmp_path / "d.csv").read_text()


# --- COCO ------------------------------------------------------------------------------------------------------------


def coco_of(run: Path, tmp_path: Path) -> dict[str, Any]:
    write_coco(view_of(run), tmp_path / "coco.json")
    value: dict[str, Any] = json.loads((tmp_path / "coco.json").read_text())
    return value


def test_coco_has_what_the_format_asks_for(run: Path, tmp_path: Path):
    coco = coco_of(run, tmp_path)

    assert set(coco) == {"info", "licenses", "images", "annotations", "categories"}
    images = {image["id"]: image for image in coco["images"]}
    categories = {category["id"]: category["name"] for category in coco["categories"]}
    assert [image["file_name"] for image in coco["images"]] == ["pictures/0000.png", "pictures/0001.png"]
    assert len({one["id"] for one in coco["annotations"]}) == len(coco["annotations"]) == 5
    for one in coco["annotations"]:
        image = images[one["image_id"]]
        x, y, width, height = one["bbox"]
        assert x >= 0
        assert y >= 0
        assert width > 0
        assert height > 0
        assert x + width <= image["width"]
        assert y + height <= image["height"]
        assert one["iscrowd"] == 0
        assert one["area"] > 0
        assert categories[one["category_id"]]
    assert {categories[one["category_id"]] for one in coco["annotations"]} == {
        "hands.extra_finger", "hands.malformed", "text",
    }  # fmt: skip


def test_coco_boxes_polygons_and_masks_are_where_they_were_found(run: Path, tmp_path: Path):
    first, second, third, _, mask = coco_of(run, tmp_path)["annotations"]

    assert first["bbox"] == [2, 3, 8, 17]
    assert second["bbox"] == [0, 0, 12, SIDE]
    assert (third["bbox"], third["area"]) == ([4, 4, 16, 8], 128)
    assert third["segmentation"] == [[4, 4, 20, 4, 20, 12, 4, 12]]
    assert mask["segmentation"] == {"counts": [int(run) for run in MASK.split()], "size": [SIDE, SIDE]}
    assert (mask["bbox"], mask["area"]) == ([1, 1, 2, 2], 4)


def test_the_box_around_a_mask_is_that_of_its_pixels():
    from imgaudit.export.coco import _box_of
    from imgaudit.kernels.masks import bounds, counts

    numbers = np.random.default_rng(3)
    for _ in range(200):
        height, width = (int(side) for side in numbers.integers(1, 9, 2))
        mask = numbers.random((height, width)) < numbers.random()
        box = bounds(mask)
        if box is None:
            continue
        x, y, across, down = _box_of(tuple(map(int, counts(mask).split())), height)
        assert (x, y, x + across, y + down) == box


# --- Label Studio ----------------------------------------------------------------------------------------------------


def test_label_studio_predictions_fit_their_own_configuration(run: Path, tmp_path: Path):
    target = tmp_path / "tasks.json"
    assert write_label_studio(view_of(run), target, "/data/local-files/?d=run/") == 2

    tasks = json.loads(target.read_text())
    root = ElementTree.parse(config_path(target)).getroot()
    controls = {one.get("name"): one for one in root if one.get("toName") == "image"}
    assert tasks[0]["data"]["image"] == "/data/local-files/?d=run/pictures/0000.png"
    results = [result for task in tasks for one in task["predictions"] for result in one["result"]]
    assert {one["type"] for one in results} == {"rectanglelabels", "polygonlabels", "keypointlabels", "choices"}
    for one in results:
        control = controls[one["from_name"]]
        assert control.tag.lower() == one["type"]
        values = {child.get("value") for child in control}
        assert set(one["value"][one["type"]]) <= values
        assert one["to_name"] == "image"
        numbers = [one["value"][name] for name in ("x", "y", "width", "height") if name in one["value"]]
        numbers += [part for point in one["value"].get("points", []) for part in point]
        assert all(0 <= number <= 100 for number in numbers)
    box = results[0]
    assert box["value"]["rectanglelabels"] == ["hands.extra_finger"]
    assert (box["value"]["x"], box["value"]["width"]) == (100 * 2 / SIDE, 100 * 8 / SIDE)
    assert (box["original_width"], box["original_height"], box["score"]) == (SIDE, SIDE, 0.9)


# --- FiftyOne --------------------------------------------------------------------------------------------------------


def test_a_fiftyone_dataset_holds_its_pictures_and_shares_between_zero_and_one(run: Path, tmp_path: Path):
    folder = tmp_path / "dataset"
    assert write_fiftyone(view_of(run), folder).samples == 2

    metadata = json.loads((folder / "metadata.json").read_text())
    assert "version" not in metadata
    samples = json.loads((folder / "samples.json").read_text())["samples"]
    assert len(samples) == 2
    for sample in samples:
        assert not Path(sample["filepath"]).is_absolute()
        assert (folder / sample["filepath"]).is_file()
        assert sample["metadata"] == {"_cls": "ImageMetadata", "width": SIDE, "height": SIDE}
    first = samples[0]
    assert (folder / first["filepath"]).read_bytes() == painted("a#0")
    assert first["final"] == {"_cls": "Classification", "label": "publish"}
    assert first["tags"] == ["publish", "hands.extra_finger", "hands.malformed"]
    detections = first["detections"]["detections"]
    assert [one["label"] for one in detections] == ["hands.extra_finger", "hands.malformed", "text", "text"]
    assert detections[0]["bounding_box"] == [2 / SIDE, 3 / SIDE, 8 / SIDE, 17 / SIDE]
    assert detections[0]["confidence"] == 0.9
    polylines, keypoints = first["polylines"]["polylines"], first["keypoints"]["keypoints"]
    assert [(one["_cls"], one["closed"]) for one in polylines] == [("Polyline", True)] * 3
    assert [one["label"] for one in keypoints] == ["hands"]
    points = [point for one in polylines for shape in one["points"] for point in shape]
    points += [point for one in keypoints for point in one["points"]]
    assert all(0 <= part <= 1 for point in points for part in point)
    assert first["measure_hands_defect"] == 0.2
    assert "measure_hands_defect" not in samples[1]


def test_a_fiftyone_folder_is_written_again_only_by_its_own_run(run: Path, tmp_path: Path):
    folder = tmp_path / "dataset"
    write_fiftyone(view_of(run), folder)
    before = files_of(folder)
    write_fiftyone(view_of(run), folder)
    assert files_of(folder) == before

    other = store(tmp_path / "other", [Drawn("a#0", "a", 0, data=painted("other"))])
    with pytest.raises(RunError, match="nothing was overwritten"):
        write_fiftyone(view_of(other), folder)
    assert {name: digest for name, digest in files_of(folder).items() if not name.startswith(".")} == before


def test_what_may_be_abuse_material_is_not_copied(tmp_path: Path):
    flagged = Finding(checker="safety", version="1", outcome="measured", codes=("safety.suspected_abuse",))
    run = store(tmp_path / "run", [Drawn("a#0", "a", 0, findings=(flagged,)), Drawn("a#1", "a", 1)])

    dataset = write_fiftyone(view_of(run), tmp_path / "dataset")

    assert (dataset.samples, list(dataset.left_out)) == (1, ["a#0"])
    assert [path.name for path in (tmp_path / "dataset/data").iterdir()] == ["a_1.png"]


# --- all of them -----------------------------------------------------------------------------------------------------


def test_nothing_perceived_of_people_leaves_the_run(run: Path, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    command = ["export", str(run), "--rubric", str(tmp_path / "lenient.yaml"), "--decisions", str(out / "d.csv")]
    command += ["--findings", str(out / "f.csv"), "--labels", str(out / "l.csv"), "--coco", str(out / "c.json")]
    decide(run, "a#0", "publish")
    assert imgaudit([*command, "--label-studio", str(out / "ls.json"), "--fiftyone", str(out / "fo")]) == 0

    names = [path.name for path in out.rglob("*") if path.is_file() and path.suffix != ".png"]
    assert len(names) == 8
    for path in out.rglob("*"):
        if path.suffix in (".csv", ".json", ".xml"):
            text = path.read_text()
            assert not [word for word in SECRETS if word in text], path.name


def test_every_file_is_whole_or_not_there(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from imgaudit.export import outbox

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    writers = {"d.csv": write_decisions, "f.parquet": write_findings, "c.json": write_coco,
               "t.json": write_label_studio}  # fmt: skip
    monkeypatch.setattr(outbox.os, "fsync", full)

    for name, write in writers.items():
        with pytest.raises(OSError, match="No space"):
            write(view_of(run), tmp_path / name)
    assert {path.name for path in tmp_path.iterdir()} == {"run", "lenient.yaml"}


def test_a_file_that_may_not_be_written_is_refused_before_anything_is_read(run: Path, tmp_path: Path):
    (tmp_path / "link.csv").symlink_to(run / "run.json")
    refusals = {
        run / "findings/000000.parquet": "inside the run", tmp_path / "table.xlsx": "expected a file that ends in",
        tmp_path / "link.csv": "a folder or a link", tmp_path / "nowhere/table.csv": "is no folder",
    }  # fmt: skip

    for path, why in refusals.items():
        with pytest.raises(UsageError, match=why):
            checked_file(path, run, (".csv", ".parquet"))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "nothing to export"),
        (["--best"], "nothing to export"),
        (["--decisions", "{out}/t.csv", "--best"], "--best is about delivered pictures"),
        (["--decisions", "{out}/t.csv", "--findings", "{out}/t.csv"], "to one file"),
        (["--approved", "{out}/d", "--as-is", "--provider", "x"], "--as-is writes nothing"),
        (["--approved", "{out}/d", "--source-type", "painting"], "expected one of"),
        (["--approved", "{out}/d", "--key", "k.pem"], "belong together"),
        (["--verify", "{out}"], "without RUN"),
        (["--approved", "{out}", "--public-key", "{out}"], "--public-key is for --verify"),
    ],
)
def test_options_that_do_not_fit_are_a_sentence(
    run: Path, tmp_path: Path, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
):
    filled = [one.replace("{out}", str(tmp_path)) for one in arguments]

    assert imgaudit(["export", str(run), *filled]) == 2
    assert why in capsys.readouterr().err


def test_export_without_a_run_and_its_help_are_sentences(capsys: pytest.CaptureFixture[str]):
    assert imgaudit(["export"]) == 2
    assert "no run was given" in capsys.readouterr().err
    assert imgaudit(["export", "--help"]) == 0
    assert "Example: imgaudit export" in capsys.readouterr().out
