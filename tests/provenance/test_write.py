"""The marks that imgaudit writes."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from imgaudit.errors import PictureError
from imgaudit.provenance import source as sources
from imgaudit.provenance.generators import a1111
from imgaudit.provenance.write import mark
from imgaudit.types import Source

SOURCE = Source(
    generator="embedded@2",
    model="embedded@2",
    sampler="ddim",
    steps=20,
    guidance=7.5,
    seed=4294967295,
    prompt="a red circle,\nleft of “テスト”",
    negative="text",
    parse="complete",
)


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8))


def test_what_is_written_is_read_back_exactly(picture: Image.Image) -> None:
    data = mark(picture, SOURCE, case="red-circle")

    found = sources.read(data)
    assert found.source == SOURCE
    assert found.fields.get("png.Software") == "imgaudit"
    assert found.problems == ()


@pytest.mark.parametrize("prompt", ["", "a\nNegative prompt: b\nSteps: 3, Seed: 4", "Steps: 1, x", "a\rb\tc"])
def test_a_prompt_that_looks_like_settings_is_read_back_exactly(picture: Image.Image, prompt: str) -> None:
    source = SOURCE.model_copy(update={"prompt": prompt})

    assert sources.read(mark(picture, source)).source == source


def test_other_programs_read_the_same_settings_from_the_customary_text(picture: Image.Image) -> None:
    with Image.open(BytesIO(mark(picture, SOURCE.model_copy(update={"model": 'a "b": c, d'})))) as opened:
        opened.load()
        prompt, negative, settings = a1111.split(opened.text["parameters"])

    assert (prompt, negative) == (SOURCE.prompt, SOURCE.negative)
    assert settings == {
        "steps": "20",
        "sampler": "ddim",
        "cfg scale": "7.5",
        "seed": "4294967295",
        "size": "32x24",
        "model": 'a "b": c, d',
        "version": "imgaudit",
    }


def test_the_digital_source_type_is_written_as_full_address(picture: Image.Image) -> None:
    fields = sources.read(mark(picture, SOURCE)).fields

    address = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    assert fields.get("xmp.Iptc4xmpExt:DigitalSourceType") == address
    assert fields.get("xmp.Iptc4xmpExt:AISystemUsed") == "embedded@2"


def test_the_same_picture_and_source_give_the_same_bytes(picture: Image.Image) -> None:
    assert mark(picture, SOURCE) == mark(picture.copy(), SOURCE.model_copy())


def test_marking_twice_is_marking_once(picture: Image.Image) -> None:
    once = mark(picture, SOURCE)

    assert mark(once, SOURCE) == once


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_marking_changes_no_pixel(picture: Image.Image, mode: str) -> None:
    converted = picture.convert(mode)

    with Image.open(BytesIO(mark(converted, SOURCE))) as opened:
        assert np.array_equal(np.asarray(opened.convert("RGB")), np.asarray(converted.convert("RGB")))


def test_png_bytes_keep_their_other_chunks(picture: Image.Image) -> None:
    stream = BytesIO()
    picture.save(stream, format="PNG", dpi=(300, 300), compress_level=9)

    data = mark(stream.getvalue(), SOURCE)

    assert sources.read(data).source == SOURCE
    with Image.open(BytesIO(data)) as opened:
        assert round(opened.info["dpi"][0]) == 300


@pytest.mark.parametrize(
    "model", ["/home/someone/models/dream.safetensors", "C:\\models\\dream.safetensors", "~/x/dream.safetensors"]
)
def test_no_path_is_written(picture: Image.Image, model: str) -> None:
    data = mark(picture, SOURCE.model_copy(update={"model": model}))

    assert sources.read(data).source.model == "dream.safetensors"
    assert b"someone" not in data
    assert b"models" not in data


def test_a_hub_name_is_no_path(picture: Image.Image) -> None:
    source = SOURCE.model_copy(update={"model": "stabilityai/sdxl-turbo"})

    assert sources.read(mark(picture, source)).source.model == "stabilityai/sdxl-turbo"


def test_markup_and_control_characters_in_names_do_not_break_the_packet(picture: Image.Image) -> None:
    source = SOURCE.model_copy(update={"generator": "a<b>&\x01\0c", "model": "]]>"})

    fields = sources.read(mark(picture, source)).fields

    assert fields.get("xmp.Iptc4xmpExt:AISystemUsed") == "a<b>&  c ]]>"
    assert fields.problems == ()


def test_what_is_no_png_is_refused() -> None:
    with pytest.raises(PictureError, match="no whole PNG"):
        mark(b"\xff\xd8\xff", SOURCE)


def test_a_truncated_png_is_refused(picture: Image.Image) -> None:
    with pytest.raises(PictureError, match="no whole PNG"):
        mark(mark(picture, SOURCE)[:-20], SOURCE)


def test_a_signed_png_is_refused(build) -> None:
    with pytest.raises(PictureError, match="sign last"):
        mark(build.png(None, (b"caBX", b"jumb")), SOURCE)
