"""The perceiver `detector`: its option, the embedded model, and tiny models of the real classes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from imgaudit.embedded import world
from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.kernels.objects import overlap
from imgaudit.perceivers import _detector_models as models
from imgaudit.perceivers.detector import Detector, Spec, parse
from imgaudit.percepts import Detections
from imgaudit.types import Abstained, Failed, Look, Picture, Query
from tests.perceivers.tiny_detectors import save_grounding_dino, save_owl


def look(rgb: np.ndarray | None, *nouns: str, name: str = "a") -> Look:
    return Look(Picture(id=name, data=b"", file="", rgb=rgb, pixels=name), Query("detector", {"nouns": list(nouns)}))


def pictures(count: int, high: int = 70, wide: int = 100) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    coarse = random.integers(0, 256, (count, 7, 10, 3), dtype=np.uint8)
    return [np.kron(one, np.ones((high // 7, wide // 10, 1), np.uint8)) for one in coarse]


def drawn(caption: str, seed: int = 0, side: int = 64) -> np.ndarray:
    scene = world.parse(caption)
    return world.draw(world.place(scene, np.random.default_rng(seed)), side)


@pytest.fixture(scope="module")
def owl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_owl(tmp_path_factory.mktemp("owl"))


@pytest.fixture(scope="module")
def owlvit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_owl(tmp_path_factory.mktemp("owlvit"), "owlvit")


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_grounding_dino(tmp_path_factory.mktemp("dino"))


# --- the option -----------------------------------------------------------------------------------


def test_an_option_names_model_revision_and_thresholds(tmp_path: Path) -> None:
    bands = tmp_path / "bands.json"
    bands.write_text('{"dog": [0.05, 0.2]}')

    assert parse("embedded") == Spec("embedded")
    assert parse("hf:google/owlv2-base@abc;floor=0.1;sure=0.25") == Spec("google/owlv2-base", "abc", 0.1, 0.25)
    assert parse(f"{tmp_path};bands={bands}") == Spec(str(tmp_path), bands={"dog": (0.05, 0.2)})


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("nothing-here", "no such folder"),
        ("hf:", "names no model"),
        ("embedded;floor=2", "no score"),
        ("embedded;sure=high", "no score"),
        ("embedded;floor=0.5;sure=0.4", "above"),
        ("embedded;colour=red", "cannot read"),
        ("embedded;floor=0.1;floor=0.2", "cannot read"),
        ("embedded;bands=nowhere.json", "cannot be read"),
    ],
)
def test_an_option_that_means_nothing_is_refused_with_what_was_expected(option: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"(?s){why}.*expected"):
        parse(option)


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"dog": 0.5}', '{"dog": [0.5, 0.1]}', '{"dog": [0.1, 7]}', '{"dog": [1]}']
)
def test_thresholds_of_nouns_are_checked(text: str, tmp_path: Path) -> None:
    (tmp_path / "bands.json").write_text(text)

    with pytest.raises(UsageError, match="floor first"):
        parse(f"embedded;bands={tmp_path / 'bands.json'}")


@pytest.mark.parametrize("nouns", [None, [], [""], ["  "], [7], "dog", ["a" * 201], ["dog"] * 101])
def test_a_query_without_nouns_fails_by_itself(nouns) -> None:
    picture = Picture(id="a", data=b"", file="", rgb=drawn("a red circle"), pixels="a")
    bad, good = Detector().perceive([Look(picture, Query("detector", {"nouns": nouns})), look(picture.rgb, "circle")])

    assert isinstance(bad, Failed)
    assert isinstance(good, Detections)


def test_a_picture_that_cannot_be_decoded_is_abstained_from() -> None:
    assert Detector().perceive([look(None, "circle")]) == [Abstained("the picture cannot be decoded")]


# --- the embedded model ---------------------------------------------------------------------------


def test_the_embedded_detector_finds_shapes_with_boxes_and_colours() -> None:
    rgb = drawn("a red circle left of a blue square", 3, 256)
    (seen,) = Detector().perceive([look(rgb, "circle", "squares", "star")])

    assert isinstance(seen, Detections)
    assert {(one.label, one.color) for one in seen.objects} == {("circle", "red"), ("squares", "blue")}
    assert all(one.score >= seen.sure for one in seen.objects)
    boxes = {one.label: one.box for one in seen.objects}
    assert boxes["circle"][2] < boxes["squares"][0]
    assert max(max(box) for box in boxes.values()) > 64


def test_a_shape_of_any_kind_can_be_asked_for() -> None:
    (seen,) = Detector().perceive([look(drawn("three red squares"), "shape", "circle")])

    assert isinstance(seen, Detections)
    assert [one.label for one in seen.objects] == ["shape"] * 3


def test_the_embedded_detector_says_what_it_cannot_look_for() -> None:
    both, none = Detector().perceive([look(drawn("a red circle"), "circle", "dog"), look(drawn("a red circle"), "dog")])

    assert isinstance(both, Detections)
    assert isinstance(none, Detections)
    assert (both.nouns, both.knows) == (("circle",), True)
    assert (none.nouns, none.knows) == ((), False)
    assert "dog" in (none.why_not or "")


def test_the_embedded_detector_knows_what_it_does_not_know() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    (seen,) = Detector().perceive([look(noise, "circle")])

    assert isinstance(seen, Detections)
    assert not seen.knows
    assert seen.objects == ()
    assert "world of coloured shapes" in (seen.why_not or "")


def test_thresholds_stand_in_the_percept_and_in_the_identity(tmp_path: Path) -> None:
    (tmp_path / "bands.json").write_text('{"circle": [0.3, 0.9], "dog": [0.1, 0.2]}')
    detector = Detector(f"embedded;floor=0.05;sure=0.5;bands={tmp_path / 'bands.json'}")
    (seen,) = detector.perceive([look(drawn("a red circle"), "circle")])

    assert isinstance(seen, Detections)
    assert (seen.floor, seen.sure, seen.bands) == (0.05, 0.5, {"circle": (0.3, 0.9)})
    assert detector.identity() != Detector().identity()
    assert detector.identity()["sure"] == "0.5"


# --- models of transformers -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["owl", "owlvit", "dino"])
def test_a_model_is_loaded_from_its_folder_and_finds_within_the_picture(kind: str, request) -> None:
    folder = request.getfixturevalue(kind)
    detector = Detector(f"{folder};floor=0;sure=0.5")
    seen = detector.perceive([look(rgb, "cat", "dog", name=str(n)) for n, rgb in enumerate(pictures(3))])

    assert str(folder.parent) not in json.dumps(dict(detector.identity()))
    assert {"weights", "transformers", "torch", "device", "dtype", "attention"} <= set(detector.identity())
    for one in seen:
        assert isinstance(one, Detections)
        assert one.objects
        assert {thing.label for thing in one.objects} <= {"cat", "dog"}
        for thing in one.objects:
            x0, y0, x1, y1 = thing.box
            assert 0 <= x0 < x1 <= 100
            assert 0 <= y0 < y1 <= 70


@pytest.mark.parametrize("kind", ["owl", "owlvit", "dino"])
def test_a_batch_answers_as_each_picture_alone(kind: str, request) -> None:
    detector = Detector(f"{request.getfixturevalue(kind)};floor=0;sure=0.5")
    looks = [look(rgb, "cat", "dog", name=f"w{n}") for n, rgb in enumerate(pictures(4))]
    looks += [look(rgb, "teddy bear", name=f"h{n}") for n, rgb in enumerate(pictures(3, 140, 50))]
    looks += [look(pictures(1)[0], "red cat", "dog", "bear", name="more")]
    order = np.random.default_rng(0).permutation(len(looks))
    together = dict(zip(order, detector.perceive([looks[i] for i in order]), strict=True))

    for index, one in enumerate(looks):
        (alone,) = detector.perceive([one])
        mine = together[index]
        assert isinstance(alone, Detections)
        assert isinstance(mine, Detections)
        assert [thing.label for thing in mine.objects] == [thing.label for thing in alone.objects]
        np.testing.assert_allclose([t.score for t in mine.objects], [t.score for t in alone.objects], atol=2e-5)
        np.testing.assert_allclose([t.box for t in mine.objects], [t.box for t in alone.objects], atol=0.05)


@pytest.mark.parametrize("kind", ["owl", "owlvit"])
def test_owl_finds_what_its_own_post_processing_finds(kind: str, request) -> None:
    import torch
    import transformers

    folder = request.getfixturevalue(kind)
    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(folder).eval()
    processor = transformers.AutoProcessor.from_pretrained(folder)
    nouns = ("red circle", "square")
    for rgb in (pictures(1)[0], pictures(1, 140, 50)[0]):
        inputs = processor(text=[[f"a photo of a {noun}" for noun in nouns]], images=[rgb], return_tensors="pt")
        with torch.inference_mode():
            outputs = model(**inputs)
        (wanted,) = processor.post_process_grounded_object_detection(
            outputs, threshold=0.0, target_sizes=[rgb.shape[:2]], text_labels=[list(nouns)]
        )
        (told,) = models.load(str(folder), None).detect([(rgb, nouns)], 0.0)
        assert [raw.noun for raw in told.found] == wanted["text_labels"]
        np.testing.assert_allclose([raw.score for raw in told.found], wanted["scores"], atol=1e-5)
        np.testing.assert_allclose([raw.box for raw in told.found], wanted["boxes"], atol=1e-3)


def test_grounding_dino_scores_a_noun_by_its_own_tokens(dino: Path) -> None:
    import torch
    import transformers

    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(dino).eval()
    processor = transformers.AutoProcessor.from_pretrained(dino)
    rgb = pictures(1)[0]
    inputs = processor(images=[rgb], text=["teddy bear. dog."], return_tensors="pt")
    assert processor.tokenizer.convert_ids_to_tokens(inputs["input_ids"][0]) == [
        "[CLS]", "teddy", "bear", ".", "dog", ".", "[SEP]",
    ]  # fmt: skip
    with torch.inference_mode():
        tokens = model(**inputs).logits[0].sigmoid()
    wanted = torch.stack([tokens[:, [1, 2]].mean(1), tokens[:, 4]], 1).max(1)

    (told,) = models.load(str(dino), None).detect([(rgb, ("Teddy bear", "dog"))], 0.0)

    assert [raw.noun for raw in told.found] == [("Teddy bear", "dog")[int(which)] for which in wanted.indices]
    assert {raw.noun for raw in told.found} == {"Teddy bear", "dog"}
    np.testing.assert_allclose([raw.score for raw in told.found], wanted.values, atol=1e-5)


def test_a_caption_is_lower_case_and_dots_part_its_nouns_alone() -> None:
    assert models.caption(["Teddy Bear", "St. Bernard", " what? "]) == "teddy bear. st bernard. what."


def test_nouns_that_do_not_fit_one_caption_get_several(dino: Path) -> None:
    nouns = tuple(f"{colour} {noun}" for colour in ("red", "wine", "st") for noun in ("cat", "dog", "bear", "glass"))
    model = models.load(str(dino), None)
    (told,) = model.detect([(pictures(1)[0], nouns)], 0.0)

    assert len(model._captions(nouns)) > 1
    assert told.nouns == nouns
    assert len(told.found) > 20


def test_a_noun_that_is_nothing_but_dots_fails_by_name(dino: Path) -> None:
    with pytest.raises(ValueError, match="cannot be told apart"):
        models.load(str(dino), None).detect([(pictures(1)[0], ("...", "dog"))], 0.0)


@pytest.mark.parametrize("kind", ["owl", "dino"])
def test_no_two_boxes_of_one_noun_are_one_thing(kind: str, request) -> None:
    (seen,) = Detector(f"{request.getfixturevalue(kind)};floor=0").perceive([look(pictures(1)[0], "cat", "dog")])

    assert isinstance(seen, Detections)
    for noun in seen.nouns:
        boxes = [one.box for one in seen.objects if one.label == noun]
        shares = [overlap(a, b) for n, a in enumerate(boxes) for b in boxes[:n]]
        assert all(union <= 0.5 and inside <= 0.9 for union, inside in shares)
        assert len(boxes) <= 16


def test_pixels_that_are_scaled_twice_are_refused(owl: Path) -> None:
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(owl).image_processor
    models.check_scaling(processor, "m")
    processor.rescale_factor = 1 / 255**2

    with pytest.raises(ModelUnavailable, match="trained on"):
        models.check_scaling(processor, "m")


def test_a_model_of_another_kind_is_no_detector(tmp_path: Path) -> None:
    from transformers import BertConfig

    BertConfig().save_pretrained(tmp_path)

    with pytest.raises(ModelUnavailable, match=r"'bert'.*owlv2"):
        Detector(str(tmp_path))


def test_a_model_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        Detector("hf:no/such-model@main")

    assert "hf download no/such-model" in caught.value.remedy


def test_weights_that_are_a_pickle_are_not_opened(owl: Path, tmp_path: Path) -> None:
    import shutil

    import torch

    shutil.copytree(owl, tmp_path / "m")
    (tmp_path / "m" / "model.safetensors").unlink()
    torch.save({}, tmp_path / "m" / "pytorch_model.bin")

    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        Detector(str(tmp_path / "m"))
