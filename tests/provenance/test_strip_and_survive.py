"""What stripping removes and keeps, and what a pipeline is told to have lost."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgaudit.checkers.provenance import CREDENTIALS, METADATA, Provenance
from imgaudit.perceivers.metadata import metadata
from imgaudit.pictures import decode
from imgaudit.provenance import source as sources
from imgaudit.provenance.c2pa import ManifestReader
from imgaudit.provenance.marking import VOCABULARY, Marks, aigc_label, marked
from imgaudit.provenance.signing import credential_from_pem, development_credential, manifest, signed
from imgaudit.provenance.strip import stripped
from imgaudit.provenance.survival import marks, survived
from imgaudit.types import Case, Measured, Percepts, Source

SOURCE = Source(generator="g", model="m", steps=4, seed=7, prompt="a secret client brief")
READER = ManifestReader()
KINDS = ["PNG", "JPEG", "WEBP", "AVIF"]


def picture(kind: str, **more: object) -> bytes:
    pixels = np.random.default_rng(2).integers(0, 256, (20, 28, 3), dtype=np.uint8)
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, kind, **more)
    return stream.getvalue()


def disclosed(data: bytes) -> float:
    sights = {METADATA: metadata(data), CREDENTIALS: READER.read(data)}
    outcome = Provenance().measure(Case(id="a"), Percepts(sights))
    assert isinstance(outcome, Measured)
    return outcome.measures["ai_disclosed"]


@pytest.fixture(scope="module")
def sign(tmp_path_factory: pytest.TempPathFactory):
    paths = development_credential(tmp_path_factory.mktemp("certificates"))
    credential = credential_from_pem(paths["chain"], paths["key"])
    return lambda data, kind: signed(data, credential, manifest(kind, "some model"))


def personal() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x0112], exif[0x8298] = "Some Camera", "Someone", 6, "(c) Someone"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


@pytest.mark.parametrize("kind", KINDS)
def test_prompts_and_personal_metadata_go_and_disclosure_and_pixels_stay(kind: str) -> None:
    data = marked(picture(kind, exif=personal()), Marks(source=SOURCE, prompt=True, prompt_writer="Someone Else"))

    result = stripped(data, READER)

    for word in (b"secret", b"Some Camera", b"Someone Else", b"s\0e\0c\0r"):
        assert word not in result.data
    assert sources.read(result.data).source.prompt is None
    assert metadata(result.data).digital_source_type == VOCABULARY + "trainedAlgorithmicMedia"
    assert disclosed(result.data) == 1.0
    assert result.remaining == ()
    before, after = decode(data, "a")[0], decode(result.data, "b")[0]
    assert before.pixels == after.pixels
    assert (after.width, after.height) == (20, 28)  # still turned
    assert metadata(result.data).raw["xmp.dc:rights"] == "(c) Someone"


@pytest.mark.parametrize("kind", KINDS)
def test_a_generators_own_metadata_leave_their_disclosure_behind(kind: str) -> None:
    text = "a secret client brief\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Model: m, Version: v1.10.1"
    data = marked(picture(kind), Marks(source_type=None, source=Source(prompt="x")))
    if kind == "JPEG":
        data = picture(kind, comment=text.encode())
    elif kind == "PNG":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text("parameters", text)
        data = picture(kind, pnginfo=info)
    assert disclosed(data) == 1.0

    result = stripped(data, READER)

    assert b"secret" not in result.data
    assert disclosed(result.data) == 1.0


def test_a_photograph_gets_no_disclosure_that_it_never_had() -> None:
    data = picture("JPEG", exif=personal())

    result = stripped(data, READER)

    assert disclosed(data) == disclosed(result.data) == 0.0
    assert metadata(result.data).camera is None


def test_what_lies_behind_the_end_of_a_picture_goes() -> None:
    for kind in KINDS:
        data = picture(kind) + b"\xff\xd8secret film\xff\xd9"

        result = stripped(data, READER)

        assert b"secret" not in result.data
        assert "behind the picture" in result.removed[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_disclosure_is_said_again_without_the_signature(kind: str, sign) -> None:
    generated = stripped(sign(picture(kind), "compositeWithTrainedAlgorithmicMedia"), READER)
    captured = stripped(sign(picture(kind), "digitalCapture"), READER)

    assert READER.read(generated.data).state == "none"
    assert "c2pa manifest" in generated.removed
    assert metadata(generated.data).digital_source_type == VOCABULARY + "compositeWithTrainedAlgorithmicMedia"
    assert metadata(captured.data).digital_source_type is None


def test_chinas_label_stays_wherever_it_stood(build) -> None:
    label = json.dumps(aigc_label("001X", "77"))

    for data in (build.png({"AIGC": label}), marked(picture("WEBP"), Marks(aigc=aigc_label("001X", "77")))):
        assert metadata(stripped(data, READER).data).aigc == aigc_label("001X", "77")


def test_a_prompt_that_is_hidden_in_the_pixels_is_named_as_remaining(build) -> None:
    import gzip

    text = json.dumps({"Software": "NovelAI", "Comment": "{}"})
    data = build.hidden(gzip.compress(text.encode()), b"stealth_pngcomp")

    assert "hidden in the pixels" in stripped(data, READER).remaining[0]


def test_public_files_keep_every_pixel_and_lose_every_prompt(corpora: Path) -> None:
    files = [p for p in sorted((corpora / "genmeta").rglob("*")) if p.suffix in (".png", ".jpg", ".jpeg", ".webp")]
    if not files:
        pytest.skip(f"no pictures with generation metadata at {corpora}")

    for path in files:
        data = path.read_bytes()
        result = stripped(data, READER)
        assert decode(data, "a")[0].pixels == decode(result.data, "b")[0].pixels, path.name
        # NovelAI hides the prompt in the pixels too: that is said, not passed over
        assert bool(result.remaining) == ("novelai" in path.name and "cropped" not in path.name), path.name
        assert disclosed(result.data) == disclosed(data), path.name


# --- survival ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_pipeline_that_copies_loses_nothing_and_one_that_saves_again_loses_all(kind: str, sign) -> None:
    data = sign(marked(picture(kind), Marks(source=SOURCE, aigc=aigc_label("001X", "77"))), "trainedAlgorithmicMedia")
    stream = BytesIO()
    with Image.open(BytesIO(data)) as opened:
        Image.fromarray(np.asarray(opened)).save(stream, "JPEG")

    same = survived(marks(data, READER), marks(bytes(data), READER))
    fates = {one.mark: one for one in survived(marks(data, READER), marks(stream.getvalue(), READER))}

    assert {one.fate for one in same} == {"kept"}
    assert {one.fate for one in fates.values()} == {"lost"}
    assert {name for name, one in fates.items() if one.disclosure_lost} == {
        "c2pa", "source type", "ai system", "aigc label"
    }  # fmt: skip


def test_a_signature_that_no_longer_fits_is_broken_and_a_changed_prompt_is_changed(sign) -> None:
    data = sign(marked(picture("PNG"), Marks(source=SOURCE)), "trainedAlgorithmicMedia")
    edited = data.replace(b"secret", b"public")

    fates = {one.mark: one for one in survived(marks(data, READER), marks(edited, READER))}

    assert fates["c2pa"].fate == "broken"
    assert fates["c2pa"].disclosure_lost
    assert fates["prompt"].fate == "changed"
    assert not fates["prompt"].disclosure_lost
    assert fates["source type"].fate == "kept"


def test_marks_that_were_added_are_named_and_lose_nothing() -> None:
    plain, more = picture("PNG"), marked(picture("PNG"), Marks(source=SOURCE))

    assert {one.fate for one in survived(marks(plain, READER), marks(more, READER))} == {"added"}
