from __future__ import annotations

import hashlib
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from imgaudit.errors import ModelUnavailable, UsageError
from imgaudit.kernels.writing import box_of
from imgaudit.perceivers import _ocr_easy
from imgaudit.perceivers._ocr_common import Reading, Views, cleaned, per_character
from imgaudit.perceivers._ocr_easy import EasyOcr, checked
from imgaudit.perceivers.ocr import Ocr, readable, text_shaped
from imgaudit.percepts import Writing
from imgaudit.types import Failed, Look, Picture, Query, Sight


def page(*lines: tuple[int, int, int, str], size: tuple[int, int] = (640, 320)) -> np.ndarray:
    """Black writing on white: x, y, size, text."""
    picture = Image.new("RGB", size, "white")
    for x, y, height, text in lines:
        ImageDraw.Draw(picture).text((x, y), text, "black", ImageFont.load_default(height))
    return np.asarray(picture)


@pytest.fixture(scope="module")
def ocr() -> Ocr:
    return Ocr()


def see(ocr: Ocr, rgb: np.ndarray | None, **parameters: object) -> Sight:
    return ocr.perceive([Look(Picture(id="a", data=b"", file="", rgb=rgb), Query("ocr", parameters))])[0]


def read(ocr: Ocr, rgb: np.ndarray, **parameters: object) -> Writing:
    sight = see(ocr, rgb, **parameters)
    assert isinstance(sight, Writing), sight
    return sight


def test_lines_are_read_in_order_with_place_probabilities_and_contrast(ocr: Ocr):
    writing = read(ocr, page((40, 200, 40, "Second line"), (40, 40, 60, "FIRST"), (400, 40, 60, "NEXT")))

    assert [line.text for line in writing.lines] == ["FIRST", "NEXT", "Second line"]
    assert (writing.width, writing.height, writing.left_out) == (640, 320, 0)
    for line in writing.lines:
        assert len(line.characters) == len(line.text)
        assert line.score == pytest.approx(np.mean(line.characters), abs=1e-3)
        assert line.score > 0.9
        assert line.contrast is not None
        assert line.contrast > 15
    x0, y0, x1, y1 = box_of(writing.lines[0].polygon)
    assert 20 < x0 < 50 < 150 < x1 < 300
    assert 30 < y0 < 70 < 80 < y1 < 120


def test_a_slip_is_read_as_it_stands(ocr: Ocr):
    assert [line.text for line in read(ocr, page((20, 60, 45, "GENERATIIVE MOODEL"))).lines] == ["GENERATIIVE MOODEL"]


def test_small_writing_is_found_at_a_larger_scale(ocr: Ocr):
    small = page(*((20, 20 + 26 * i, 11, "small print of this page") for i in range(4)), size=(1400, 900))

    assert [line.text.replace(" ", "") for line in read(ocr, small).lines] == ["smallprintofthispage"] * 4


def test_writing_upside_down_and_on_its_side_is_read(ocr: Ocr):
    upright = page((60, 100, 60, "TURNED SIGN"))

    for turns in (1, 2, 3):
        assert [line.text for line in read(ocr, np.rot90(upright, turns).copy()).lines] == ["TURNED SIGN"], turns


def test_a_line_cut_out_of_its_page_is_read(ocr: Ocr):
    assert [line.text for line in read(ocr, page((4, 0, 28, "a tight crop of one line"), size=(330, 34))).lines] == [
        "a tight crop of one line"
    ]


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (64, 64), (900, 20), (640, 480)])
@pytest.mark.parametrize("shade", [0, 128, 255])
def test_nothing_is_invented_on_an_even_picture_of_any_size(ocr: Ocr, size: tuple[int, int], shade: int):
    writing = read(ocr, np.full((*size[::-1], 3), shade, np.uint8))

    assert writing.lines == writing.unread == ()


