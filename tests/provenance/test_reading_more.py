"""Places beyond the customary: AVIF and WebP by another library, hidden texts in WebP, the IPTC's own fields."""

from __future__ import annotations

import gzip
import json
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, features

from imgaudit.perceivers.metadata import metadata
from imgaudit.provenance import source as sources
from imgaudit.types import Source

TEXT = (
    "a lighthouse, テスト\nNegative prompt: blurry\n"
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Model: m, Version: v1"
)
EXPECTED = Source(
    generator="AUTOMATIC1111", model="m", sampler="Euler a", steps=20, guidance=7.0, seed=1,
    prompt="a lighthouse, テスト", negative="blurry", parse="complete",
)  # fmt: skip


def saved(kind: str, **more: object) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (32, 32), "teal").save(stream, kind, **more)
    return stream.getvalue()


def comment(text: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0131] = "Some Editor"  # without a tag of its own Pillow takes the block for empty
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
    return exif


@pytest.mark.parametrize("kind", ["AVIF", "WEBP", "JPEG", "PNG"])
def test_what_pillow_writes_into_exif_is_read_from_every_format(kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")

    assert sources.read(saved(kind, exif=comment(TEXT))).source == EXPECTED


@pytest.mark.parametrize("kind", ["AVIF", "WEBP", "JPEG"])
def test_what_pillow_writes_into_xmp_is_read_from_every_format(build, kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow writes no AVIF")
    label = '{"Label": "1", "ContentProducer": "001X"}'.replace('"', "&quot;")
    packet = build.packet(
        "<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
        f"</Iptc4xmpExt:DigitalSourceType><TC260:AIGC>{label}</TC260:AIGC>"
    )

    seen = metadata(saved(kind, xmp=packet.encode()))

    assert (seen.digital_source_type or "").endswith("/trainedAlgorithmicMedia")
    assert seen.aigc == {"Label": "1", "ContentProducer": "001X"}


@pytest.mark.parametrize("colours", [False, True])
def test_text_that_is_hidden_in_a_lossless_webp_is_read(build, colours: bool) -> None:
    magic = b"stealth_rgbcomp" if colours else b"stealth_pngcomp"
    png = build.hidden(gzip.compress(TEXT.encode()), magic, colours=colours)
    stream = BytesIO()
    with Image.open(BytesIO(png)) as picture:
        picture.save(stream, "WEBP", lossless=True, exact=True)

    assert sources.read(stream.getvalue()).source == EXPECTED


def test_a_lossless_webp_without_hidden_text_has_none() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(noise).save(stream, "WEBP", lossless=True)

    assert sources.read(stream.getvalue()).source == Source()


def test_text_that_is_hidden_beside_a_bare_name_is_read_too(build) -> None:
    text = json.dumps({"Comment": "{}", "Description": "a cat"})
    hidden = build.hidden(gzip.compress(text.encode()), b"stealth_pngcomp")
    with Image.open(BytesIO(hidden)) as picture:
        from PIL.PngImagePlugin import PngInfo

        info, stream = PngInfo(), BytesIO()
        info.add_text("Software", "NovelAI")
        picture.save(stream, "PNG", pnginfo=info)

    assert sources.read(stream.getvalue()).source.prompt == "a cat"


def test_the_iptcs_own_fields_name_any_system_and_its_prompt(build) -> None:
    packet = build.packet(
        "<Iptc4xmpExt:AISystemUsed>Nobody's Model</Iptc4xmpExt:AISystemUsed>"
        "<Iptc4xmpExt:AISystemVersionUsed>3</Iptc4xmpExt:AISystemVersionUsed>"
        "<Iptc4xmpExt:AIPromptInformation>a fox</Iptc4xmpExt:AIPromptInformation>"
    )

    seen = metadata(build.webp(XMP=packet.encode()))

    assert (seen.source.generator, seen.source.prompt, seen.source.parse) == ("Nobody's Model", "a fox", "partial")
    assert (seen.ai_system, seen.ai_system_version) == ("Nobody's Model", "3")


def test_our_own_line_is_read_whatever_it_begins_with() -> None:
    text = "a kite\nNegative prompt: rain\nSeed: 3, Size: 64x64, Version: imgaudit"

    found = sources.read(saved("JPEG", exif=comment(text))).source

    assert (found.prompt, found.negative, found.seed, found.generator) == ("a kite", "rain", 3, "imgaudit")


def test_a_webp_that_is_cut_short_says_so(build) -> None:
    data = build.webp(EXIF=build.exif({0x131: b"Some Editor\0"}))

    assert sources.read(data).problems == ()
    assert "webp: the file ends before its last chunk" in sources.read(data[:-4]).problems
