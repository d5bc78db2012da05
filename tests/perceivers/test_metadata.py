"""The metadata perceiver: what a file's bytes say."""

from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from imgaudit.digest import digest_bytes
from imgaudit.perceivers.metadata import RAW_LENGTH, MetadataPerceiver
from imgaudit.percepts import Metadata
from imgaudit.types import Look, Picture, Query

SPACE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f'<rdf:Description xmlns:e="{SPACE}" e:DigitalSourceType=" http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"'
    ' e:AISystemUsed="Some Model 2"/></rdf:RDF></x:xmpmeta>'
)


def png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, text in texts.items():
        info.add_itxt("XML:com.adobe.xmp" if name == "xmp" else name, text)
    stream = BytesIO()
    Image.new("RGB", (4, 4)).save(stream, format="PNG", pnginfo=info)
    return stream.getvalue()


def jpeg(tags: dict[int, str]) -> bytes:
    exif = Image.Exif()
    for tag, text in tags.items():
        exif[tag] = text
    stream = BytesIO()
    Image.new("RGB", (4, 4)).save(stream, format="JPEG", exif=exif)
    return stream.getvalue()


def look(data: bytes) -> Look:
    return Look(Picture(id="a", data=data, file=digest_bytes(data)), Query("metadata"))


def seen(data: bytes) -> Metadata:
    (sight,) = MetadataPerceiver().perceive([look(data)])
    assert isinstance(sight, Metadata)
    return sight


def test_prompt_and_raw_text_are_kept_as_written() -> None:
    text = "a cat, \n at dusk\nSteps: 20, Seed: 1, Model: m"

    found = seen(png(parameters=text))

    assert found.source.prompt == "a cat, \n at dusk"
    assert found.source.parse == "complete"
    assert found.raw == {"png.parameters": text}


def test_the_iptc_fields_of_xmp_are_read() -> None:
    found = seen(png(xmp=PACKET))

    assert found.digital_source_type == "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
    assert found.ai_system == "Some Model 2"


def test_the_camera_of_a_photograph_is_read() -> None:
    assert seen(jpeg({0x10F: "NIKON CORPORATION", 0x110: "NIKON D90"})).camera == "NIKON CORPORATION NIKON D90"


def test_json_that_a_saver_put_into_the_makers_field_is_no_camera() -> None:
    assert seen(jpeg({0x10F: 'Prompt: {"1": {}}'})).camera is None


def test_chinas_label_is_a_field_of_its_own_wherever_it_stands() -> None:
    label = json.dumps({"Label": "1", "ContentProducer": "0011"})

    assert seen(png(AIGC=label)).aigc == {"Label": "1", "ContentProducer": "0011"}
    assert seen(png(note=f'{{"AIGC": {label}}}')).aigc == {"Label": "1", "ContentProducer": "0011"}
    assert seen(png(note='{"AIGC": 5}')).aigc is None
    assert seen(png(note="nothing")).aigc is None


def test_fields_of_one_name_are_all_kept_and_long_ones_are_cut() -> None:
    info = PngImagePlugin.PngInfo()
    for text in ("one", "x" * (RAW_LENGTH + 1)):
        info.add_text("Comment", text)
    stream = BytesIO()
    Image.new("RGB", (4, 4)).save(stream, format="PNG", pnginfo=info)

    found = seen(stream.getvalue())

    assert found.raw["png.Comment"] == "one"
    assert len(found.raw["png.Comment#2"]) == RAW_LENGTH


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF\0\0\0\0WEBP", b"II*\0"])
def test_bytes_that_are_no_picture_are_still_answered(data: bytes) -> None:
    assert seen(data).source.parse == "none"


def test_looks_are_answered_in_order() -> None:
    sights = MetadataPerceiver().perceive([look(png(parameters=name)) for name in ("a", "b")])

    assert [sight.source.prompt for sight in sights if isinstance(sight, Metadata)] == ["a", "b"]
