"""The text fields of a file, from hostile bytes."""

from __future__ import annotations

import json
import random
import zlib

import pytest

from imgaudit.provenance import container, exif
from imgaudit.provenance import source as sources

PACKET_KEYWORD = b"XML:com.adobe.xmp\0\0\0\0\0"


def test_every_kind_of_png_text_is_read(build) -> None:
    data = build.png(
        None,
        (b"tEXt", b"plain\0caf\xe9"),
        (b"zTXt", b"packed\0\0" + zlib.compress(b"small")),
        (b"iTXt", b"wide\0\0\0ja\0\0" + "テスト".encode()),
        (b"iTXt", b"both\0\1\0\0\0" + zlib.compress("ü".encode())),
    )

    fields = container.read(data)

    assert fields.format == "png"
    assert [(f.key, f.text) for f in fields.entries] == [
        ("png.plain", "café"),
        ("png.packed", "small"),
        ("png.wide", "テスト"),
        ("png.both", "ü"),
    ]
    assert fields.problems == ()


def test_exif_stands_in_png_jpeg_webp_tiff_and_avif_alike(build) -> None:
    block = build.exif({0x131: b"Some Editor\0"}, {0x9286: b"ASCII\0\0\0a comment"})

    files = {
        "png": build.png(None, (b"eXIf", block)),
        "jpeg": build.jpeg((0xE1, b"Exif\0\0" + block)),
        "webp": build.webp(EXIF=block),
        "tiff": block,
        "isobmff": build.heif(block),
    }

    for name, data in files.items():
        fields = container.read(data)
        assert fields.format == name
        assert fields.get("exif.Software") == "Some Editor", name
        assert fields.get("exif.UserComment") == "a comment", name


@pytest.mark.parametrize(
    "payload",
    [
        b"ASCII\0\0\0caf\xc3\xa9, #1",
        b"ASCII\0\0\0caf\xe9, #1",
        b"UNICODE\0" + "café, #1".encode("utf-16-be"),
        b"UNICODE\0" + "café, #1".encode("utf-16-le"),
        b"UNICODE\0" + "café, #1".encode("utf-16"),
        b"UNICODE\0" + "café, #1".encode(),
        b"\0" * 8 + "café, #1".encode(),
        b"\0" * 8 + "café, #1".encode("utf-16-le"),
        "café, #1".encode(),
    ],
)
def test_a_user_comment_is_read_in_every_encoding_that_writers_use(payload: bytes) -> None:
    assert exif.user_comment(payload) == "café, #1"


@pytest.mark.parametrize("codec", ["utf-16-be", "utf-16-le"])
def test_a_user_comment_without_latin_letters_keeps_its_byte_order(codec: str) -> None:
    text = "初音ミクのポートレート。美麗な二次元イラスト。"

    assert exif.user_comment(b"UNICODE\0" + text.encode(codec)) == text


def test_a_japanese_user_comment_is_read() -> None:
    assert exif.user_comment(b"JIS\0\0\0\0\0" + "夕暮れの灯台".encode("iso2022_jp")) == "夕暮れの灯台"


def test_xmp_is_read_from_png_jpeg_webp_and_unknown_files(build) -> None:
    packet = build.packet("<Iptc4xmpExt:DigitalSourceType>a</Iptc4xmpExt:DigitalSourceType>").encode()

    files = [
        build.png(None, (b"iTXt", PACKET_KEYWORD + packet)),
        build.jpeg((0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)),
        build.webp(XMP=packet),
        b"%SVG or anything" + packet + b"rest",
        build.png(None, (b"iTXt", PACKET_KEYWORD + packet.decode().encode("utf-16-be"))),
    ]

    for data in files:
        assert container.read(data).get("xmp.Iptc4xmpExt:DigitalSourceType") == "a"


def test_extended_xmp_is_put_together_in_the_order_of_its_offsets(build) -> None:
    packet = build.packet("<photoshop:Credit>long</photoshop:Credit>").encode()
    half, marker = len(packet) // 2, b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32
    parts = [
        (0xE1, marker + len(packet).to_bytes(4, "big") + offset.to_bytes(4, "big") + packet[offset : offset + half + 1])
        for offset in (half + 1, 0)
    ]

    assert container.read(build.jpeg(*parts)).get("xmp.photoshop:Credit") == "long"
    assert container.read(build.jpeg(parts[0])).problems == ("xmp: a part of the extended packet is missing",)


def test_iptc_records_and_comments_of_a_jpeg_are_read(build) -> None:
    record = b"\x1c\x02\x6e" + (11).to_bytes(2, "big") + b"Some Agency"
    resource = b"8BIM\x04\x04\0\0" + len(record).to_bytes(4, "big") + record

    fields = container.read(build.jpeg((0xED, b"Photoshop 3.0\0" + resource), (0xFE, b"a remark")))

    assert fields.get("iptc.Credit") == "Some Agency"
    assert fields.get("jpeg.comment") == "a remark"