def test_nothing_is_invented_on_noise_and_fences(ocr: Ocr):
    rng = np.random.default_rng(4)
    y, x = np.mgrid[0:384, 0:512]
    fence = np.where(x % 24 < 5, 60, 200).astype(np.uint8)
    bricks = np.where((y % 32 < 3) | ((x + (y // 32 % 2) * 32) % 64 < 3), 210, 120).astype(np.uint8)
    noise = rng.integers(0, 256, (384, 512), dtype=np.uint8)

    for texture in (fence, bricks, noise):
        assert read(ocr, np.repeat(texture[:, :, None], 3, 2)).lines == ()


def test_a_picture_that_could_not_be_decoded_or_a_wrong_parameter_is_a_failure(ocr: Ocr):
    assert isinstance(see(ocr, None), Failed)
    assert isinstance(see(ocr, page(), sides=3), Failed)


def test_more_places_than_the_limit_are_counted(ocr: Ocr):
    crowded = page(*((20, 10 + 50 * i, 30, f"line {i}") for i in range(6)))

    writing = read(ocr, crowded, limit=2, upscale=False)
    assert len(writing.lines) + len(writing.unread) == 2
    assert writing.left_out == 4


def test_looking_twice_gives_the_same_answer(ocr: Ocr):
    rgb = page((40, 60, 60, "AGAIN"))

    assert see(ocr, rgb) == see(ocr, rgb)


def test_the_identity_names_weights_and_versions(ocr: Ocr):
    identity = ocr.identity()

    assert identity["engine"] == "rapidocr"
    assert len(identity["PP-OCRv6_rec_small.onnx"]) == 64


def test_nothing_is_said_while_reading(ocr: Ocr, capfd: pytest.CaptureFixture[str]):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(ocr, page((40, 60, 60, "QUIET")))

    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("RapidOCR").level >= logging.CRITICAL


def test_short_lines_need_a_higher_score():
    def line(text: str, score: float, found: float | None = None, width: float = 4) -> Reading:
        return Reading(text, score, ((0, 0), (width, 0), (width, 1), (0, 1)), found=found)

    assert readable(line("OPEN", 0.61))
    assert not readable(line("OP", 0.61))
    assert not readable(line("..!", 1.0))
    assert not readable(line("", 0.0))
    assert not text_shaped(line("O", 0.5, 0.65))
    assert text_shaped(line("", 0.0, 0.75))
    assert not text_shaped(line("", 0.0, 0.9, width=1))
    assert not text_shaped(line("R", 0.4, 0.9, width=1))
    assert text_shaped(line("ko", 0.3, 0.65))
    assert not text_shaped(line("ko", 0.3, 0.55))
    assert text_shaped(line("ko", 0.3))


def test_control_and_direction_characters_are_taken_out_with_their_probabilities():
    text, characters = cleaned(" a\u202eb\x1b\u200fc ", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])

    assert text == "abc"
    assert characters == (0.2, 0.4, 0.7)
    assert cleaned("ab", [0.5])[1] == ()


@pytest.mark.parametrize("length", [1, 5, 12, 30])
@pytest.mark.parametrize("step", [0.95, 0.9, 0.4])
def test_easyocrs_confidence_becomes_that_of_a_character_whatever_the_length(length: int, step: float):
    reported = np.full(length, step).prod() ** (2 / np.sqrt(length))

    assert per_character(reported, length) == pytest.approx(step)
    assert per_character(0.5, 0) == 0.0


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="there are: rapidocr, easyocr"):
        Ocr("tesserakt")
    with pytest.raises(UsageError):
        Ocr("rapidocr:/somewhere")


def test_parameters_and_views_are_one_thing():
    assert Views.of(Views(limit=3).parameters()) == Views(limit=3)


def test_missing_weights_are_an_abstention_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EASYOCR_MODULE_PATH", str(tmp_path))

    with pytest.raises(ModelUnavailable, match=r"craft_mlt_25k\.zip"):
        Ocr("easyocr")
    with pytest.raises(ModelUnavailable, match="EASYOCR_MODULE_PATH"):
        Ocr(f"easyocr:{tmp_path / 'nowhere'}")


def test_a_forged_weights_file_is_refused_before_it_is_opened(tmp_path: Path):
    trap = tmp_path / "ran"
    for name in _ocr_easy.DIGESTS:
        (tmp_path / name).write_bytes(f"cos\nsystem\n(S'touch {trap}'\ntR.".encode())

    with pytest.raises(ModelUnavailable, match="not the published"):
        Ocr(f"easyocr:{tmp_path}")
    assert not trap.exists()
    with pytest.raises(ModelUnavailable, match="not the published"):
        checked(tmp_path, "english_g2.pth")


@pytest.mark.slow
def test_easyocr_is_loaded_and_asked_by_the_real_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With weights of the right shapes and no training: it must run, and read nothing with confidence."""
    torch = pytest.importorskip("torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from easyocr import config
        from easyocr.craft import CRAFT
        from easyocr.model.vgg_model import Model

        recogniser = config.recognition_models["gen2"]["english_g2"]
        torch.manual_seed(0)
        parts = {
            "craft_mlt_25k.pth": CRAFT(pretrained=False),
            "english_g2.pth": Model(1, 256, 256, len(recogniser["characters"]) + 1),
        }
    for name, model in parts.items():
        torch.save({f"module.{key}": value for key, value in model.state_dict().items()}, tmp_path / name)
    digests = {name: hashlib.md5((tmp_path / name).read_bytes()).hexdigest() for name in parts}
    monkeypatch.setattr(_ocr_easy, "DIGESTS", digests)
    monkeypatch.setitem(config.detection_models["craft"], "md5sum", digests["craft_mlt_25k.pth"])
    monkeypatch.setitem(recogniser, "md5sum", digests["english_g2.pth"])

    engine = EasyOcr(str(tmp_path))
    found = engine.read(page((40, 60, 60, "OPEN")), Views(side=320))

    assert engine.identity()["engine"] == "easyocr"
    assert not [reading for reading in found.readings if readable(reading)]
