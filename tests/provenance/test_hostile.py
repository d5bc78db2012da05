"""Files made to hurt a reader: every one is answered with a finding, in bounded time and memory."""

from __future__ import annotations

import json
import resource
import struct
import time
import zlib
from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from imgaudit.checkers.provenance import CREDENTIALS, METADATA, Provenance
from imgaudit.perceivers.metadata import RAW_COUNT, metadata
from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.provenance.container import FIELD_LIMIT
from imgaudit.types import Case, Measured, Percepts

READER = ManifestReader()
PACKET = b"XML:com.adobe.xmp\0\0\0\0\0"
SECONDS, MEGABYTES = 10.0, 700
"""Processor time and memory, generous: without the limits, each of these takes minutes or gigabytes."""
DESCRIPTION = bytes.fromhex("63327061" "00110010800000AA00389B71") + b"\x03c2pa\0"


def finding(data: bytes) -> Measured:
    """What the checker says of a file; fails when reading it took long or much memory."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()

    seen, credentials = metadata(data), READER.read(data)
    outcome = Provenance().measure(Case(id="a"), Percepts({METADATA: seen, CREDENTIALS: credentials}))

    assert time.process_time() - start < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEGABYTES
    assert isinstance(outcome, Measured)
    assert len(seen.raw) <= RAW_COUNT
    outcome.model_dump_json()
    seen.model_dump_json()
    return outcome


def unreadable(data: bytes) -> bool:
    return "provenance.unreadable" in finding(data).codes


# --- texts ---------------------------------------------------------------------------------------


def test_a_text_chunk_of_100_megabytes_is_left_out_and_named(build) -> None:
    assert unreadable(build.png(None, (b"tEXt", b"parameters\0" + b"a" * 100_000_000)))


def test_bombs_in_every_compressed_chunk_are_left_out_and_named(build) -> None:
    bomb = zlib.compress(b"a" * 400_000_000, 9)

    assert unreadable(build.png(None, (b"zTXt", b"parameters\0\0" + bomb)))
    assert unreadable(build.png(None, (b"iTXt", b"parameters\0\1\0\0\0" + bomb)))
    assert unreadable(build.png(None, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb)))


def test_many_bombs_together_stay_within_the_limit(build) -> None:
    packed = zlib.compress(b"a" * (FIELD_LIMIT - 10), 9)

    assert unreadable(build.png(None, *[(b"zTXt", b"k%d\0\0" % i + packed) for i in range(5_000)]))


def test_xml_that_expands_or_reaches_out_is_refused(build) -> None:
    laughs = '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(9)
    )
    outside = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">'
    remote = '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"> ['

    for head in (laughs, outside, remote):
        packet = head + "]>" + build.packet("<dc:rights>&a;</dc:rights>")
        data = build.png(None, (b"iTXt", PACKET + packet.encode()))
        assert unreadable(data)
        assert "root:" not in str(metadata(data).raw)


def test_xml_as_deep_as_a_well_ends(build) -> None:
    packet = build.packet("<dc:x>" + "<a>" * 200_000 + "</a>" * 200_000 + "</dc:x>")

    assert finding(build.png(None, (b"iTXt", PACKET + packet.encode()))).codes == ("provenance.undisclosed",)


def test_text_in_no_encoding_at_all_is_read_as_it_can_be(build) -> None:
    broken = b"\xff\xfe\xd8\x00\x00\xdc\x80\xc3\x28\xf8\xed\xa0\x80"
    block = build.exif({0x010E: broken, 0x9C9B: broken}, {0x9286: b"UNICODE\0" + broken})

    texts = build.png(None, (b"tEXt", b"parameters\0" + broken), (b"iTXt", b"parameters\0\0\0\0\0" + broken))
    assert finding(texts).labels["parse"] == "partial"
    assert unreadable(build.png(None, (b"iTXt", PACKET + broken)))
    for data, place in (
        (build.jpeg((0xE1, b"Exif\0\0" + block), (0xFE, broken)), "jpeg.comment"),
        (build.webp(EXIF=block), "exif.ImageDescription"),
    ):
        assert finding(data).codes == ("provenance.undisclosed",)
        assert place in metadata(data).raw


@pytest.mark.parametrize("text", ["\ud800", '{"prompt": "\\ud800"}', "[" * 500_000, '{"a":' * 200_000, "{" * 4_000_000])
def test_json_that_is_none_ends(build, text: str) -> None:
    data = build.png(None, (b"tEXt", b"prompt\0" + text.encode("utf-8", "surrogatepass")))

    assert finding(data).codes == ("provenance.undisclosed",)
    assert metadata(data).source.prompt is None


# --- graphs --------------------------------------------------------------------------------------


def node(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


def cycle(count: int) -> dict[str, object]:
    links = {str(i): node("ConditioningCombine", a=[str((i + 1) % count), 0], b=[str(i), 0]) for i in range(count)}
    return {**links, "k": node("KSampler", steps=4, seed=1, positive=["0", 0], model=["0", 0], negative=["k", 0])}


def everything_to_everything(count: int) -> dict[str, object]:
    links = {f"i{j}": [str(j), 0] for j in range(count)}
    return {str(i): node("KSampler", steps=4, **links, positive=["0", 0]) for i in range(count)}


def growing_texts(depth: int) -> dict[str, object]:
    joined = {
        f"t{i}": node("StringConcatenate", string_a=[f"t{i + 1}", 0], string_b=[f"t{i + 1}", 0]) for i in range(depth)
    }
    last = {f"t{depth}": node("PrimitiveString", value="x" * 1_000)}
    encoder = {"p": node("CLIPTextEncode", text=["t0", 0]), "k": node("KSampler", steps=4, positive=["p", 0])}
    return {**joined, **last, **encoder}


@pytest.mark.parametrize("make", [lambda: cycle(3), lambda: cycle(5_000), lambda: everything_to_everything(300),
                                  lambda: growing_texts(200)])  # fmt: skip
def test_graphs_with_cycles_and_without_end_end(build, make: Callable[[], dict[str, object]]) -> None:
    outcome = finding(build.png({"prompt": json.dumps(make())}))

    assert outcome.labels["generator"] == "ComfyUI"


# --- containers ----------------------------------------------------------------------------------


def test_lengths_that_lie_are_not_believed(build) -> None:
    png = build.png()
    lies = [
        png[:8] + b"\xff\xff\xff\xff" + png[12:],
        png[:33] + b"\x7f\xff\xff\xffzTXt" + png[33:],
        b"\xff\xd8" + b"\xff\xe1\xff\xff" + b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"RIFF\xff\xff\xff\xffWEBP" + b"EXIF\xff\xff\xff\xffII*\0\x08\0\0\0",
        b"\0\0\0\x01ftyp\xff\xff\xff\xff\xff\xff\xff\xffavif",
        b"\0\0\0\x0cftypavif" + b"\0\0\0\x08meta" * 5_000,
        b"II*\0\x08\0\0\0\xff\xff" + b"\x86\x92\x07\0\xff\xff\xff\xff\0\0\0\0" * 900,
        b"GIF89a" + b"\0" * 7 + b"\x21\xfe" + b"\xff" * 1_000_000,
    ]

    for data in lies:
        assert finding(data).measures == {"ai_disclosed": 0.0}


def test_folders_that_point_at_each_other_end(build) -> None:
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)

    data = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)

    assert finding(data).codes == ("provenance.undisclosed",)


def test_a_million_segments_and_chunks_end(build) -> None:
    assert unreadable(b"\xff\xd8" + b"\xff\xfe\0\3a" * 1_000_000 + b"\xff\xd9")
    assert unreadable(build.png(None, *[(b"tEXt", b"k\0v")] * 100_000))


def test_a_forged_extension_is_nothing_to_a_reader_of_bytes(build) -> None:
    """Files are known by their first bytes; that the name says otherwise changes nothing."""
    from imgaudit.perceivers.metadata import MetadataPerceiver
    from imgaudit.percepts import Metadata
    from imgaudit.types import Look, Picture, Query

    data = build.png({"parameters": "a cat\nSteps: 4, Seed: 1, Model: m"})

    for name in ("a.jpg", "a.gif", "a.exe", "a"):
        (sight,) = MetadataPerceiver().perceive([Look(Picture(id=name, data=data, file=""), Query("metadata"))])
        assert isinstance(sight, Metadata)
        assert sight.source.prompt == "a cat"


# --- manifests -----------------------------------------------------------------------------------


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def nested(depth: int) -> bytes:
    """A superbox in a superbox in a superbox."""
    head = box(b"jumd", DESCRIPTION)
    sizes = [8 + len(head)]
    for _ in range(depth):
        sizes.append(sizes[-1] + 8 + len(head))
    return b"".join(struct.pack(">I", size) + b"jumb" + head for size in reversed(sizes))


@pytest.mark.parametrize("depth", [10, 1_000, 9_000, 100_000])
def test_a_manifest_within_a_manifest_within_a_manifest_is_unreadable(build, depth: int) -> None:
    outcome = finding(build.png(None, (b"caBX", nested(depth))))

    assert outcome.labels["c2pa_state"] == "unreadable"


def test_an_oversize_manifest_is_a_finding(build) -> None:
    store = box(b"jumb", box(b"jumd", DESCRIPTION) + box(b"json", b"[" + b"0," * 20_000_000 + b"0]"))

    outcome = finding(build.png(None, (b"caBX", store)))

    assert outcome.labels["c2pa_state"] in ("unreadable", "invalid")


def test_a_manifest_whose_lengths_lie_is_a_finding(build) -> None:
    for size in (0, 1, 7, 0x7FFFFFFF, 0xFFFFFFFF):
        store = struct.pack(">I", size) + b"jumb" + box(b"jumd", DESCRIPTION)
        assert finding(build.png(None, (b"caBX", store))).labels["c2pa_state"] != "valid"


def test_a_truncated_signed_file_is_never_valid(build, tmp_path) -> None:
    from imgaudit.provenance.signing import credential_from_pem, development_credential, manifest, signed

    paths = development_credential(tmp_path)
    stream = BytesIO()
    Image.new("RGB", (32, 32)).save(stream, "JPEG")
    credential = credential_from_pem(paths["chain"], paths["key"])
    data = signed(stream.getvalue(), credential, manifest("trainedAlgorithmicMedia", "e"))
    assert finding(data).labels["c2pa_state"] == "valid"

    for end in range(100, len(data) - 1, len(data) // 25):
        assert finding(data[:end]).labels["c2pa_state"] != "valid"