def test_imagemagick_profiles_are_read(build) -> None:
    block = build.exif({0x131: b"Some Editor\0"})
    text = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()

    data = build.png(None, (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))

    assert container.read(data).get("exif.Software") == "Some Editor"


def test_a_gif_comment_is_put_together_from_its_blocks() -> None:
    data = b"GIF89a" + b"\0" * 7 + b"\x21\xfe\x03abc\x02de\0;"

    assert container.read(data).get("gif.comment") == "abcde"


def test_a_decompression_bomb_is_left_out_and_named(build) -> None:
    bomb = zlib.compress(b"a" * (container.FIELD_LIMIT + 1), 9)

    fields = container.read(build.png(None, (b"zTXt", b"parameters\0\0" + bomb), (b"tEXt", b"after\0ok")))

    assert fields.get("png.parameters") is None
    assert fields.get("png.after") == "ok"
    assert "parameters" in fields.problems[0]


def test_an_oversize_chunk_is_left_out_and_named(build) -> None:
    fields = container.read(build.png(None, (b"tEXt", b"parameters\0" + b"a" * container.FIELD_LIMIT)))

    assert fields.entries == ()
    assert "over the limit" in fields.problems[0]


def test_many_fields_stop_at_the_limit(build) -> None:
    fields = container.read(build.png(None, *[(b"tEXt", b"k\0v")] * (container.COUNT_LIMIT + 5)))

    assert len(fields.entries) == container.COUNT_LIMIT
    assert len(fields.problems) == 5


def test_xml_with_a_dtd_is_refused(build) -> None:
    hostile = '<!DOCTYPE x [<!ENTITY a "b">]>' + build.packet("<photoshop:Credit>&a;</photoshop:Credit>")

    fields = container.read(build.png(None, (b"iTXt", PACKET_KEYWORD + hostile.encode())))

    assert fields.get("xmp.photoshop:Credit") is None
    assert "DTD" in fields.problems[0]


def test_a_truncated_png_says_so_and_keeps_what_came_before(build) -> None:
    data = build.png({"parameters": "a cat"})

    fields = container.read(data[:-20])

    assert fields.get("png.parameters") == "a cat"
    assert fields.problems == ("png: the file ends before its last chunk",)


@pytest.mark.parametrize(
    "text", ['{"a":' * 100_000, "[" * 100_000, '{"a": ' + "9" * 10_000 + "}", "{masterpiece}", "{"]
)
def test_text_that_is_no_json_object_is_none(text: str) -> None:
    assert container.json_object(text) is None


def test_a_saver_may_write_a_word_before_its_json() -> None:
    assert container.json_object('Workflow: {"a": 1}') == {"a": 1}
    assert container.json_object('I like {"a": 1}') is None


def test_damaged_files_of_every_format_never_raise(build) -> None:
    graph = {
        "1": {"class_type": "KSampler", "inputs": {"steps": 4, "seed": 1, "positive": ["2", 0], "model": ["3", 0]}}
    }
    graph["2"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "a \udfff cat"}}
    text = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Model: m"
    block = build.exif({0x10E: b"Prompt: {}\0"}, {0x9286: b"UNICODE\0" + text.encode("utf-16-be")}, ">")
    packet = build.packet("<xmp:CreatorTool>Draw Things</xmp:CreatorTool>").encode()
    files = [
        build.png({"prompt": json.dumps(graph), "parameters": text, "Dream": '"a [b]" -s 3 -S 4 -C 7 -A k_lms'}),
        build.png(
            None, (b"zTXt", b"a\0\0" + zlib.compress(b"b")), (b"eXIf", block), (b"iTXt", PACKET_KEYWORD + packet)
        ),
        build.jpeg((0xE1, b"Exif\0\0" + block), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet), (0xFE, b"x")),
        build.webp(EXIF=block, XMP=packet),
        build.heif(block),
        block,
        b"GIF89a" + b"\0" * 7 + b"\x21\xfe\x03abc\x02de\0;",
        build.hidden(zlib.compress(b"{}"), b"stealth_pngcomp", (20, 160)),
    ]
    rng = random.Random(0)

    for data in files:
        for _ in range(150):
            damaged = bytearray(data[: rng.randrange(len(data)) + 1] if rng.random() < 0.4 else data)
            for _ in range(rng.choice((0, 1, 4, 30))):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)

            found = sources.read(bytes(damaged))

            found.source.model_dump_json()
            assert not [p for p in found.problems if "cannot be read further" in p or "not readable" in p]
