"""Marks in PNG, JPEG, WebP and AVIF: written, signed, read back by us and by others, resaved and tampered with."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import c2pa
import numpy as np
import pytest
from PIL import Image

from imgaudit.checkers.provenance import CREDENTIALS, METADATA, Provenance
from imgaudit.errors import PictureError, UsageError
from imgaudit.perceivers.metadata import metadata
from imgaudit.provenance import source as sources
from imgaudit.provenance.c2pa import ManifestReader, anchors, trust_lists
from imgaudit.provenance.marking import VOCABULARY, Marks, aigc_label, marked, with_marks_of
from imgaudit.provenance.pieces import taken_apart
from imgaudit.provenance.signing import (
    Credential,
    credential_from_pem,
    development_credential,
    manifest,
    signed,
)
from imgaudit.provenance.write import mark
from imgaudit.types import Case, Measured, Percepts, Source

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
FULL = Marks(
    source=SOURCE,
    prompt=True,
    system_version="2.1",
    provider="Some & Co",
    date="2026-11-24T07:00:00Z",
    identifier="xmp.did:1",
    aigc=aigc_label("001X", "77"),
)
FORMATS = ["PNG", "JPEG", "WEBP", "lossless WEBP", "AVIF"]


def picture(kind: str, mode: str = "RGB", **more: object) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    stream = BytesIO()
    lossless = {"lossless": True} if kind.startswith("lossless") else {}
    Image.fromarray(pixels).convert(mode).save(stream, kind.removeprefix("lossless "), **lossless, **more)
    return stream.getvalue()


def pixels(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as opened:
        return opened.mode.encode() + opened.tobytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return development_credential(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def credential(folder: dict[str, Path]) -> Credential:
    return credential_from_pem(folder["chain"], folder["key"])


def finding(data: bytes, reader: ManifestReader | None = None) -> Measured:
    sights = {METADATA: metadata(data), CREDENTIALS: (reader or ManifestReader()).read(data)}
    outcome = Provenance().measure(Case(id="a"), Percepts(sights))
    assert isinstance(outcome, Measured)
    return outcome


# --- writing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_written_is_read_back_and_no_pixel_changes(kind: str) -> None:
    data = picture(kind)

    result = marked(data, FULL)

    found = sources.read(result)
    # JPEG and WebP hold the customary text alone, which names its writer
    assert found.source.model_copy(update={"generator": SOURCE.generator}) == SOURCE
    assert found.problems == ()
    assert pixels(result) == pixels(data)
    seen = metadata(result)
    assert seen.digital_source_type == VOCABULARY + "trainedAlgorithmicMedia"
    assert (seen.ai_system, seen.ai_system_version) == ("embedded@2", "2.1")
    assert seen.aigc == aigc_label("001X", "77")
    assert seen.raw["xmp.Iptc4xmpExt:AIPromptInformation"] == SOURCE.prompt
    assert seen.raw["xmp.photoshop:Credit"] == "Some & Co"


@pytest.mark.parametrize("kind", FORMATS)
def test_marking_a_file_twice_is_marking_it_once(kind: str) -> None:
    once = marked(picture(kind), FULL)

    assert marked(once, FULL) == once


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P"])
def test_a_webp_with_alpha_or_palette_stays_what_it_is(mode: str) -> None:
    for kind in ("PNG", "WEBP", "lossless WEBP"):
        data = picture(kind, mode)

        assert pixels(marked(data, FULL)) == pixels(data), kind


def test_disclosure_without_parameters_tells_no_prompt() -> None:
    for kind in FORMATS:
        result = marked(picture(kind), Marks(system="Some Model"))

        assert sources.read(result).source.prompt is None
        assert metadata(result).ai_system == "Some Model"


def test_the_files_own_metadata_stay() -> None:
    from imgaudit.provenance.xmp_edit import with_properties

    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Some Camera", 6
    packet = with_properties(None, {"dc:rights": "(c) Someone", "plus:DataMining": "no"}).encode()

    for kind, more in (("PNG", {}), ("JPEG", {"comment": b"a remark"}), ("WEBP", {})):
        more = more if kind == "PNG" else {**more, "xmp": packet}
        fields = sources.read(marked(picture(kind, exif=exif, **more), FULL)).fields
        assert fields.get("exif.Make") == "Some Camera", kind
        if kind != "PNG":
            assert fields.get("xmp.dc:rights") == "(c) Someone"
            assert fields.get("xmp.plus:DataMining") == "no"
        assert fields.get("jpeg.comment") == ("a remark" if kind == "JPEG" else None)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_the_tool_that_a_file_names_as_its_maker_stays_and_ours_is_named_where_none_is(kind: str) -> None:
    from imgaudit.provenance.xmp_edit import with_properties

    packet = with_properties(None, {"xmp:CreatorTool": "Draw Things"}).encode()

    assert sources.read(marked(picture(kind, xmp=packet), FULL)).fields.get("xmp.xmp:CreatorTool") == "Draw Things"
    assert sources.read(marked(picture(kind), FULL)).fields.get("xmp.xmp:CreatorTool") == "imgaudit"


def test_a_packet_that_cannot_be_read_is_replaced(build) -> None:
    deep = "<a>" * 3_000 + "</a>" * 3_000
    hostile = ('<!DOCTYPE x [<!ENTITY a "b">]><x/>', "<broken", build.packet(f"<dc:x>{deep}</dc:x>"))

    for packet in hostile:
        data = build.png(None, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet.encode()))
        fields = sources.read(marked(data, FULL)).fields
        assert fields.get("xmp.Iptc4xmpExt:AISystemUsed") == "embedded@2"


def test_what_the_file_says_of_itself_is_kept_where_nothing_else_is_said() -> None:
    data = mark(Image.new("RGB", (8, 8)), SOURCE)

    marks = with_marks_of(sources.read(data).source, Marks(source=Source(prompt="another")))

    assert marks.source == SOURCE.model_copy(update={"prompt": "another"})


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff", b"RIFF\x08\0\0\0WEBPVP8 ", b"\x89PNG\r\n\x1a\n"])
def test_what_cannot_be_marked_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(PictureError, match="expected"):
        marked(data, FULL)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_file_that_is_cut_short_is_refused_or_marked_and_never_breaks(kind: str) -> None:
    data = picture(kind)

    for end in range(0, len(data), max(1, len(data) // 60)):
        with contextlib.suppress(PictureError):  # anything else fails the test
            assert taken_apart(marked(data[:end], FULL)).of("xmp") is not None


def test_a_prompt_that_no_segment_can_hold_is_refused() -> None:
    marks = Marks(source=Source(prompt="x" * 70_000))

    with pytest.raises(PictureError, match="does not fit into a JPEG segment"):
        marked(picture("JPEG"), marks)
    assert sources.read(marked(picture("PNG"), marks)).source.prompt == "x" * 70_000


def test_public_files_are_put_together_as_they_were(corpora: Path) -> None:
    files = [p for name in ("genmeta", "provenance") for p in sorted((corpora / name).rglob("*"))]
    files = [p for p in files if p.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp", ".avif")]
    if not files:
        pytest.skip(f"no pictures with metadata at {corpora}")

    assert [p.name for p in files if taken_apart(p.read_bytes()).joined() != p.read_bytes()] == []


# --- signing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_a_marked_a_resaved_and_a_tampered_picture_are_told_apart(kind: str, credential: Credential) -> None:
    data = signed(marked(picture(kind), FULL), credential, manifest("trainedAlgorithmicMedia", "embedded@2", "2"))
    stream = BytesIO()
    with Image.open(BytesIO(data)) as opened:
        opened.info.clear()
        opened.save(stream, kind.removeprefix("lossless "))
    tampered = data.replace(b"embedded@2</Iptc4xmpExt:AISystemUsed>", b"somebody-2</Iptc4xmpExt:AISystemUsed>", 1)
    assert tampered != data

    whole, resaved, changed = finding(data), finding(stream.getvalue()), finding(tampered)

    assert whole.labels["c2pa_state"] == "valid"
    assert whole.measures == {"ai_disclosed": 1.0}
    assert whole.labels["disclosed_by"].split()[0] == "c2pa"
    assert resaved.labels["c2pa_state"] == "none"
    assert resaved.codes == ("provenance.undisclosed",)
    assert changed.labels["c2pa_state"] == "invalid"
    assert "provenance.c2pa_invalid" in changed.codes
    assert "mismatch" in changed.labels["c2pa_failures"]


@pytest.mark.parametrize("kind", FORMATS)
def test_c2pas_own_reader_reads_what_was_signed(kind: str, credential: Credential) -> None:
    data = signed(marked(picture(kind), FULL), credential, manifest("trainedAlgorithmicMedia", "embedded@2", "2"))

    settings = c2pa.Settings.from_dict({"verify": {"remote_manifest_fetch": False}})
    with c2pa.Reader(None, BytesIO(data), context=c2pa.Context(settings)) as reader:
        report = json.loads(reader.json())

    assert report["validation_state"] == "Valid"
    (assertion,) = [
        one["data"]["actions"][0]
        for one in report["manifests"][report["active_manifest"]]["assertions"]
        if one["label"] == "c2pa.actions.v2"
    ]
    assert assertion["digitalSourceType"] == VOCABULARY + "trainedAlgorithmicMedia"
    assert assertion["softwareAgent"]["name"] == "embedded@2"
    assert pixels(data) == pixels(picture(kind))


@pytest.mark.parametrize("kind", FORMATS)
def test_exiftool_reads_what_was_written(kind: str, credential: Credential, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    path = tmp_path / "picture"
    path.write_bytes(signed(marked(picture(kind), FULL), credential, manifest("trainedAlgorithmicMedia", "e")))

    told = subprocess.run(["exiftool", "-j", "-G0", "-struct", str(path)], capture_output=True, check=True)

    (tags,) = json.loads(told.stdout)
    assert tags["XMP:DigitalSourceType"] == VOCABULARY + "trainedAlgorithmicMedia"
    assert tags["XMP:AISystemUsed"] == "embedded@2"
    assert tags["XMP:AISystemVersionUsed"] in ("2.1", 2.1)
    written = tags["XMP:Aigc"]
    assert (json.loads(written) if isinstance(written, str) else written) == aigc_label("001X", "77")
    parameters = tags["PNG:Parameters"] if kind == "PNG" else tags["EXIF:UserComment"]
    assert parameters.startswith(SOURCE.prompt or "")
    assert "Warning" not in " ".join(tags)
    assert "Error" not in " ".join(tags)


def test_a_signed_file_takes_no_further_mark(credential: Credential) -> None:
    for kind in FORMATS:
        data = signed(picture(kind), credential, manifest("digitalCapture", None))

        with pytest.raises(PictureError, match="sign last"):
            marked(data, FULL)


def test_a_signature_is_judged_by_each_list_of_trust_alone(
    credential: Credential, folder: dict[str, Path], tmp_path: Path
) -> None:
    data = signed(picture("PNG"), credential, manifest("trainedAlgorithmicMedia", "e"))
    strangers = development_credential(tmp_path / "others")["authority"]
    own = folder["authority"]

    def judged(option: str | None) -> tuple[str, dict[str, bool]]:
        found = ManifestReader(trust_lists(option)).read(data)
        assert (found.state, found.failures) == ("valid", ("signingCredential.untrusted",))
        return found.trust, {one.name: one.trusted for one in found.lists}

    assert judged(None) == ("none", {})
    assert judged(f"user={own}") == ("user", {"user": True})
    assert judged(f"user={strangers}") == ("none", {"user": False})
    assert judged(f"user={own};official={strangers}") == ("user", {"official": False, "user": True})
    assert judged(f"official={own};user={own}") == ("official", {"official": True, "user": True})


def test_a_tampered_file_is_trusted_by_nobody(credential: Credential, folder: dict[str, Path]) -> None:
    data = signed(marked(picture("PNG"), FULL), credential, manifest("trainedAlgorithmicMedia", "e"))

    tampered = data.replace(b"Some &amp; Co", b"Good &amp; Co")

    found = ManifestReader(trust_lists(f"user={folder['authority']}")).read(tampered)

    assert (found.state, found.trust) == ("invalid", "none")


def test_the_lists_stand_in_the_readers_identity(folder: dict[str, Path]) -> None:
    plain, trusting = ManifestReader(), ManifestReader(trust_lists(f"user={folder['authority']}"))

    assert set(trusting.identity()) - set(plain.identity()) == {"user_list"}
    assert len(trusting.identity()["user_list"]) == 64


@pytest.mark.parametrize("option", ["nonsense", "user=", "vendor=a.pem", "user=/no/such/file.pem"])
def test_a_trust_option_that_cannot_be_read_is_a_sentence(option: str) -> None:
    with pytest.raises(UsageError, match="expected"):
        trust_lists(option)


def test_a_list_without_certificates_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.pem"
    path.write_text("nothing")

    with pytest.raises(UsageError, match="holds no certificate"):
        anchors("user", path)


def test_a_development_signature_is_named_in_the_finding(credential: Credential) -> None:
    outcome = finding(signed(picture("PNG"), credential, manifest("trainedAlgorithmicMedia", "e")))

    assert "provenance.development_certificate" in outcome.codes
    assert "DEVELOPMENT" in outcome.labels["c2pa_issuer"]


def test_a_callback_signs_without_a_key_at_hand(credential: Credential) -> None:
    asked = []

    def remote(data: bytes) -> bytes:
        asked.append(len(data))
        return credential.sign(data)

    data = signed(picture("JPEG"), Credential(credential.chain, "es256", remote), manifest("digitalCapture", None))

    assert asked
    assert ManifestReader().read(data).state == "valid"


def test_a_key_that_signs_wrongly_is_found_out(credential: Credential) -> None:
    wrong = Credential(credential.chain, "es256", lambda data: credential.sign(data + b"!"))

    with pytest.raises(PictureError, match=r"cannot be signed|does not hold"):
        signed(picture("PNG"), wrong, manifest("trainedAlgorithmicMedia", "e"))


def test_a_key_of_another_certificate_is_refused(folder: dict[str, Path], tmp_path: Path) -> None:
    other = development_credential(tmp_path)

    with pytest.raises(UsageError, match="does not belong"):
        credential_from_pem(folder["chain"], other["key"])


def test_development_files_are_private_and_never_overwritten(tmp_path: Path) -> None:
    paths = development_credential(tmp_path)

    assert paths["key"].stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="is there already"):
        development_credential(tmp_path)
